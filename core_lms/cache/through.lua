-- Keep the answer of a write that has committed, unless another write has begun since: that one
-- will. Readers who looked between its beginning and its end may have seen the old row, so their
-- generation ends here too.
-- KEYS: answer, generation. ARGV: the write's generation, the answer, milliseconds of it, of that.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
