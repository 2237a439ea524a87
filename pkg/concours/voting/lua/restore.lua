-- Puts recorded votes of one voter back into the voter's hash. What is there already only grows, so it may run
-- again, and beside votes that are being admitted.
--
-- KEYS  1 the voter
-- ARGV  per vote: nonce (of a ballot's later picks: empty), candidate, journal id, day, slot, repeat, ordinal, number
--       for that candidate in all
for i = 1, #ARGV, 8 do
  local nonce, candidate, day = ARGV[i], ARGV[i + 1], ARGV[i + 3]
  if nonce ~= '' then redis.call('HSET', KEYS[1], 'r' .. nonce, candidate .. ':' .. ARGV[i + 2]) end
  local mine = redis.call('HMGET', KEYS[1], 'n', 't', 'c' .. candidate)
  local on, slot = 0, 0
  if mine[1] then on, slot = string.match(mine[1], '^(%d+):(%d+)$') end
  if tonumber(on) < tonumber(day) or (on == day and tonumber(slot) < tonumber(ARGV[i + 4])) then
    redis.call('HSET', KEYS[1], 'n', day .. ':' .. ARGV[i + 4])
  end
  if (tonumber(mine[2]) or 0) < tonumber(ARGV[i + 6]) then redis.call('HSET', KEYS[1], 't', ARGV[i + 6]) end
  if (mine[3] and tonumber(string.match(mine[3], '%d+$')) or 0) < tonumber(ARGV[i + 7]) then
    redis.call('HSET', KEYS[1], 'c' .. candidate, day .. ':' .. ARGV[i + 5] .. ':' .. ARGV[i + 7])
  end
end
return #ARGV / 8
