-- Takes in rows of one minute of one institution: the difference to what a row was before goes into
-- the sum of its course and that of all courses. So a repeated row changes nothing.
-- KEYS: the rows, the sums. ARGV: when both expire (Unix seconds), then for each row what it is the
-- sum of, its course, its events.
for i = 2, #ARGV, 3 do
  local more = ARGV[i + 2] - (redis.call('HGET', KEYS[1], ARGV[i]) or 0)
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  redis.call('HINCRBY', KEYS[2], ARGV[i + 1], more)
  redis.call('HINCRBY', KEYS[2], '', more)
end
redis.call('EXPIREAT', KEYS[1], ARGV[1])
redis.call('EXPIREAT', KEYS[2], ARGV[1])
