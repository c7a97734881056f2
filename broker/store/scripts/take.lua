#!lua flags=allow-oom
-- Makes a version of the directory the highest, if it is higher; of two with one number the first stays.
-- KEYS: highest. ARGV: version, digest. Gives the version and digest that are the highest then.
local stands = redis.call('HGET', KEYS[1], 'version')
if not stands or tonumber(stands) < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'digest', ARGV[2])
end
return redis.call('HMGET', KEYS[1], 'version', 'digest')
