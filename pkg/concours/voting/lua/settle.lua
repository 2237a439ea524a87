-- Ends a rebuild or a repair: sets the counts to what the ledger says as of a leaf and the issued receipts to what it
-- holds and what waits behind it, moves the watermark there and, for a rebuild, opens the state for votes. New journal ids are made to lie behind the last recorded one, even if the
-- clock of this server is behind that of the one that was lost.
--
-- KEYS  1 state  2 counts  3 journal  4 issued
-- ARGV  1 `rebuild` or `repair`  2 leaves  3 last recorded journal id  4 fencing token  then candidate, votes that
--       count, votes with a receipt (those that were voided among them), ...
-- Answers `ok`, `unloaded`, `ahead` (this server has folded more leaves than the ledger holds) or `fenced`.
local was = redis.call('HMGET', KEYS[1], 'ready', 'applied', 'fence')
if (tonumber(was[3]) or 0) > tonumber(ARGV[4]) then return 'fenced' end
if ARGV[1] == 'repair' then
  if was[1] ~= '1' then return 'unloaded' end
  if tonumber(was[2]) > tonumber(ARGV[2]) then return 'ahead' end
end
redis.call('DEL', KEYS[2], KEYS[4])
for i = 5, #ARGV, 3 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 2])
end
if ARGV[3] ~= '0-0' then
  local added = redis.pcall('XADD', KEYS[3], ARGV[3], 'x', '')
  if type(added) == 'string' then redis.call('XDEL', KEYS[3], ARGV[3]) end
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '(' .. ARGV[3], '+')) do
  local candidate, weight
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'c' then candidate = entry[2][i + 1] elseif entry[2][i] == 'w' then weight = entry[2][i + 1] end
  end
  for pick in string.gmatch(candidate or '', '%d+') do redis.call('HINCRBY', KEYS[4], pick, weight or 1) end
end
redis.call('HSET', KEYS[1], 'applied', ARGV[2], 'mark', ARGV[3], 'fence', ARGV[4], 'ready', '1')
return 'ok'
