-- The counts of a poll and the ledger size they stand for, read together.
-- KEYS  1 state  2 counts   ARGV  1 a size that the caller has the counts for already, or ''
-- Answers nothing (not loaded), or the size, followed by candidate, votes, ... unless the size is the caller's.
local was = redis.call('HMGET', KEYS[1], 'ready', 'applied')
if was[1] ~= '1' then return {} end
if was[2] == ARGV[1] then return {was[2]} end
local found = redis.call('HGETALL', KEYS[2])
table.insert(found, 1, was[2])
return found
