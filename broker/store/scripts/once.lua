#!lua flags=allow-oom
-- Takes note of a value that must not come again. KEYS: once. ARGV: ms. Gives 1, or 0 when it came before.
return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
