#!lua flags=allow-oom
-- Gives a claim up: ready at once if it was signalled since the worker last saw the count, else later, or until signalled.
-- Left alone, it is not ready before the time whatever was signalled.
-- KEYS: ready, later, claims, lapse, signals, count, alone.
-- ARGV: subscription, token and worker, signals seen, time or "", channel, 1 if left alone.
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return end
local signals = tonumber(redis.call('HGET', KEYS[5], ARGV[1]) or '0')
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
if ARGV[6] == '1' then
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
  redis.call('SADD', KEYS[7], ARGV[1])
elseif signals > tonumber(ARGV[3]) then
  redis.call('ZADD', KEYS[1], redis.call('HINCRBY', KEYS[6], 'order', 1), ARGV[1])
  redis.call('PUBLISH', ARGV[5], ARGV[1])
elseif ARGV[4] ~= '' then
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
end
