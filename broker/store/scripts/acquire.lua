#!lua flags=allow-oom
-- A lease for one holder at a time: the same holder prolongs its own, another waits until it lapses.
-- KEYS: lease. ARGV: holder, ms. Gives the token, or nil. The time is the server's, so that no holder's clock counts.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, token, ends = unpack(redis.call('HMGET', KEYS[1], 'holder', 'token', 'until'))
if holder ~= ARGV[1] then
  if holder and tonumber(ends) > now then return nil end
  token = tonumber(token or '0') + 1
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'token', token, 'until', now + tonumber(ARGV[2]))
return tonumber(token)
