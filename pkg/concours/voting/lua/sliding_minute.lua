-- Counts one attempt in a sliding minute, kept in the hash `key` under `prefix`: this minute's attempts, and the last
-- one's by the share of it that still lies within 60 s. `now` is in ms. Returns nil, or the whole seconds to wait where
-- the limit is reached; an attempt that is refused here does not count, so that waiting helps.
local function too_many(key, prefix, limit, now)
  local minute, share = math.floor(now / 60000), (now % 60000) / 60000
  local was = redis.call('HMGET', key, prefix .. 'm', prefix .. 'c', prefix .. 'p')
  local seen, count, last = tonumber(was[1]) or 0, tonumber(was[2]) or 0, tonumber(was[3]) or 0
  if seen == minute - 1 then
    count, last = 0, count
  elseif seen ~= minute then
    count, last = 0, 0
  end
  if count + last * (1 - share) >= limit then
    local wait
    if count < limit then
      wait = 1 - (limit - count) / last - share
    else
      wait = 1 - share + 1 - limit / count
    end
    return math.max(1, math.ceil(wait * 60))
  end
  redis.call('HSET', key, prefix .. 'm', minute, prefix .. 'c', count + 1, prefix .. 'p', last)
  return nil
end
