"""From the ledger to the page: the job finds the farm, people look, one note or one proposal comes of it."""

from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient
from flask_babel import force_locale
from markupsafe import escape

from concours.audit import AuditRecord
from concours.base.db import db, reading, session
from concours.base.errors import Conflict
from concours.identity.models import Account, Role
from concours.voting import keys, secrets
from concours.voting.amendments.models import Decision, DecisionVote
from concours.voting.booth import booth
from concours.voting.evidence import jobs, runs, words
from concours.voting.evidence.models import EvidenceGroup, EvidenceRun
from concours.voting.evidence.reading import read
from concours.voting.models import Vote
from concours.web.i18n import translate
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, at_work
from tests.voting.evidence.build import FARM, a_group, cast

ClientAs = Callable[[Account], FlaskClient]


def looked(world: PollWorld, make: Make) -> EvidenceRun:
    """A look through the poll's votes, by the job."""
    run = runs.ask(world.poll, actor=make.admin(), now=make.now)
    session().commit()
    jobs.look_through(run.id)
    session().expire_all()
    found = runs.last_run(world.poll)
    assert found is not None
    assert found.id == run.id
    return found


def desk(world: PollWorld) -> str:
    """Where the page is."""
    return f"/events/{world.event.slug}/voting/{world.id}/evidence"


@both_databases
def test_the_job_finds_the_farm_and_nothing_else(app: APIFlask, make: Make, a_poll: PollMaker) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app))
    run = looked(world, make)
    groups, more = runs.groups_of(run, runs.Wanted())
    strong = [group for group in groups if group.strong]
    assert not more
    assert [group.votes for group in strong] == [FARM]
    (farm,) = strong
    assert (farm.candidate_id, farm.voters, farm.networks) == (world.candidates[0], FARM, 1)
    assert ",intervals," in farm.kinds
    leaves = runs.leaves_of(farm)
    networks = session().scalars(sa.select(Vote.network).where(Vote.leaf.in_(leaves), Vote.poll_id == world.id))
    assert len(leaves) == FARM
    assert len(set(networks)) == 1
    assert run.votes == run.leaves == session().scalar(sa.select(sa.func.count()).select_from(Vote))


def test_the_farms_fast_machine_is_told_beside_what_else_speaks_against_it(
    app: APIFlask, make: Make, a_poll: PollMaker
) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app))
    client = booth().client
    for voter in (*range(300), *range(1_000, 1_000 + FARM)):
        tag = secrets.tag_of(b"k" * 32, world.id, b"voter %d" % voter)
        client.hset(keys.voter(world.id, tag), "pw", str(120 if voter >= 1_000 else 2_000 + 20 * (voter % 100)))
    run = looked(world, make)
    groups, _ = runs.groups_of(run, runs.Wanted())
    (farm,) = [group for group in groups if group.strong]
    assert ",solved," in farm.kinds
    (told,) = [str(said) for said in words.sentences(farm) if "solved the puzzle" in str(said)]
    assert f"{FARM} of {FARM} newcomers" in told
    assert "0.1 s" in told
    assert farm.votes == FARM
    client.delete(*client.scan_iter(match=keys.every_voter(world.id)))
    again = looked(world, make)
    groups, _ = runs.groups_of(again, runs.Wanted())
    (farm,) = [group for group in groups if group.strong]
    assert ",solved," not in farm.kinds, "what Redis lost is not known, and the rest is told all the same"


@both_databases
def test_the_ledger_is_read_in_order_of_time_with_what_leads_back(
    app: APIFlask, a_poll: PollMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app), farm=30)
    monkeypatch.setattr("concours.voting.evidence.reading.AT_ONCE", 100)
    with reading(), db.engine.connect() as connection:
        found = read(connection, world.id)
    assert found.size == len(found.votes) > 600 - 300
    assert (found.votes.at[1:] >= found.votes.at[:-1]).all()
    assert sorted(found.leaf.tolist()) == list(range(found.size))
    assert set(found.candidate_ids.tolist()) == set(world.candidates)
    assert found.votes.voters == 330


