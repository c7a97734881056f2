#!lua flags=allow-oom
-- There may be something to do: whoever claimed the subscription sees it, else it becomes ready.
-- KEYS: ready, claims, signals, count. ARGV: subscription, channel.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
elseif not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('ZADD', KEYS[1], redis.call('HINCRBY', KEYS[4], 'order', 1), ARGV[1])
end
redis.call('PUBLISH', ARGV[2], ARGV[1])
