-- Keep an answer, unless what it was made of may have changed since it was looked for.
-- KEYS: answer, generation. ARGV: the generation then, the answer, milliseconds.
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
