#!lua flags=allow-oom
-- Moves a partition's cursor forward, unless the token is not that of its newest lease.
-- KEYS: lease, cursor. ARGV: token, ms and sequence of the position. Gives 1, or 0 for the stale.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
local ms, seq = string.match(redis.call('GET', KEYS[2]) or '0-0', '(%d+)-(%d+)')
local to_ms, to_seq = tonumber(ARGV[2]), tonumber(ARGV[3])
ms, seq = tonumber(ms), tonumber(seq)
if to_ms > ms or (to_ms == ms and to_seq > seq) then
  redis.call('SET', KEYS[2], ARGV[2] .. '-' .. ARGV[3])
end
return 1
