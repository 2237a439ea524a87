"""The public log of a poll's ledger, kept behind the vote path. Formats: docs/ledger.md. It reads:

`keeper` (a thread beside the sequencer) -> `merkle`, `tiles` -> `logbook` (checkpoints and keys, as `notes`) ->
`closing`; `publication` shows it, `witnesses` sign it, `checking` tells a voter what a receipt proves. Edges: `api`,
`desk`, `check_pages`.
"""
