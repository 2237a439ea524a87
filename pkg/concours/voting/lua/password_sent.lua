-- Reserves the sending of a one-time password to a number, or says why not; keeps the password's HMAC.
--
-- KEYS  1 the number's last sending  2 the number's sendings today  3 the network's sliding minute
--       4 the network's sendings today  5 the poll's sendings today  6 the password of number and browser
-- ARGV  1 the password's HMAC  2 its life (s)  3 wait before another (s)  4 of a number a day  5 of a network a minute
--       6 of a network a day  7 of the poll a day
-- Answers {'sent'}, or {'wait', s}, {'number'}, {'network', s}, {'network_day'} or {'poll'}.

-- include sliding_minute

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sent = tonumber(redis.call('HGET', KEYS[1], 'at'))
if sent and now < sent + ARGV[3] * 1000 then return {'wait', math.ceil((sent - now) / 1000 + ARGV[3])} end
if (tonumber(redis.call('GET', KEYS[2])) or 0) >= tonumber(ARGV[4]) then return {'number'} end
if (tonumber(redis.call('GET', KEYS[4])) or 0) >= tonumber(ARGV[6]) then return {'network_day'} end
if (tonumber(redis.call('GET', KEYS[5])) or 0) >= tonumber(ARGV[7]) then return {'poll'} end
local wait = too_many(KEYS[3], '', tonumber(ARGV[5]), now)
if wait then return {'network', wait} end
redis.call('PEXPIRE', KEYS[3], 120000)
for i = 2, 5 do
  if i ~= 3 and redis.call('INCR', KEYS[i]) == 1 then redis.call('EXPIRE', KEYS[i], 86400) end
end
redis.call('HSET', KEYS[1], 'at', string.format('%.0f', now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('DEL', KEYS[6])
redis.call('HSET', KEYS[6], 'h', ARGV[1], 'tries', 0)
redis.call('EXPIRE', KEYS[6], ARGV[2])
return {'sent'}
