-- Counts one new device of a network in a sliding minute, and says whether it must solve a challenge first: where the
-- network brings new voters, or attempts to vote, faster than the thresholds. One who has solved it is counted alike.
--
-- KEYS  1 the network's new devices  2 the network's attempts to vote  3 state
-- ARGV  1 new devices a minute, 0 for no limit  2 from how many new ones in this or the last minute on a challenge is
--       asked, 0 for never  3 1 where it is solved
-- Answers 0 where one more is let in, -1 where a challenge must be solved first, else the whole seconds to wait.

-- include sliding_minute

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function lately(key)
  local minute = math.floor(now / 60000)
  local was = redis.call('HMGET', key, 'm', 'c', 'p')
  local seen, count, last = tonumber(was[1]) or 0, tonumber(was[2]) or 0, tonumber(was[3]) or 0
  if seen == minute then return math.max(count, last) end
  return seen == minute - 1 and count or 0
end

local threshold = tonumber(ARGV[2] or '0')
if threshold > 0 and ARGV[3] ~= '1' then
  if lately(KEYS[1]) >= threshold then return -1 end
  local attempts = tonumber(redis.call('HGET', KEYS[3], 'network_per_minute')) or 0
  if attempts > 0 and lately(KEYS[2]) >= attempts * 0.8 then return -1 end
end
local limit = tonumber(ARGV[1])
local wait = too_many(KEYS[1], '', limit > 0 and limit or 1000000000, now)
if wait then return wait end
redis.call('PEXPIRE', KEYS[1], 120000)
return 0
