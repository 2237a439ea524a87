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
from concours.voting.rules import DELAYED, HIDDEN, LIMITS, LIVE, Rules

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
    "per_candidate_total": msg("For the same candidate in the whole poll"),
    "min_picks": msg("Choices on a ballot, at least"),
    "max_picks": msg("Choices on a ballot, at most"),
    "shown": msg("The counts are shown"),
    "delay_minutes": msg("Minutes later"),
}
SHOWN: dict[str, Message] = {
    LIVE: msg("At once, to everybody"),
    DELAYED: msg("To everybody, some minutes later"),
    HIDDEN: msg("After the close; until then to organisers and auditors"),
}
DEFAULTS = {"delay_minutes": 10}  # of fields that programs made before them leave out


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
    rules, wrong_rules = read_rules(form)
    problems += wrong_rules
    if problems or opens_at is None or closes_at is None:
        raise Invalid(problems=problems)
    return Draft(title, introduction, doors, opens_at, closes_at, rules, challenge)


def read_rules(form: Mapping[str, str]) -> tuple[Rules, list[FieldProblem]]:
    """The rules as typed, and all that is wrong with them; what is wrong has its default."""
    problems: list[FieldProblem] = []
    limits: dict[str, int | None] = {}
    for field, (least, most) in LIMITS.items():
        limits[field] = _whole(form.get(field, "").strip() or str(DEFAULTS.get(field, least)), least, most)
        if limits[field] is None:
            wanted = (
                msg("A whole number from %(least)s to %(most)s.", least=least, most=most)
                if least
                else msg("A whole number from %(least)s to %(most)s; 0 means no limit.", least=least, most=most)
            )
            problems.append(FieldProblem(field, wanted))
    shown = form.get("shown", LIVE)
    if shown not in SHOWN:
        problems.append(FieldProblem("shown", msg("Choose when the counts are shown.")))
        shown = LIVE
    problems += _of_ballots(limits)
    good = {field: value for field, value in limits.items() if value is not None}
    return Rules.read({**good, "shown": shown}), problems


def _of_ballots(limits: Mapping[str, int | None]) -> list[FieldProblem]:
    """What makes ballots that nobody could send."""
    least, most = limits["min_picks"] or 0, limits["max_picks"] or 0
    if not least or not most:
        return []
    if least > most:
        return [FieldProblem("max_picks", msg("At least as many as a ballot must have: %(count)s.", count=least))]
    for field in ("per_day", "total"):
        if 0 < (limits[field] or 0) < least:
            return [FieldProblem(field, msg("A ballot needs %(count)s votes: give at least as many.", count=least))]
    return []


def _whole(text: str, least: int, most: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    return int(text) if least <= int(text) <= most else None
