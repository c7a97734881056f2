-- Deliveries (JSON) that are to be tried after a time. KEYS: due, sent. ARGV: time.
local found = {}
for i, position in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf')) do
  found[i] = redis.call('XRANGE', KEYS[2], position .. '-0', position .. '-0')[1][2][2]
end
return found