def test_an_empty_poll_is_looked_through_too(make: Make, a_poll: PollMaker, client_as: ClientAs) -> None:
    world = a_poll()
    assert looked(world, make).votes == 0
    page = client_as(make.admin()).get(desk(world))
    assert page.status_code == 200
    assert "nothing that stands out" in page.get_data(as_text=True)


def test_one_look_at_a_time_and_the_job_can_run_twice(app: APIFlask, make: Make, a_poll: PollMaker) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app))
    run = runs.ask(world.poll, actor=None, now=make.now)
    session().commit()
    with pytest.raises(Conflict):
        runs.ask(world.poll, actor=None, now=make.now)
    session().rollback()
    jobs.look_through(run.id)
    count = sa.select(sa.func.count()).select_from(EvidenceGroup)
    before = session().scalar(count)
    jobs.look_through(run.id)
    assert session().scalar(count) == before
    assert runs.ask(world.poll, actor=None, now=make.now).id > run.id


def test_the_pages_say_what_was_found(app: APIFlask, make: Make, a_poll: PollMaker, client_as: ClientAs) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app))
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    assert "Nobody has looked" in organiser.get(desk(world)).get_data(as_text=True)
    assert organiser.post(desk(world)).status_code == 303
    assert organiser.post(desk(world)).status_code == 409
    assert "being looked through" in organiser.get(desk(world)).get_data(as_text=True)
    run = runs.last_run(world.poll, done=False)
    assert run is not None
    jobs.look_through(run.id)
    page = organiser.get(desk(world)).get_data(as_text=True)
    assert f"{FARM} votes" in page
    assert "2.4 s apart with a spread of 0." in page
    group = session().scalars(sa.select(EvidenceGroup).where(EvidenceGroup.strong)).one()
    page = organiser.get(f"{desk(world)}/{group.id}").get_data(as_text=True)
    assert "Propose to void 120 votes" in page
    tag = session().scalar(sa.select(Vote.tag).where(Vote.leaf == runs.leaves_of(group)[0], Vote.poll_id == world.id))
    assert tag is not None
    assert tag.hex()[:8] in page
    assert tag.hex()[:16] not in page, "pseudonyms are shortened"
    auditor = client_as(make.with_role(world.event, Role.AUDITOR))
    assert "Propose to void" not in auditor.get(f"{desk(world)}/{group.id}").get_data(as_text=True)


def test_not_suspicious_is_noted_kept_and_taken_back(
    app: APIFlask, make: Make, a_poll: PollMaker, client_as: ClientAs
) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app))
    looked(world, make)
    group = session().scalars(sa.select(EvidenceGroup).where(EvidenceGroup.strong)).one()
    auditor = client_as(make.with_role(world.event, Role.AUDITOR))
    assert auditor.post(f"{desk(world)}/{group.id}/dismiss", data={"note": "  "}).status_code == 422
    long = auditor.post(f"{desk(world)}/{group.id}/dismiss", data={"note": "查" * 1_001})
    assert long.status_code == 422
    assert "查查查" in long.get_data(as_text=True), "nothing typed is lost"
    assert (
        auditor.post(f"{desk(world)}/{group.id}/dismiss", data={"note": "a tablet <b>in</b> the hall"}).status_code
        == 303
    )
    looked(world, make)
    again = (
        session()
        .scalars(sa.select(EvidenceGroup).where(EvidenceGroup.strong).order_by(EvidenceGroup.id.desc()))
        .first()
    )
    assert again is not None
    assert (again.id > group.id, again.note) == (True, "a tablet <b>in</b> the hall"), "the note goes with the group"
    page = auditor.get(desk(world)).get_data(as_text=True)
    assert "a tablet &lt;b&gt;in" in page
    assert "No group is like that" in auditor.get(f"{desk(world)}?new=1&strong=1").get_data(as_text=True)
    assert auditor.post(f"{desk(world)}/{again.id}/take-up").status_code == 303
    session().expire_all()
    assert session().get_one(EvidenceGroup, again.id).looked_at is None
    said = sa.select(AuditRecord.verb).where(AuditRecord.verb.like("voting.%evidence")).order_by(AuditRecord.id)
    assert list(session().scalars(said)) == [
        "voting.ask_evidence", "voting.dismiss_evidence", "voting.ask_evidence", "voting.take_up_evidence",
    ]  # fmt: skip


