-- Takes or keeps the sequencer's lease, by the server's clock.
-- KEYS  1 lease   ARGV  1 who asks  2 for how long (ms); 0 gives the lease back
-- Answers 1 where it is (or was) the asker's, else 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local was = redis.call('HMGET', KEYS[1], 'holder', 'until')
if was[1] and was[1] ~= ARGV[1] and tonumber(was[2]) > now then return 0 end
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], 'holder', 'until')
else
  redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', now + tonumber(ARGV[2]))
end
return 1
