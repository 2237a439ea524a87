"""Evidence of fraud: what in a poll's ledger looks arranged. It never decides anything; people do (docs/evidence.md).

Pure, over arrays: `votes` -> `streams` -> `newcomers`, `intervals`, `repeats`, `covoting`, `solving` -> `groups`
(`score` runs all). Around it: `reading` (from SQL), `runs` (what is kept), `jobs`; `plots`, `words` and `desk` show it.
"""
