-- Tries a one-time password. The right one is used up; a wrong one costs one of the tries.
-- KEYS  1 the password of number and browser   ARGV  1 the HMAC of what was typed  2 tries in all
-- Answers {'right'}, or {'none'}: wrong, never sent to that browser, expired, used, or all tries spent.
local was = redis.call('HMGET', KEYS[1], 'h', 'tries')
if not was[1] or was[1] == '' then return {'none'} end
if was[1] == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return {'right'}
end
local tries = redis.call('HINCRBY', KEYS[1], 'tries', 1)
if tries >= tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1])
end
return {'none'}
