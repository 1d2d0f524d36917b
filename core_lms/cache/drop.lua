-- Forget an answer and begin a new generation, so that whoever is making it now cannot keep it.
-- KEYS: answer, generation. ARGV: milliseconds a generation is remembered.
local generation = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
return tostring(generation)
