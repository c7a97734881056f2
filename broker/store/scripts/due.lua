-- Opened, not settled, to be tried by a time: the lowest positions among the longest overdue.
-- KEYS: due, open, sent, tries, again. ARGV: time (or +inf), most, how many overdue are looked at, the position before.
-- Gives for each: position, delivery (JSON), attempts, 1 if asked for again.
local most, after = tonumber(ARGV[2]), tonumber(ARGV[4])
local positions = {}
if ARGV[1] == '+inf' then
  positions = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[4], '+inf', 'LIMIT', 0, most)
else
  for _, position in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
    if tonumber(position) > after then table.insert(positions, position) end
  end
  table.sort(positions, function(one, other) return tonumber(one) < tonumber(other) end)
end
local found = {}
for i = 1, math.min(#positions, most) do
  local position = positions[i]
  local entry = redis.call('XRANGE', KEYS[3], position .. '-0', position .. '-0')[1]
  found[i] = {position, entry[2][2], redis.call('HGET', KEYS[4], position), redis.call('SISMEMBER', KEYS[5], position)}
end
return found
