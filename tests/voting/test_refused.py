"""What is refused again is answered again without Flask: the same words, and never another reader's."""

from collections.abc import Callable
from contextvars import Context

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.voting import refused
from tests.voting.build import PollMaker, PollWorld, Voter, nonce, sequencing, until_loaded

Come = Callable[[PollWorld], Voter]


@pytest.fixture
def by_flask(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The refusals that Flask was asked to answer, by their codes."""
    seen: list[str] = []
    handle = app.handle_user_exception

    def noting(fault: Exception) -> object:
        seen.append(getattr(fault, "code", type(fault).__name__))
        return handle(fault)

    monkeypatch.setattr(app, "handle_user_exception", noting)
    return seen


def test_the_second_time_it_is_said_without_flask(
    app: APIFlask, a_poll: PollMaker, a_voter: Come, by_flask: list[str]
) -> None:
    world = a_poll(count=4, per_day=3, per_candidate_day=1)
    with sequencing(app):
        until_loaded(world)
        one, other = a_voter(world), a_voter(world)
        for voter in (one, other):
            assert [voter.vote(c).status_code for c in world.candidates[:2]] == [201, 201]
        assert by_flask == []
        first = one.vote(world.candidates[0])
        assert first.get_json()["code"] == "already_voted"
        again = other.vote(world.candidates[1])
        assert by_flask == ["already_voted"]
        assert (again.status_code, again.data) == (409, first.data)
        assert dict(again.headers) == dict(first.headers)
        assert [voter.vote(world.candidates[2]).status_code for voter in (one, other)] == [201, 201]
        assert other.vote(world.candidates[3]).get_json()["code"] == "quota_used"
        assert by_flask == ["already_voted", "quota_used"]
        assert one.vote(world.candidates[3]).get_json()["code"] == "quota_used"
        assert one.vote(0).status_code == one.vote(0).status_code == 422
        assert by_flask == ["already_voted", "quota_used", "invalid"]


def test_each_reader_hears_it_in_the_own_language(
    app: APIFlask, a_poll: PollMaker, a_voter: Come, by_flask: list[str], client: FlaskClient
) -> None:
    world = a_poll(count=2, per_candidate_day=1)
    with sequencing(app):
        until_loaded(world)
        voter = a_voter(world)
        assert voter.vote(world.candidates[0]).status_code == 201

        def said(**headers: str) -> str:
            heard = {**voter.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
            ballot = {"candidate": world.candidates[0], "nonce": nonce()}
            where = f"/api/v1/polls/{world.id}/votes"
            alone = Context()  # not in the test's own application context, which has its language already
            return str(alone.run(lambda: client.post(where, json=ballot, headers=heard)).get_json()["detail"])

        chinese, english = said(Accept_Language="zh-CN"), said(Accept_Language="en")
        assert chinese != english
        assert (said(Accept_Language="zh-CN"), said(Accept_Language="en")) == (chinese, english)
        assert len(by_flask) == 2
        client.set_cookie("language", "zh")  # chosen on the page
        assert said(Accept_Language="en") == chinese
        assert len(by_flask) == 2
        client.set_cookie("language", "tlh")
        client.set_cookie("concours", "a session")  # of an account, perhaps: its language is Flask's to know
        assert [said(Accept_Language="en"), said(Accept_Language="en")] == [english, english]
        assert len(by_flask) == 4


def test_a_fault_is_never_kept_and_what_is_kept_is_bounded(
    app: APIFlask, a_poll: PollMaker, a_voter: Come, by_flask: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "KEPT", 1)
    world = a_poll()
    with sequencing(app):
        until_loaded(world)
        voter = a_voter(world)
        for candidate in (0, 2**40, 0, 2**40):  # two refusals that push each other out
            assert voter.vote(candidate).status_code in {403, 422}
        assert len(by_flask) == 4
        monkeypatch.setattr("concours.voting.front.cast", None)  # a fault of our own
        assert [voter.vote(world.candidates[0]).status_code for _ in range(2)] == [500, 500]
        assert by_flask[4:] == ["TypeError", "TypeError"]
