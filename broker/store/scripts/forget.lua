#!lua flags=allow-oom
-- Takes a subscription out of all claims, and keeps it out for a time.
-- KEYS: ready, later, claims, lapse, signals, alone, gone. ARGV: subscription, how long (s).
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
redis.call('SREM', KEYS[6], ARGV[1])
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', now)
redis.call('ZADD', KEYS[7], now + tonumber(ARGV[2]), ARGV[1])
redis.call('EXPIRE', KEYS[7], ARGV[2])
