#!lua flags=allow-oom
-- Claims subscriptions that are ready, first signalled first; before that, lapsed claims and times that came make ready.
-- KEYS: ready, later, claims, lapse, signals, count, alone. ARGV: worker, now (s), ms, most.
-- Gives subscription and token of each.
local function ready(subscription)
  redis.call('SREM', KEYS[7], subscription)
  if not redis.call('ZSCORE', KEYS[1], subscription) then
    redis.call('ZADD', KEYS[1], redis.call('HINCRBY', KEYS[6], 'order', 1), subscription)
  end
end
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
for _, subscription in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', clock, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[4], subscription)
  redis.call('HDEL', KEYS[3], subscription)
  redis.call('HDEL', KEYS[5], subscription)
  ready(subscription)
end
for _, subscription in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[2], subscription)
  ready(subscription)
end
local claimed = {}
for _, subscription in ipairs(redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[4]) - 1)) do
  local token = redis.call('HINCRBY', KEYS[6], 'token', 1)
  redis.call('ZREM', KEYS[1], subscription)
  redis.call('ZREM', KEYS[2], subscription)
  redis.call('HSET', KEYS[3], subscription, token .. ' ' .. ARGV[1])
  redis.call('ZADD', KEYS[4], clock + tonumber(ARGV[3]), subscription)
  claimed[#claimed + 1] = {subscription, token}
end
return claimed
