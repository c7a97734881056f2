-- A group of alerts of one partition: each gets its record and its log entry together, once ever.
-- KEYS: log, then the record of each. ARGV: channel, partition, then id and text of each.
-- Gives, for each, the text that stood there before, or nil when it is new.
local before = {}
for i = 1, #KEYS - 1 do
  local id, text = ARGV[2 * i + 1], ARGV[2 * i + 2]
  local stands = redis.call('GET', KEYS[i + 1])
  if not stands then
    redis.call('SET', KEYS[i + 1], text)
    redis.call('XADD', KEYS[1], '*', 'a', id)
  end
  before[i] = stands
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return before
