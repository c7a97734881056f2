#!lua flags=allow-oom
-- Queues alerts for a subscription, unless that log position was taken from that partition before, or it was removed.
-- KEYS: taken, queue, gone. ARGV: partition, ms and sequence of the position, then the alerts. Gives 1, or 0.
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local ms, seq = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '(%d+)-(%d+)')
local new_ms, new_seq = tonumber(ARGV[2]), tonumber(ARGV[3])
ms, seq = tonumber(ms), tonumber(seq)
if ms and (new_ms < ms or (new_ms == ms and new_seq <= seq)) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '-' .. ARGV[3])
for i = 4, #ARGV do
  redis.call('XADD', KEYS[2], '*', 'a', ARGV[i])
end
return 1
