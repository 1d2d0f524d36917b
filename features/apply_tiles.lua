-- Takes in new values of hour tiles of one entity: the difference to what was there before goes into
-- the hour, the day and the all-time sum that readers find. So a repeated row changes nothing, a late
-- hour adds to its day and to all time, and a row older than the one there is is left alone.
-- KEYS: the mark of Redis' last filling, the tiles as they were written, then each hash that is read.
-- ARGV: the mark as the caller knows it, how each column merges (s sum, n least, x greatest), the first
-- hour whose tile is kept, the first hour of the first day that is kept, the first part that may still
-- change, seconds for which the written tiles are kept, then a row each: course (16 bytes), hour, part,
-- version, values.
-- Returns how many tiles of hours began; -1, and nothing is written, where Redis was filled since.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local kinds, columns = ARGV[2], #ARGV[2]
local hours_from, days_from, parts_from = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local form = '<' .. string.rep('i8', columns)
local HOUR, DAY, ALL = 0, 1, 2
local more = 0

local function change(key, field, now, before)
  local found = redis.call('HGET', key, field)
  local sums = found and {struct.unpack(form, found)} or {}
  for i = 1, columns do
    local kind, have = string.sub(kinds, i, i), sums[i] or 0
    if kind == 's' then
      have = have + now[i] - (before[i] or 0)
    elseif now[i] ~= 0 and (have == 0 or (kind == 'n') == (now[i] < have)) then
      have = now[i]
    end
    sums[i] = have
  end
  return redis.call('HSET', key, field, struct.pack(form, unpack(sums, 1, columns)))
end

for i = 7, #ARGV do
  local row = ARGV[i]
  local course, field = string.sub(row, 1, 16), string.sub(row, 1, 28)
  local hour, version = struct.unpack('>I4', row, 17), struct.unpack('<i8', row, 29)
  local written = redis.call('HGET', KEYS[2], field)
  if not written or struct.unpack('<i8', written) <= version then
    local now = {struct.unpack(form, row, 37)}
    local before = written and {struct.unpack(form, written, 9)} or {}
    redis.call('HSET', KEYS[2], field, string.sub(row, 29))
    local day = hour - hour % 24
    for k = 3, #KEYS do
      change(KEYS[k], course .. struct.pack('>I1I4', ALL, 0), now, before)
      if day >= days_from then
        change(KEYS[k], course .. struct.pack('>I1I4', DAY, day), now, before)
      end
      if hour >= hours_from then
        more = more + change(KEYS[k], course .. struct.pack('>I1I4', HOUR, hour), now, before)
      end
    end
  end
end

redis.call('EXPIRE', KEYS[2], tonumber(ARGV[6]))
if more > 0 then  -- once an hour: what has grown too old for any window goes
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if struct.unpack('<i8', field, 21) < parts_from then redis.call('HDEL', KEYS[2], field) end
  end
  for k = 3, #KEYS do
    for _, field in ipairs(redis.call('HKEYS', KEYS[k])) do
      local grain, begins = struct.unpack('>I1I4', field, 17)
      if (grain == HOUR and begins < hours_from) or (grain == DAY and begins < days_from) then
        redis.call('HDEL', KEYS[k], field)
      end
    end
  end
end
return more
