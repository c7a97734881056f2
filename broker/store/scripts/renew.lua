#!lua flags=allow-oom
-- Prolongs a claim that is still the worker's. KEYS: claims, lapse, signals. ARGV: subscription, token and worker, ms.
-- Gives the signals since it was claimed, or nil when it was lost.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return nil end
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], clock + tonumber(ARGV[3]), ARGV[1])
return tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0')
