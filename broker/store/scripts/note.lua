#!lua flags=allow-oom
-- Adds facts to an alert's dossier, each once however often it is said.
-- KEYS: the dossier's hashes, its fate first. ARGV: how many facts the fate has, or "" for any number; for each fact
-- its rule, the number of its hash, field, value. Gives 1; 0, and nothing is added, where the fate has another number.
if ARGV[1] ~= '' and tonumber(ARGV[1]) ~= redis.call('HLEN', KEYS[1]) then return 0 end
for i = 2, #ARGV, 4 do
  local rule, key, field, value = ARGV[i], KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2], ARGV[i + 3]
  if rule == 'once' then
    redis.call('HSETNX', key, field, value)
  elseif rule == 'in-order' then -- the number of facts before it tells their order
    redis.call('HSETNX', key, field, string.format('%08d %s', redis.call('HLEN', key), value))
  elseif rule == 'changed' then -- each after a record separator (RFC 7464), its first 16 digits equal for equal ones
    local before = redis.call('HGET', key, field) or ''
    local last = string.match(before, '([^\30]*)$')
    if string.sub(last, 1, 16) ~= string.sub(value, 1, 16) then
      redis.call('HSET', key, field, before .. '\30' .. value)
    end
  elseif rule == 'end' then -- "<state> <at>": delivered stays, else the last counts
    local before = redis.call('HGET', key, field)
    if not before or string.sub(before, 1, 10) ~= 'delivered ' then
      redis.call('HSET', key, field, value)
    end
  end
end
return 1
