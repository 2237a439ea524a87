-- Says that a batch is recorded in SQL: folds its counts into the projection, moves the watermark, trims the journal
-- behind it and tells the requests that wait. Run again for the same batch it folds nothing twice.
--
-- KEYS  1 state  2 counts  3 journal  4 refused  5 minutes  6 issued
-- ARGV  1 channel  2 message for the waiting requests  3 first leaf of the batch  4 first leaf after it
--       5 the last journal id of the batch  6 fencing token  7 number of candidates  then candidate, votes, ...
--       then reason, candidate, weight for each entry that the ledger's unique keys refused ('' where its nonce counts
--       already)
-- Answers `ok`, `unloaded` (no state here: rebuild), `behind` (leaves before this batch are missing here: repair) or
-- `fenced` (a later sequencer has taken over). The message is sent in every case: the votes are recorded.
redis.call('PUBLISH', ARGV[1], ARGV[2])
local was = redis.call('HMGET', KEYS[1], 'ready', 'applied', 'fence')
if was[1] ~= '1' then return 'unloaded' end
if (tonumber(was[3]) or 0) > tonumber(ARGV[6]) then return 'fenced' end
local applied, first, next = tonumber(was[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if applied < first then return 'behind' end
if applied > first then return applied >= next and 'ok' or 'behind' end
local at = 8
for _ = 1, tonumber(ARGV[7]) do
  redis.call('HINCRBY', KEYS[2], ARGV[at], ARGV[at + 1])
  at = at + 2
end
while ARGV[at] do
  if ARGV[at] ~= '' then redis.call('HINCRBY', KEYS[4], ARGV[at], 1) end
  redis.call('HINCRBY', KEYS[6], ARGV[at + 1], -tonumber(ARGV[at + 2]))
  at = at + 3
end
redis.call('HSET', KEYS[1], 'applied', ARGV[4], 'mark', ARGV[5], 'fence', ARGV[6])
if next > first then
  redis.call('HINCRBY', KEYS[5], math.floor(redis.call('TIME')[1] / 60), next - first)
end
redis.call('XTRIM', KEYS[3], 'MINID', '~', ARGV[5])
return 'ok'
