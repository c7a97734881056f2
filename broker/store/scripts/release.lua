-- Gives a lease back; the token stays, so that tokens only grow.
-- KEYS: lease. ARGV: holder.
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'holder', 'until')
end
