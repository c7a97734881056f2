#!lua flags=allow-oom
-- Keeps the state of an endpoint's breaker. KEYS: breaker. ARGV: failures, until.
redis.call('HSET', KEYS[1], 'failures', ARGV[1], 'until', ARGV[2])
