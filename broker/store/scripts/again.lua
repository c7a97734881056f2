#!lua flags=allow-oom
-- Makes deliveries due again; those that were never opened or were replaced are passed over. Gives how many.
-- Those that are asked for together are due in their order: a position more is half a microsecond later, up to the
-- time itself (Redis orders equal times as text, so that 10 would come before 2).
-- KEYS: sent, replaced, open, due, tries, again, dead. ARGV: time, then positions.
local made = 0
for i = 2, #ARGV do
  local position, id = ARGV[i], ARGV[i] .. '-0'
  local known = #redis.call('XRANGE', KEYS[1], id, id) == 1
  if known and redis.call('SISMEMBER', KEYS[2], position) == 0 then
    redis.call('ZADD', KEYS[3], position, position)
    redis.call('ZADD', KEYS[4], tonumber(ARGV[1]) + (tonumber(position) - 2 ^ 31) / 2 ^ 21, position)
    redis.call('HDEL', KEYS[5], position)
    redis.call('SADD', KEYS[6], position)
    redis.call('HDEL', KEYS[7], position)
    made = made + 1
  end
end
return made
