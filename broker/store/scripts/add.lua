#!lua flags=allow-oom
-- Queues what does not come from the log, once ever. KEYS: added, queue, gone. ARGV: alert. Gives its place; none that
-- ever was for a subscription that was removed.
if redis.call('EXISTS', KEYS[3]) == 1 then return '0-0' end
local place = redis.call('HGET', KEYS[1], ARGV[1])
if not place then
  place = redis.call('XADD', KEYS[2], '*', 'a', ARGV[1])
  redis.call('HSET', KEYS[1], ARGV[1], place)
end
return place
