#!lua flags=allow-oom
-- There may be something to do: whoever claimed the subscription sees it, else it becomes ready.
-- One that was left alone until a time is not made ready before it, unless its owner asks.
-- One that was removed is nobody's to serve.
-- KEYS: ready, claims, signals, count, alone, gone. ARGV: subscription, channel, 1 if its owner asks.
if redis.call('ZSCORE', KEYS[6], ARGV[1]) then return end
if ARGV[3] == '1' then
  redis.call('SREM', KEYS[5], ARGV[1])
elseif redis.call('SISMEMBER', KEYS[5], ARGV[1]) == 1 then
  return
end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
elseif not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('ZADD', KEYS[1], redis.call('HINCRBY', KEYS[4], 'order', 1), ARGV[1])
end
redis.call('PUBLISH', ARGV[2], ARGV[1])
