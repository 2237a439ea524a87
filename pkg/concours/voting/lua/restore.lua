-- Puts recorded votes of one voter back into the voter's hash. What is there already only grows, so it may run
-- again, and beside votes that are being admitted.
--
-- KEYS  1 the voter
-- ARGV  per vote: nonce, candidate, journal id, day, slot, repeat, ordinal
local function later(field, day, count)
  local was = redis.call('HGET', KEYS[1], field)
  if was then
    local at = string.find(was, ':', 1, true)
    local was_day, was_count = tonumber(string.sub(was, 1, at - 1)), tonumber(string.sub(was, at + 1))
    if was_day > tonumber(day) or (was_day == tonumber(day) and was_count >= tonumber(count)) then return end
  end
  redis.call('HSET', KEYS[1], field, day .. ':' .. count)
end
for i = 1, #ARGV, 7 do
  redis.call('HSET', KEYS[1], 'r' .. ARGV[i], ARGV[i + 1] .. ':' .. ARGV[i + 2])
  later('n', ARGV[i + 3], ARGV[i + 4])
  later('c' .. ARGV[i + 1], ARGV[i + 3], ARGV[i + 5])
  if (tonumber(redis.call('HGET', KEYS[1], 't')) or 0) < tonumber(ARGV[i + 6]) then
    redis.call('HSET', KEYS[1], 't', ARGV[i + 6])
  end
end
return #ARGV / 7
