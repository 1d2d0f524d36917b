-- One token out of each bucket, or out of none; and whether one of the caller's revocations stands.
-- A bucket is one number: the microsecond at which it will be full again (none: it is full).
-- KEYS: the buckets. ARGV: per bucket the microseconds a token takes to drip in, and the bucket's
-- size; then the keys of the revocations. Redis lets nobody name a key in KEYS who may not also write
-- it, and most who meter requests may only look at revocations.
-- Returns {0 revoked | 1 taken | 2 refused, per bucket: tokens left, microseconds until the next
-- token that is missing (0 where there is one), microseconds until full}.
local buckets = #KEYS
if #ARGV > 2 * buckets and redis.call('EXISTS', unpack(ARGV, 2 * buckets + 1)) > 0 then
  return {0}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local stored = buckets > 0 and redis.call('MGET', unpack(KEYS)) or {}
local full_at, answer = {}, {1}
for i = 1, buckets do
  local token, size = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  -- A clock that stepped back, or a bucket that was made smaller, must not lock anybody out.
  full_at[i] = math.min(math.max(tonumber(stored[i] or 0), now), now + token * size)
  if full_at[i] + token > now + token * size then
    answer[1] = 2
  end
end
for i = 1, buckets do
  local token, size = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  if answer[1] == 1 then
    full_at[i] = full_at[i] + token
    -- %.0f: a number as text would lose its last digits.
    redis.call('SET', KEYS[i], string.format('%.0f', full_at[i]),
      'PX', math.ceil((full_at[i] - now) / 1000))
  end
  local missing = full_at[i] - now
  answer[#answer + 1] = math.floor((token * size - missing) / token)
  answer[#answer + 1] = math.max(0, missing + token - token * size)
  answer[#answer + 1] = missing
end
return answer
