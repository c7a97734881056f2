#!lua flags=allow-oom
-- A change of the subscriptions and of their revision, together. KEYS: held, revision. ARGV: how, id, JSON.
local how, id, held = ARGV[1], ARGV[2], ARGV[3]
if how == 'replace' and redis.call('HEXISTS', KEYS[1], id) == 0 then return end -- deleted meanwhile: it stays so
if how == 'delete' then redis.call('HDEL', KEYS[1], id) else redis.call('HSET', KEYS[1], id, held) end
redis.call('INCR', KEYS[2])
