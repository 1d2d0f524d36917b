-- One refresh of a session: which number its next token has, decided once however many ask.
-- KEYS[1] the session. ARGV: the presented number, now, the grace, the idle time (all seconds).
-- Answers {'gone'}, {'reused'}, or {'ok', next number, ...the session's fields}.
local number, now, grace, idle = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'number', 'refreshed_at', 'expires_at')
if not kept[1] or now >= tonumber(kept[3]) or now >= tonumber(kept[2]) + idle then
    return {'gone'}
end
local current = tonumber(kept[1])
if number < current then
    -- The one before the current one may come again for a moment: two tabs, an answer that got lost.
    if number + 1 < current or now - tonumber(kept[2]) > grace then
        return {'reused'}
    end
    return {'ok', current, unpack(redis.call('HGETALL', KEYS[1]))}
end
-- A number from the future is ours (its code is right): Redis lost its last second. Go on from it.
redis.call('HSET', KEYS[1], 'number', number + 1, 'refreshed_at', ARGV[2])
redis.call('EXPIRE', KEYS[1], math.ceil(math.min(idle, tonumber(kept[3]) - now)))
return {'ok', number + 1, unpack(redis.call('HGETALL', KEYS[1]))}
