#!lua flags=allow-oom
-- Gives the next position to what was owed, or to an opened delivery whose content changed (then replaced).
-- KEYS: head, queue, sent, open, due, tries, again, replaced, dead.
-- ARGV: position, digest, delivery (JSON), "owed", "opened" or "settled" (opened, and perhaps settled since), place in
-- the queue or the position before; and, where more of the alert stays owed, its id and the parts that this delivery
-- gives (JSON).
-- Gives 1, or 0 when the position is not the next or what was to be opened is gone.
local position, what, place = tonumber(ARGV[1]), ARGV[4], ARGV[5]
if position ~= tonumber(redis.call('HGET', KEYS[1], 'position') or '0') + 1 then return 0 end
if what == 'owed' then
  if redis.call('XDEL', KEYS[2], place) == 0 then return 0 end
else
  if what == 'settled' then
    local id = place .. '-0'
    if #redis.call('XRANGE', KEYS[3], id, id) == 0 or redis.call('SISMEMBER', KEYS[8], place) == 1 then return 0 end
    redis.call('ZREM', KEYS[4], place)
  elseif redis.call('ZREM', KEYS[4], place) == 0 then
    return 0
  end
  redis.call('ZREM', KEYS[5], place)
  redis.call('HDEL', KEYS[6], place)
  if redis.call('SREM', KEYS[7], place) == 1 then redis.call('SADD', KEYS[7], ARGV[1]) end
  redis.call('SADD', KEYS[8], place)
  redis.call('HDEL', KEYS[9], place)
end
if ARGV[6] then redis.call('XADD', KEYS[2], '*', 'a', ARGV[6], 'g', ARGV[7]) end
redis.call('XADD', KEYS[3], ARGV[1] .. '-0', 'd', ARGV[3])
redis.call('HSET', KEYS[1], 'position', ARGV[1], 'digest', ARGV[2])
redis.call('ZADD', KEYS[4], position, ARGV[1])
redis.call('ZADD', KEYS[5], 0, ARGV[1])
return 1
