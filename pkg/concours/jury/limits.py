"""Every limit of the jury room, with its name and number."""

ROUNDS_PER_EVENT = 40
TITLE_CHARACTERS = 80
REVIEWS_PER_ENTRY = 50
SELECT_AT_MOST = 100_000
CRITERIA = 8
POINTS_SPAN = 1_000
"""Greatest highest points of a criterion, and the lowest lowest with a minus."""
WEIGHT_AT_MOST = 1_000.0
ANCHORS = 21
"""Points of one criterion that are described."""
ANCHOR_CHARACTERS = 120
PICKED = 2_000
"""Entries of a list picked by hand."""
RANKED_TOGETHER = 800
"""Entries of a ranking round: Schulze's method takes time with the cube of their number."""
GROUP = (2, 100)
"""Least and most works of a judge that are ranked together."""
COMPARISONS = (2, 20)
"""Least and most pairs of a judge in which each of their works stands."""
COMPARED_TOGETHER = 800
"""Entries of a pairwise round: the model's matrices are as wide."""
NOTE_CHARACTERS = 1_000
"""What is to be remembered of a discussion."""
DISCUSSION_PAGE = 50
"""Entries on one page of a discussion."""
PANEL = 200
"""Judges of one round, those who left included."""
ENTRIES_PER_ROUND = 20_000
OVERLAP = 100
"""Entries that any two judges of a panel may be asked to share."""
ANCHOR_ENTRIES = 20
"""Anchor entries in each category."""
MARKS_AT_ONCE = 200
"""Marks of one request."""
CLIENT_ID_CHARACTERS = 40
TOKEN_CHARACTERS = 24
REASON_CHARACTERS = 300
TABLE_PAGE = 100
"""Entries of one answer of the light table's list."""
RESULTS_PAGE = 100
"""Entries on one page of the results."""
REMARKS_AT_ONCE = 200
"""Remarks of one request."""
REMARK_CHARACTERS = 1_000
ANSWER_CHARACTERS = 500
"""The organisers' own record of what became of a remark."""
REMARKS_PAGE = 50
"""Remarks on one page of the organiser's list."""
