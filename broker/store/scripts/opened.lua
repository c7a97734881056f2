-- Deliveries by position. KEYS: sent, tries, again, replaced. ARGV: after, most.
-- Gives for each: position, delivery (JSON), attempts, 1 if asked for again, 1 if replaced.
local found = {}
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
  local position = string.match(entry[1], '^%d+')
  found[i] = {
    position, entry[2][2], redis.call('HGET', KEYS[2], position),
    redis.call('SISMEMBER', KEYS[3], position), redis.call('SISMEMBER', KEYS[4], position),
  }
end
return found
