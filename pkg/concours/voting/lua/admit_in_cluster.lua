-- admit.lua in a Cluster. A replica that took over may lack the last votes that its primary admitted: it admits nobody
-- before the sequencer has caught it up with the ledger and written its name into the state.
--
-- KEYS and ARGV as admit.lua has them, and as the last of ARGV the run id of the server process that is asked.
-- Answers as admit.lua; `unloaded` also where the state was written for another process.
if redis.call('HGET', KEYS[1], 'server') ~= table.remove(ARGV) then return {'unloaded'} end

-- include admit
