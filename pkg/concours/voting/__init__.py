"""THE VOTE PATH. It reads top to bottom like a story:

`front` (HTTP) -> `cast` -> `limits` (one Lua script, lua/admit.lua) -> the journal -> `sequencer` -> `ledger`
-> `tally` (what Redis shows), and back: `waiting` -> `receipts`.

Behind it, `log`: the poll's public log, its checkpoints, witnesses and close.

What it stands on: `models`, `rules` (what a poll allows, cached by version), `secrets` (a poll's keys, pseudonyms),
`voters` (ids and tokens), `ladder` (the ways into a poll), `entrance` (how a request becomes a voter), `keys` (all
names in Redis). Behind the ledger: `amendments` (voids and restores by two people), `evidence` (what looks arranged).
Around it: `polls` and `candidates` (an organiser's verbs), `shown` and `snapshots` (who sees which counts when),
`reconciliation`, `pages` (what people see), `api` (JSON).
"""
