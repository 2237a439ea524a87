"""Decisions about votes that are recorded: voids and restores, made by two people. Formats: docs/ledger.md. It reads:

`models` -> `decisions` (propose, confirm, decline, withdraw) with `selection` (which votes) and `effects` (what it does
to the standings) -> `recording` (the sequencer's part: leaves, tally) -> Redis.
"""
