"""Who may call which route of the voting room."""

from collections.abc import Callable
from typing import Any

from concours.voting.ladder.ways import CODE, DEVICE, PHONE, Way
from tests.access import EVERYONE, Row, World
from tests.voting.amendments.build import proposal_in
from tests.voting.build import PollWorld, a_batch, poll_in
from tests.voting.evidence.build import a_group

NOBODY: frozenset[str] = frozenset()
DESK = {"organiser", "admin"}
READERS = {"organiser", "auditor", "admin"}
DOORS = {kind: Way() for kind in (DEVICE, CODE, PHONE)}
A_RECEIPT = f"1-0.{'A' * 43}"


def _api(path: str = "") -> Callable[[World], str]:
    return lambda w: f"/api/v1/polls/{poll_in(w).id}{path}"


def _log(path: str) -> Callable[[World], str]:
    def url(w: World) -> str:
        return f"/log/{poll_in(w, keep=True).poll.slug}/{path}"

    return url


def _public(path: Callable[[PollWorld], str]) -> Callable[[World], str]:
    def url(w: World) -> str:
        found = poll_in(w)
        return f"/events/{w.event.slug}/polls/{found.poll.slug}{path(found)}"

    return url


def _desk(path: Callable[[PollWorld], str], *, publish: bool = True) -> Callable[[World], str]:
    def url(w: World) -> str:
        found = poll_in(w, publish=publish)
        return f"/events/{w.event.slug}/voting/{found.id}{path(found)}"

    return url


def _decision(path: str, *, by: str = "") -> Callable[[World], str]:
    """A proposal of somebody else (or of that person of the world)."""

    def url(w: World) -> str:
        found = poll_in(w)
        number = proposal_in(found, w.people[by] if by else w.make.account())
        return f"/events/{w.event.slug}/voting/{found.id}/decisions/{number}{path}"

    return url


def _door(path: str) -> Callable[[World], str]:
    def url(w: World) -> str:
        return f"/events/{w.event.slug}/polls/{poll_in(w, ways=DOORS).poll.slug}{path}"

    return url


def _codes(path: str) -> Callable[[World], str]:
    def url(w: World) -> str:
        found = poll_in(w)
        batch = a_batch(found)
        return f"/events/{w.event.slug}/voting/{found.id}/codes/{batch.id}{path}"

    return url


def _group(path: str) -> Callable[[World], str]:
    def url(w: World) -> str:
        found = poll_in(w)
        return f"/events/{w.event.slug}/voting/{found.id}/evidence/{a_group(found).id}{path}"

    return url


def _form(_: World) -> dict[str, Any]:
    return {"title": "", "opens_at": "2021-07-08T00:00:00", "closes_at": "2021-07-10T18:00:00"}


