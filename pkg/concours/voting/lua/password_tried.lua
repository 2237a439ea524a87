-- Tries a one-time password. The right one is used up; a wrong one costs one of the tries.
-- KEYS  1 the number's password   ARGV  1 the HMAC of what was typed  2 tries in all
-- Answers {'right'}, {'wrong', tries left}, or {'none'}: never sent, expired, used, or all tries spent.
local was = redis.call('HMGET', KEYS[1], 'h', 'tries')
if not was[1] or was[1] == '' then return {'none'} end
if was[1] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'h', '')  -- the time of sending stays, and with it the wait before another
  return {'right'}
end
local tries = redis.call('HINCRBY', KEYS[1], 'tries', 1)
if tries >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'h', '')
  return {'none'}
end
return {'wrong', ARGV[2] - tries}
