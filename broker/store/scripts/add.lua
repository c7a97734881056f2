#!lua flags=allow-oom
-- Queues what does not come from the log, once ever. KEYS: added, queue. ARGV: alert. Gives its place.
local place = redis.call('HGET', KEYS[1], ARGV[1])
if not place then
  place = redis.call('XADD', KEYS[2], '*', 'a', ARGV[1])
  redis.call('HSET', KEYS[1], ARGV[1], place)
end
return place
