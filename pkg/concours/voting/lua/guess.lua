-- Counts an attempt to enter a code in a sliding minute of the network before it is looked up; a code that was right is
-- given back afterwards, so that only wrong ones add up.
-- KEYS  1 the network's attempts   ARGV  1 how many a minute, or -1 to give one back
-- Answers 0, or the whole seconds to wait.

-- include sliding_minute

if ARGV[1] == '-1' then
  if (tonumber(redis.call('HGET', KEYS[1], 'c')) or 0) > 0 then redis.call('HINCRBY', KEYS[1], 'c', -1) end
  return 0
end
local time = redis.call('TIME')
local wait = too_many(KEYS[1], '', tonumber(ARGV[1]), time[1] * 1000 + math.floor(time[2] / 1000))
if wait then return wait end
redis.call('PEXPIRE', KEYS[1], 120000)
return 0
