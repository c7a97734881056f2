#!lua flags=allow-oom
-- A change of the subscriptions and of their revision, together.
-- KEYS: held, revision, ids and history of its agency. ARGV: how, id, what the history says of it (JSON, or nothing),
-- JSON, and the JSON that is replaced or how many the agency may have. Gives 1, or 0 where another stands there or the
-- agency has so many.
local how, id, said, held = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if how == 'create' and redis.call('SCARD', KEYS[3]) >= tonumber(ARGV[5]) then return 0 end
if how == 'replace' and redis.call('HGET', KEYS[1], id) ~= ARGV[5] then return 0 end -- changed or deleted: it stays so
if how == 'delete' then
  if redis.call('HEXISTS', KEYS[1], id) == 0 then return 0 end
  redis.call('HDEL', KEYS[1], id)
  redis.call('SREM', KEYS[3], id)
else
  redis.call('HSET', KEYS[1], id, held)
  redis.call('SADD', KEYS[3], id)
end
if said ~= '' then redis.call('XADD', KEYS[4], 'MAXLEN', '~', 100000, '*', 'c', said) end
redis.call('INCR', KEYS[2])
return 1
