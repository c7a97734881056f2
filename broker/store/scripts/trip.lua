#!lua flags=allow-oom
-- Keeps the state of an endpoint's breaker. KEYS: breaker, gone. ARGV: failures, until.
if redis.call('EXISTS', KEYS[2]) == 1 then return end
redis.call('HSET', KEYS[1], 'failures', ARGV[1], 'until', ARGV[2])
