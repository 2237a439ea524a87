-- Counts one new device of a network in a sliding minute.
-- KEYS  1 the network's new devices   ARGV  1 how many a minute
-- Answers 0 where one more is let in, else the whole seconds to wait.

-- include sliding_minute

local time = redis.call('TIME')
local wait = too_many(KEYS[1], '', tonumber(ARGV[1]), time[1] * 1000 + math.floor(time[2] / 1000))
if wait then return wait end
redis.call('PEXPIRE', KEYS[1], 120000)
return 0
