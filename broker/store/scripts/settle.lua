#!lua flags=allow-oom
-- Records an attempt and what follows from it: retry at a time, wait until then uncounted, dead, or delivered.
-- What was settled, dropped or replaced meanwhile stays so; but delivered once is no dead letter any more.
-- KEYS: open, due, tries, again, dead, attempts, gone. ARGV: position, attempt (JSON), what follows, time, kept attempts.
if redis.call('EXISTS', KEYS[7]) == 1 then return end
local position, attempt, follows = ARGV[1], ARGV[2], ARGV[3]
redis.call('XADD', KEYS[6], 'MAXLEN', '=', ARGV[5], '*', 't', attempt)
if follows == 'delivered' then redis.call('HDEL', KEYS[5], position) end
if not redis.call('ZSCORE', KEYS[1], position) then return end
if follows == 'retry' or follows == 'wait' then
  if follows == 'retry' then redis.call('HINCRBY', KEYS[3], position, 1) end
  redis.call('ZADD', KEYS[2], ARGV[4], position)
  return
end
redis.call('ZREM', KEYS[1], position)
redis.call('ZREM', KEYS[2], position)
redis.call('HDEL', KEYS[3], position)
redis.call('SREM', KEYS[4], position)
if follows == 'dead' then redis.call('HSET', KEYS[5], position, attempt) end
