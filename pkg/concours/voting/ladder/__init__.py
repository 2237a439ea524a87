"""Who votes: the ladder of a poll, from a browser without a name to a person who was identified elsewhere.

`ways` (the rungs, their weights, in words), then one module for each rung that asks for something: `codes` (with
`models`, and `cards` to print), `phone` (with `senders`), `provider` (OpenID Connect); `challenge` is the puzzle that
newcomers solve. `form` is the ladder in a poll's form, `desk` the organiser's page of codes, `pages` and `api` where a
voter comes in. How a request becomes a voter is one floor up, in `entrance`; what the gallery says of it in `doorway`.
"""