ROWS = [
    Row("voting_api.listed", "GET", lambda w: f"/api/v1/events/{w.event.slug}/polls", EVERYONE),
    Row("voting_api.poll", "GET", _api(), EVERYONE),
    Row("voting_api.new_voter", "POST", _api("/voters"), EVERYONE),
    Row("voting_api.new_challenge", "GET", _api("/challenge"), EVERYONE),
    Row(
        "voting_api.send_password",
        "POST",
        lambda w: f"/api/v1/polls/{poll_in(w, ways=DOORS).id}/phone",
        EVERYONE,
        json=lambda _: {"phone": "1"},
    ),
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
    Row("voting_log.checkpoint", "GET", _log("checkpoint"), EVERYONE),
    Row("voting_log.tile", "GET", _log("tile/0/000"), NOBODY),  # no vote, no tile: for nobody
    Row("voting_log.entries", "GET", _log("tile/entries/000"), NOBODY),  # while the poll is open
    Row("voting_log.closing", "GET", _log("closing"), NOBODY),  # likewise
    Row("voting_log.earlier_closing", "GET", _log("closings/0"), NOBODY),  # likewise
    Row("voting_log.keys", "GET", _log("keys"), EVERYONE),
    Row("voting_log.cosign", "POST", _log("cosignatures"), EVERYONE),  # refused by what is in it
    Row("voting.gallery", "GET", lambda w: f"/events/{w.event.slug}/polls", EVERYONE),
    Row("voting.poll", "GET", _public(lambda p: ""), EVERYONE),
    Row("voting.candidate", "GET", _public(lambda p: f"/candidates/{p.candidates[0]}"), EVERYONE),
    Row("voting.vote", "POST", _public(lambda p: f"/candidates/{p.candidates[0]}/vote"), EVERYONE),
    Row("voting.ballot", "GET", _public(lambda p: "/ballot"), EVERYONE),
    Row("voting.ballot", "POST", _public(lambda p: "/ballot"), EVERYONE),
    Row("voting.standings", "GET", _public(lambda p: "/standings"), EVERYONE),
    Row("voting.receipt", "GET", _public(lambda p: f"/receipts/{A_RECEIPT}"), EVERYONE),
    Row("voting.receipts", "GET", _public(lambda p: f"/receipts?id={A_RECEIPT}"), EVERYONE),
    Row("voting.rules", "GET", _public(lambda p: "/rules"), EVERYONE),
    Row("voting.mine", "GET", _public(lambda p: "/mine"), EVERYONE),
    Row("voting_ladder.enter", "GET", _public(lambda p: "/enter"), EVERYONE),
    Row("voting_ladder.code", "GET", _door("/code"), EVERYONE),
    Row("voting_ladder.code", "POST", _door("/code"), EVERYONE),
    Row("voting_ladder.phone", "GET", _door("/phone"), EVERYONE),
    Row("voting_ladder.phone", "POST", _door("/phone"), EVERYONE),
    Row("voting_ladder.leave", "POST", _public(lambda p: "/leave"), EVERYONE),
    Row("voting_ladder.sign_in", "GET", _public(lambda p: "/sign-in"), NOBODY),  # no identity provider is set
    Row("voting_back.signed_in", "GET", lambda w: "/voting/signed-in", NOBODY),  # nobody began
    Row("voting_codes.show", "GET", _desk(lambda p: "/codes"), READERS),
    Row("voting_codes.make", "POST", _desk(lambda p: "/codes"), DESK, data=lambda _: {"name": ""}),
    Row("voting_codes.sheet", "GET", _codes("/cards"), DESK),
    Row("voting_codes.table", "GET", _codes("/table.csv"), DESK),
    Row("voting_codes.forget", "POST", _codes("/forget"), DESK),
    Row("voting_codes.revoke", "POST", _codes("/revoke"), DESK),
    Row("voting_codes.revoke_one", "POST", _desk(lambda p: "/codes/revoke-one"), DESK, data=lambda _: {"code": "x"}),
    Row("voting_codes.ask", "POST", _desk(lambda p: "/challenge"), DESK),
    Row("voting_check.form", "GET", _public(lambda p: "/check"), EVERYONE),
    Row("voting_check.program", "GET", _public(lambda p: "/check/concours_verify.py"), EVERYONE),
    Row("voting_check.check", "POST", _public(lambda p: "/check"), EVERYONE, data=lambda _: {"receipt": A_RECEIPT}),
    Row("voting_judged.index", "GET", _public(lambda p: "/decisions"), EVERYONE),
    Row("voting_decisions.index", "GET", _desk(lambda p: "/decisions"), READERS),
    Row("voting_decisions.new", "GET", _desk(lambda p: "/decisions/new"), DESK),
    Row("voting_decisions.new", "POST", _desk(lambda p: "/decisions/new"), DESK, data=lambda _: {"by": "receipts"}),
    Row("voting_decisions.show", "GET", _decision(""), READERS),
    Row("voting_decisions.confirm", "POST", _decision("/confirm"), READERS),
    Row("voting_decisions.decline", "POST", _decision("/decline"), READERS, data=lambda _: {"answer": "否"}),
    Row("voting_decisions.withdraw", "POST", _decision("/withdraw", by="organiser"), {"organiser"}),
    Row("voting_decisions.reverse", "POST", _decision("/reverse"), DESK, data=lambda _: {"reason": ""}),
    Row("voting_closed.show", "GET", _desk(lambda p: "/closed"), READERS),
    Row("voting_closed.take_bundle", "POST", _desk(lambda p: "/closed/bundle"), {"auditor", "admin"}),
    Row("voting_closed.destroy_key", "POST", _desk(lambda p: "/closed/key"), DESK),
    Row("voting_evidence.index", "GET", _desk(lambda p: "/evidence"), READERS),
    Row("voting_evidence.ask", "POST", _desk(lambda p: "/evidence"), READERS),
    Row("voting_evidence.show", "GET", _group(""), READERS),
    Row("voting_evidence.dismiss", "POST", _group("/dismiss"), READERS, data=lambda _: {"note": ""}),
    Row("voting_evidence.take_up", "POST", _group("/take-up"), READERS),
    Row("voting_evidence.propose", "POST", _group("/propose"), DESK, data=lambda _: {"reason": ""}),
    Row("voting_log_desk.show", "GET", _desk(lambda p: "/ledger"), READERS),
    Row("voting_log_desk.add_witness", "POST", _desk(lambda p: "/ledger/witnesses"), DESK, data=lambda _: {"key": ""}),
    Row("voting_log_desk.rotate", "POST", _desk(lambda p: "/ledger/rotate"), DESK),
    Row("voting_desk.index", "GET", lambda w: f"/events/{w.event.slug}/voting", READERS),
    Row("voting_desk.new", "GET", lambda w: f"/events/{w.event.slug}/voting/new", DESK),
    Row("voting_desk.new", "POST", lambda w: f"/events/{w.event.slug}/voting/new", DESK, data=_form),
    Row("voting_desk.overview", "GET", _desk(lambda p: ""), READERS),
    Row("voting_desk.live", "GET", _desk(lambda p: "/figures"), READERS),
    Row("voting_desk.edit", "GET", _desk(lambda p: "/edit"), DESK),
    Row("voting_desk.edit", "POST", _desk(lambda p: "/edit"), DESK, data=_form),
    Row("voting_desk.preview_new", "POST", lambda w: f"/events/{w.event.slug}/voting/new/preview", DESK, data=_form),
    Row("voting_desk.preview", "POST", _desk(lambda p: "/preview"), DESK, data=_form),
    Row("voting_desk.publish", "POST", _desk(lambda p: "/publish", publish=False), DESK),
    Row("voting_desk.unpublish", "POST", _desk(lambda p: "/unpublish"), DESK),
    Row("voting_desk.discard", "POST", _desk(lambda p: "/discard", publish=False), DESK, anew=True),
    Row("voting_desk.add_candidates", "POST", _desk(lambda p: "/candidates"), DESK, data=lambda _: {"group": "teams"}),
    Row("voting_desk.withdraw", "POST", _desk(lambda p: f"/candidates/{p.candidates[0]}/withdraw"), DESK),
    Row("voting_desk.reinstate", "POST", _desk(lambda p: f"/candidates/{p.candidates[0]}/reinstate"), DESK),
    Row("voting_desk.reconcile", "GET", _desk(lambda p: "/reconciliation"), READERS),
]
