#!lua flags=allow-oom
-- Takes an opened delivery out of what is owed. KEYS: open, due, tries, again. ARGV: position.
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[4], ARGV[1])