def test_a_proposal_comes_of_a_group_and_voids_nothing_yet(
    app: APIFlask, make: Make, a_poll: PollMaker, client_as: ClientAs
) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app))
    looked(world, make)
    group = session().scalars(sa.select(EvidenceGroup).where(EvidenceGroup.strong)).one()
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    assert organiser.post(f"{desk(world)}/{group.id}/propose", data={"reason": ""}).status_code == 422
    answer = organiser.post(f"{desk(world)}/{group.id}/propose", data={"reason": "120 votes 2.4 s apart"})
    assert answer.status_code == 303
    second = client_as(make.with_role(world.event, Role.AUDITOR))
    found = words.sentences(group)[0]
    for locale in ("zh", "en"):
        with app.test_request_context(), force_locale(locale):
            said = str(escape(translate(found)))
        second.set_cookie("language", locale)
        assert said in second.get(answer.headers["Location"]).get_data(as_text=True)
    decision = session().scalars(sa.select(Decision)).one()
    assert (decision.status, decision.votes, decision.evidence["number"]) == ("proposed", FARM, group.number)
    leaves = session().scalars(sa.select(DecisionVote.leaf).where(DecisionVote.decision_id == decision.id)).all()
    assert sorted(leaves) == runs.leaves_of(group)


def test_a_group_of_another_poll_is_not_found(make: Make, a_poll: PollMaker, client_as: ClientAs) -> None:
    world, other = a_poll(), a_poll()
    group = a_group(other)
    admin = client_as(make.admin())
    assert admin.get(f"{desk(world)}/{group.id}").status_code == 404
    assert admin.get(f"{desk(other)}/{group.id}").status_code == 200


def test_filters_pages_and_strange_addresses(make: Make, a_poll: PollMaker, client_as: ClientAs) -> None:
    world = a_poll()
    for number in range(1, 36):
        a_group(world, number, strong=number < 3, kinds=",once,covoting," if number == 2 else ",once,")
    admin = client_as(make.admin())

    def shown(query: str) -> int:
        return admin.get(f"{desk(world)}{query}").get_data(as_text=True).count('class="evidence-group') - 1

    assert shown("") == 30
    assert shown("?after=30") == 5
    assert shown("?strong=1") == 2
    assert shown("?kind=covoting") == 1
    assert shown(f"?candidate={world.candidates[1]}") == 0
    for strange in ("?after=-1", "?after=x", "?kind=%25", f"?candidate={2**70}", f"?after={2**70}"):
        assert admin.get(f"{desk(world)}{strange}").status_code == 200
    group = session().scalars(sa.select(EvidenceGroup)).first()
    assert group is not None
    for strange in ("?after=x", f"?after={2**70}", "?after=-9"):
        assert admin.get(f"{desk(world)}/{group.id}{strange}").status_code == 200


def test_the_pages_cost_as_many_statements_with_many_groups_as_with_one(
    app: APIFlask,
    make: Make,
    a_poll: PollMaker,
    client_as: ClientAs,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    world = a_poll(count=6)
    cast(world, at_work(app))
    admin = client_as(make.admin())
    group = a_group(world)
    costs = []
    for more in range(2):
        for address in (desk(world), f"{desk(world)}/{group.id}"):
            admin.get(address)
            costs.append(count_queries(partial(admin.get, address)))
        if not more:
            for number in range(2, 31):
                a_group(world, number, candidate_id=world.candidates[number % 6])
            group = a_group(world, 31, ranges=[[0, 29]], votes=30)
    assert costs[:2] == costs[2:]
