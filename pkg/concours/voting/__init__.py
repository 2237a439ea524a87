"""THE VOTE PATH. It reads top to bottom like a story:

front (HTTP) -> cast -> limits (one Lua script) -> journal -> sequencer -> ledger -> tally.
Around it: models, polls (an organiser's verbs), voters (pseudonyms and tokens), receipts, routes.
"""
