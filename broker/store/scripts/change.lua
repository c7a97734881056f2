#!lua flags=allow-oom
-- A change of the subscriptions and of their revision, together.
-- KEYS: held, revision. ARGV: how, id, JSON, and the JSON that is replaced. Gives 1, or 0 where another stands there.
local how, id, held = ARGV[1], ARGV[2], ARGV[3]
if how == 'replace' and redis.call('HGET', KEYS[1], id) ~= ARGV[4] then return 0 end -- changed or deleted: it stays so
if how == 'delete' then redis.call('HDEL', KEYS[1], id) else redis.call('HSET', KEYS[1], id, held) end
redis.call('INCR', KEYS[2])
return 1
