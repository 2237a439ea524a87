"""Who may call which route of the voting room."""

from collections.abc import Callable

from tests.access import EVERYONE, Row, World
from tests.voting.build import poll_in

NOBODY: frozenset[str] = frozenset()
READERS = {"organiser", "auditor", "admin"}
A_RECEIPT = f"1-0.{'A' * 43}"


def _api(path: str = "") -> Callable[[World], str]:
    return lambda w: f"/api/v1/polls/{poll_in(w).id}{path}"


ROWS = [
    Row("voting_api.listed", "GET", lambda w: f"/api/v1/events/{w.event.slug}/polls", EVERYONE),
    Row("voting_api.poll", "GET", _api(), EVERYONE),
    Row("voting_api.new_voter", "POST", _api("/voters"), EVERYONE),
    Row("voting_api.this_voter", "GET", _api("/voter"), NOBODY),  # a voter token opens it, no account does
    Row("voting_api.vote", "POST", _api("/votes"), EVERYONE, json=lambda _: {"candidate": 1, "nonce": "too short"}),
    Row("voting_api.standings", "GET", _api("/standings"), EVERYONE),
    Row("voting_api.receipt", "GET", _api(f"/receipts/{A_RECEIPT}"), EVERYONE),
    Row(
        "voting_api.reconcile",
        "GET",
        lambda w: f"/api/v1/events/{w.event.slug}/polls/{poll_in(w).id}/reconciliation",
        READERS,
    ),
]
