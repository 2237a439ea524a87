-- Puts a version of a poll's rules and its eligible candidates into the state that is loaded here.
--
-- KEYS  1 state  2 candidates
-- ARGV  1 version  2 number of fields  then field, value, ...  then candidates
-- Answers `ok`, `older` (a later version is here) or `unloaded`.
local was = redis.call('HMGET', KEYS[1], 'ready', 'version')
if was[1] ~= '1' then return 'unloaded' end
if tonumber(was[2]) > tonumber(ARGV[1]) then return 'older' end
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  at = at + 2
end
redis.call('HSET', KEYS[1], 'version', ARGV[1])
redis.call('DEL', KEYS[2])
while ARGV[at] do
  redis.call('SADD', KEYS[2], ARGV[at])
  at = at + 1
end
return 'ok'
