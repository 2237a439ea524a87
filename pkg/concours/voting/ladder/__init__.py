"""Who votes: the ladder of a poll, from a browser without a name to a person who was identified elsewhere.

`ways` (the rungs, their weights, in words), then one module for each rung that asks for something: `codes` (with
`models`, and `cards` to print), `phone` (with `senders`), `provider` (OpenID Connect); `challenge` is the puzzle that
newcomers solve. `desk` is the organiser's page of codes, `pages` where a voter comes in. How a request becomes a
voter is one floor up, in `entrance`.
"""
