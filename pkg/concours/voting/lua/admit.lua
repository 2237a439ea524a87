-- Admits one ballot as a whole or refuses it. All of a poll's rules are decided here, in one atomic step, by the
-- server's clock. A ballot has one pick or several; each pick is one vote, for another candidate each.
--
-- KEYS  1 state  2 candidates  3 the voter  4 the voter's network  5 journal  6 refused  7 issued
-- ARGV  1 the version of the rules that the caller knows
--       2 the day in the poll's zone (proleptic ordinal)  3 its beginning  4 its end (ms since 1970)
--       5 nonce (16 bytes)  6 the voter's tag (32 bytes)
--       7 the pseudonym of the voter's network (16 bytes), carried along for evidence of fraud
--       8 the voter's weight  then the picks: different candidates in ascending order
--
-- Answers, in the order of the checks:
--   unloaded                                    the poll's state is not in this server: it is rebuilt from the ledger first
--   stale <version>                             the caller's rules are not those of the state
--   known <candidate> <journal id>              this nonce was admitted before: it gets its first answer again, whatever
--                                               has closed or filled up since; the candidate is the ballot's first
--   day <now>                                   the caller's day is not today: it works the day out from `now` and asks again
--   poll_not_open <ms>  poll_closed <ms>        from when, since when
--   wrong_picks <picks>                         a ballot has fewer or more picks
--   not_eligible                                not a candidate, or withdrawn
--   quota_used:day <seconds> <used>             the day's votes do not suffice; seconds until the next day
--   already_voted <seconds>                     a candidate has had the voter's votes of today
--   already_voted:total <seconds>               a candidate has had the voter's votes of the whole poll
--   quota_used:total <seconds> <used>           the voter's votes in all do not suffice; seconds until the poll closes
--   rate_limited:network <seconds>              too many ballots from this network in the sliding minute
--   rate_limited:voter <seconds>                too many ballots of this voter in the sliding minute
--   admitted <journal id> <used today> <used in all>
-- The journal id is that of the first pick: of several its place in the stream is followed by `-1-<picks>`.
-- Refusals by a rule are counted by reason.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function refuse(reason, ...)
  redis.call('HINCRBY', KEYS[6], reason, 1)
  return {reason, ...}
end

-- include sliding_minute

local rule = redis.call('HMGET', KEYS[1], 'ready', 'version', 'opens', 'closes', 'per_day', 'per_candidate_day', 'total',
  'network_per_minute', 'voter_per_minute', 'per_candidate_total', 'min_picks', 'max_picks')
if rule[1] ~= '1' then return {'unloaded'} end
if rule[2] ~= ARGV[1] then return {'stale', rule[2]} end

local FIRST = 9
local day, nonce, weight, picks = ARGV[2], ARGV[5], ARGV[8], #ARGV - 8
local wanted = {'r' .. nonce, 'n', 't'}
for at = FIRST, #ARGV do wanted[at - 5] = 'c' .. ARGV[at] end
local mine = redis.call('HMGET', KEYS[3], unpack(wanted))
if mine[1] then
  local at = string.find(mine[1], ':', 1, true)
  return {'known', string.sub(mine[1], 1, at - 1), string.sub(mine[1], at + 1)}
end

local opens, closes = tonumber(rule[3]), tonumber(rule[4])
if now < opens then return refuse('poll_not_open', rule[3]) end
if now >= closes then return refuse('poll_closed', rule[4]) end
if now < tonumber(ARGV[3]) or now >= tonumber(ARGV[4]) then return {'day', string.format('%.0f', now)} end
if picks < tonumber(rule[11]) or picks > tonumber(rule[12]) then return refuse('wrong_picks', picks) end
for at = FIRST, #ARGV do
  if redis.call('SISMEMBER', KEYS[2], ARGV[at]) == 0 then return refuse('not_eligible') end
end

local today, all = 0, tonumber(mine[3]) or 0
if mine[2] then
  local at = string.find(mine[2], ':', 1, true)
  if string.sub(mine[2], 1, at - 1) == day then today = tonumber(string.sub(mine[2], at + 1)) end
end
local per_day, per_candidate_day, total = tonumber(rule[5]), tonumber(rule[6]), tonumber(rule[7])
local per_candidate_total = tonumber(rule[10])
local tomorrow = math.ceil((tonumber(ARGV[4]) - now) / 1000)
local over = math.ceil((closes - now) / 1000)
if per_day > 0 and today + picks > per_day then return refuse('quota_used:day', tomorrow, today) end

-- of each pick: its number among the voter's votes for that candidate today, and in all
local again, nth, changed = {}, {}, {}
for pick = 1, picks do
  local today_for, all_for = 0, 0
  local was = mine[pick + 3]
  if was then
    local on, count, sum = string.match(was, '^(%d+):(%d+):(%d+)$')
    all_for = tonumber(sum)
    if on == day then today_for = tonumber(count) end
  end
  if per_candidate_day > 0 and today_for >= per_candidate_day then return refuse('already_voted', tomorrow) end
  if per_candidate_total > 0 and all_for >= per_candidate_total then return refuse('already_voted:total', over) end
  again[pick], nth[pick] = today_for + 1, all_for + 1
  changed[2 * pick - 1] = wanted[pick + 3]
  changed[2 * pick] = day .. ':' .. (today_for + 1) .. ':' .. (all_for + 1)
end
if total > 0 and all + picks > total then return refuse('quota_used:total', over, all) end

-- last, so that who is refused anyway uses up nothing of the minute of all who share an address
local network_limit, voter_limit = tonumber(rule[8]), tonumber(rule[9])
if network_limit > 0 then
  local wait = too_many(KEYS[4], '', network_limit, now)
  if wait then return refuse('rate_limited:network', wait) end
  redis.call('PEXPIRE', KEYS[4], 120000)
end
if voter_limit > 0 then
  local wait = too_many(KEYS[3], 'w', voter_limit, now)
  if wait then return refuse('rate_limited:voter', wait) end
end

local candidates, repeats, numbers = ARGV[FIRST], again[1], nth[1]
if picks > 1 then
  candidates, repeats, numbers = table.concat(ARGV, ',', FIRST), table.concat(again, ','), table.concat(nth, ',')
end
local entry = {'t', ARGV[6], 'n', nonce, 'c', candidates, 'd', day, 's', today + 1, 'r', repeats, 'o', all + 1,
  'a', ARGV[7]}
if numbers ~= repeats then
  entry[17], entry[18] = 'x', numbers
end
if weight ~= '1' then
  entry[#entry + 1], entry[#entry + 2] = 'w', weight
end
local id = redis.call('XADD', KEYS[5], '*', unpack(entry))
if picks > 1 then id = id .. '-1-' .. picks end
redis.call('HSET', KEYS[3], 'r' .. nonce, ARGV[FIRST] .. ':' .. id, 'n', day .. ':' .. (today + picks), 't', all + picks,
  unpack(changed))
for at = FIRST, #ARGV do redis.call('HINCRBY', KEYS[7], ARGV[at], weight) end
return {'admitted', id, today + picks, all + picks}
