"""What people see of a poll.

The public: `public` (an event's polls, the gallery, a candidate), `ballots` (several picks, and the receipts of one
ballot), `by_form` (a vote without script), `told` (standings, receipts, rules), `doorway` (who votes here, and how to
come in). The organiser: `desk` with `poll_form` and `figures`. Behind them: `cards` (candidates as they are drawn, kept
in memory), `exposure` (how often each was shown), `history` (how the rules changed).
"""
