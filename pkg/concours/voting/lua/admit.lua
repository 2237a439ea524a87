-- Admits one vote or refuses it. All of a vote's rules are decided here, in one atomic step, by the server's clock.
--
-- KEYS  1 state  2 candidates  3 the voter  4 the voter's network  5 journal  6 refused  7 issued
-- ARGV  1 the version of the rules that the caller knows
--       2 the day in the poll's zone (proleptic ordinal)  3 its beginning  4 its end (ms since 1970)
--       5 candidate  6 nonce (16 bytes)  7 the voter's tag (32 bytes)
--       8 the pseudonym of the voter's network (16 bytes), carried along for evidence of fraud
--       9 the voter's weight
--
-- Answers, in the order of the checks:
--   unloaded                                    the poll's state is not in this server: it is rebuilt from the ledger first
--   stale <version>                             the caller's rules are not those of the state
--   known <candidate> <journal id>              this nonce was admitted before: it gets its first answer again, whatever
--                                               has closed or filled up since
--   day <now>                                   the caller's day is not today: it works the day out from `now` and asks again
--   poll_not_open <ms>  poll_closed <ms>        from when, since when
--   not_eligible                                not a candidate, or withdrawn
--   rate_limited:network <seconds>              too many attempts from this network in the sliding minute
--   rate_limited:voter <seconds>                too many attempts of this voter in the sliding minute
--   quota_used:day <seconds> <used>             the day's votes are used; seconds until the next day
--   already_voted <seconds>                     this candidate has had the voter's vote today
--   quota_used:total <seconds> <used>           all of the voter's votes are used; seconds until the poll closes
--   admitted <journal id> <slot> <repeat> <ordinal>
-- Refusals by a rule are counted by reason.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function refuse(reason, ...)
  redis.call('HINCRBY', KEYS[6], reason, 1)
  return {reason, ...}
end

-- include sliding_minute

local function on_day(value, day)
  if not value then return 0 end
  local at = string.find(value, ':', 1, true)
  if string.sub(value, 1, at - 1) ~= day then return 0 end
  return tonumber(string.sub(value, at + 1))
end

local rule = redis.call('HMGET', KEYS[1], 'ready', 'version', 'opens', 'closes', 'per_day', 'per_candidate_day', 'total',
  'network_per_minute', 'voter_per_minute')
if rule[1] ~= '1' then return {'unloaded'} end
if rule[2] ~= ARGV[1] then return {'stale', rule[2]} end

local day, candidate = ARGV[2], ARGV[5]
local mine = redis.call('HMGET', KEYS[3], 'r' .. ARGV[6], 'n', 't', 'c' .. candidate)
if mine[1] then
  local at = string.find(mine[1], ':', 1, true)
  return {'known', string.sub(mine[1], 1, at - 1), string.sub(mine[1], at + 1)}
end

local opens, closes = tonumber(rule[3]), tonumber(rule[4])
if now < opens then return refuse('poll_not_open', rule[3]) end
if now >= closes then return refuse('poll_closed', rule[4]) end
if now < tonumber(ARGV[3]) or now >= tonumber(ARGV[4]) then return {'day', string.format('%.0f', now)} end
if redis.call('SISMEMBER', KEYS[2], candidate) == 0 then return refuse('not_eligible') end

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

local today, again, all = on_day(mine[2], day), on_day(mine[4], day), tonumber(mine[3]) or 0
local per_day, per_candidate_day, total = tonumber(rule[5]), tonumber(rule[6]), tonumber(rule[7])
local tomorrow = math.ceil((tonumber(ARGV[4]) - now) / 1000)
if per_day > 0 and today >= per_day then return refuse('quota_used:day', tomorrow, today) end
if per_candidate_day > 0 and again >= per_candidate_day then return refuse('already_voted', tomorrow) end
if total > 0 and all >= total then return refuse('quota_used:total', math.ceil((closes - now) / 1000), all) end

local weight, id = ARGV[9]
if weight == '1' then
  id = redis.call('XADD', KEYS[5], '*', 't', ARGV[7], 'n', ARGV[6], 'c', candidate, 'd', day,
    's', today + 1, 'r', again + 1, 'o', all + 1, 'a', ARGV[8])
else
  id = redis.call('XADD', KEYS[5], '*', 't', ARGV[7], 'n', ARGV[6], 'c', candidate, 'd', day,
    's', today + 1, 'r', again + 1, 'o', all + 1, 'a', ARGV[8], 'w', weight)
end
redis.call('HSET', KEYS[3], 'r' .. ARGV[6], candidate .. ':' .. id, 'n', day .. ':' .. (today + 1), 't', all + 1,
  'c' .. candidate, day .. ':' .. (again + 1))
redis.call('HINCRBY', KEYS[7], candidate, weight)
return {'admitted', id, today + 1, again + 1, all + 1}
