#!lua flags=allow-oom
-- Adds an entry to the ledger, unless the same was said before. KEYS: entries, said. ARGV: digest of what it says, JSON.
if redis.call('SADD', KEYS[2], ARGV[1]) == 1 then
  redis.call('XADD', KEYS[1], '*', 'e', ARGV[2])
end
