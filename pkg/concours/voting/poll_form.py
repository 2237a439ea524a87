"""What an organiser types into the form of a poll, read and checked, with a sentence for each field that is wrong."""

from collections.abc import Mapping
from datetime import timedelta

from concours.base import typed
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.events.schedule import read_wall
from concours.voting.ladder import form as ladder
from concours.voting.ladder import ways
from concours.voting.models import Poll
from concours.voting.polls import Draft
from concours.voting.rules import LIMITS, Rules

TITLE_LENGTH = 120
INTRODUCTION_LENGTH = 2_000
LONGEST = timedelta(days=366)

LABELS: dict[str, Message] = {
    "title": msg("Title of the poll"),
    "introduction": msg("Introduction to the poll"),
    **ladder.LABELS,
    "opens_at": msg("Opens"),
    "closes_at": msg("Closes"),
    "per_day": msg("Votes per voter and day"),
    "per_candidate_day": msg("Of these for the same candidate"),
    "total": msg("Votes per voter in the whole poll"),
    "network_per_minute": msg("Attempts per network and minute"),
    "voter_per_minute": msg("Attempts per voter and minute"),
    "new_devices_per_minute": msg("New voters per network and minute"),
}


def typed_of(poll: Poll) -> dict[str, object]:
    """The form as it shows a poll that exists."""
    return {
        "title": poll.title,
        "introduction": poll.introduction,
        **ladder.typed_of(ways.read(poll.ways), poll.challenge),
        "opens_at": poll.opens_at,
        "closes_at": poll.closes_at,
        "version": poll.version,
        **Rules.read(poll.rules).kept(),
    }


def read(form: Mapping[str, str], zone: str, departments: frozenset[int] = frozenset()) -> Draft:
    """The poll as typed; times are wall-clock times in `zone`, `departments` those there are. Raises Invalid with all
    that is wrong."""
    problems: list[FieldProblem] = []

    def wrong(field: str, message: Message) -> None:
        problems.append(FieldProblem(field, message))

    title = typed.line(form.get("title", ""))
    introduction = typed.paragraphs(form.get("introduction", ""))
    if not title:
        wrong("title", msg("Give the poll a title."))
    if len(title) > TITLE_LENGTH:
        wrong("title", msg("At most %(count)s characters.", count=TITLE_LENGTH))
    if len(introduction) > INTRODUCTION_LENGTH:
        wrong("introduction", msg("At most %(count)s characters.", count=INTRODUCTION_LENGTH))
    doors, challenge, wrong_doors = ladder.read(form, departments)
    problems += wrong_doors
    opens_at, problem_at_opening = read_wall(form.get("opens_at", ""), zone)
    closes_at, problem_at_closing = read_wall(form.get("closes_at", ""), zone)
    for field, problem in (("opens_at", problem_at_opening), ("closes_at", problem_at_closing)):
        if problem is not None:
            wrong(field, problem)
    if opens_at is not None and closes_at is not None:
        if closes_at <= opens_at:
            wrong("closes_at", msg("The poll must close after it opens."))
        elif closes_at - opens_at > LONGEST:
            wrong("closes_at", msg("A poll lasts a year at most."))
    limits = {}
    for field, (least, most) in LIMITS.items():
        limits[field] = _whole(form.get(field, "").strip() or str(least), least, most)
        if limits[field] is None:
            wrong(field, msg("A whole number from %(least)s to %(most)s; 0 means no limit.", least=least, most=most))
    if problems or opens_at is None or closes_at is None:
        raise Invalid(problems=problems)
    rules = Rules(**{field: value for field, value in limits.items() if value is not None})
    return Draft(title, introduction, doors, opens_at, closes_at, rules, challenge)


def _whole(text: str, least: int, most: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    return int(text) if least <= int(text) <= most else None
