#!lua flags=allow-oom
-- Sets a deadline unless one stands. KEYS: the partition's deadlines. ARGV: the alert, seconds since the epoch.
return redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
