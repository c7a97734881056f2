#!lua flags=allow-oom
-- Removes an outbox; what still comes for it finds that it is gone. KEYS: gone, then all others. ARGV: how long (s).
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
