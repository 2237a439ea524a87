-- Folds an amendment (a void or a restore) that is recorded in SQL as one leaf. Run again for the same leaf it folds
-- nothing twice. The receipts given stay as they are, and so do the voters' slots: a void frees none.
--
-- KEYS  1 state  2 counts
-- ARGV  1 the amendment's leaf  2 fencing token  then candidate, votes gained (or, negative, lost), ...
-- Answers `ok`, `unloaded` (no state here: rebuild), `behind` (leaves before it are missing here: repair) or `fenced`.
local was = redis.call('HMGET', KEYS[1], 'ready', 'applied', 'fence')
if was[1] ~= '1' then return 'unloaded' end
if (tonumber(was[3]) or 0) > tonumber(ARGV[2]) then return 'fenced' end
local applied, leaf = tonumber(was[2]), tonumber(ARGV[1])
if applied < leaf then return 'behind' end
if applied > leaf then return 'ok' end
for at = 3, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[2], ARGV[at], ARGV[at + 1])
end
redis.call('HSET', KEYS[1], 'applied', leaf + 1, 'fence', ARGV[2])
return 'ok'
