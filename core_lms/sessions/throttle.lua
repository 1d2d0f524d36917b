-- One more try: counted before it is made, so that tries side by side cannot slip past the count.
-- KEYS: what is counted (an account, an address). ARGV: now in seconds ('' is Redis's own clock),
-- first wait, longest wait, then for each key how many failures are free.
-- Answers the seconds to wait (0: go on) as text.
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local wait = 0
for _, key in ipairs(KEYS) do
    local until_ = tonumber(redis.call('HGET', key, 'until')) or 0
    wait = math.max(wait, until_ - now)
end
if wait > 0 then
    return tostring(wait)
end
for index, key in ipairs(KEYS) do
    local tries = redis.call('HINCRBY', key, 'tries', 1)
    local over = tries - tonumber(ARGV[3 + index])
    if over >= 0 then
        local pause = math.min(first * 2 ^ math.min(over, 40), longest)
        redis.call('HSET', key, 'until', tostring(now + pause))
    end
    -- Forgotten after a day, or twice the longest wait, without a try.
    redis.call('EXPIRE', key, math.ceil(math.max(86400, 2 * longest)))
end
return '0'
