"""The protocol as a document to print and sign: the same facts as its page, and every act that changed the round."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concours.audit.models import AuditRecord
from concours.audit.words import VERBS
from concours.base.db import session
from concours.base.messages import Message, msg
from concours.base.typeset import Block, Column, Document, Facts, Heading, Items, Notice, Signatures, Table, Text
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury.models import Round, RoundStatus
from concours.jury.protocol import Protocol
from concours.jury.words import STEP_NAMES

ACTS_PRINTED = 500
"""Acts of one round that a protocol prints; all of them stand in the audit record."""

QUIET = frozenset({"jury.remark", "jury.withdraw_remark", "jury.ask_report"})
"""Acts that change nothing of the round and are not printed."""


@dataclass(frozen=True)
class Act:
    """Something done to the round: when, by whom, what (a sentence)."""

    at: datetime
    by: str
    what: Message


@dataclass(frozen=True)
class Telling:
    """How the reader is told: sentences, moments and numbers in their language; `language` is `zh` or `en`."""

    language: str
    said: Callable[[Message], str]
    moment: Callable[[datetime | None], str]
    number: Callable[[int], str]


def acts_of(found: Round) -> list[Act]:
    """What was done to the round, in time, at most ACTS_PRINTED; one query."""
    rows = session().execute(
        sa.select(AuditRecord.at, AuditRecord.verb, Account.name)
        .outerjoin(Account, Account.id == AuditRecord.actor_id)
        .where(
            AuditRecord.event_id == found.event_id,
            AuditRecord.subject_type == "round",
            AuditRecord.subject_id == str(found.id),
            AuditRecord.verb.not_in(QUIET),
        )
        .order_by(AuditRecord.id)
        .limit(ACTS_PRINTED)
    )
    return [Act(at, name or "–", VERBS[verb]) for at, verb, name in rows.tuples() if verb in VERBS]


def rules_in_terms(found: Round, rules: Mapping[str, Any], tell: Telling) -> list[tuple[Message, str]]:
    """The round's rules as terms and what they are; `rules` as `desk_routes.rules_of` reads them."""
    said = tell.said
    comma = "、" if tell.language == "zh" else ", "
    source = rules["source"]
    entries = said(msg("Shortlist of “%(round)s”", round=source)) if source else said(msg("All accepted entries"))
    terms: list[tuple[Message, str]] = [
        (msg("Judges say"), said(rules["kind"])),
        (msg("Entries"), f"{entries} ({comma.join(rules['categories'])})"),
        (msg("Reviews per entry"), tell.number(found.reviews)),
        (msg("To be selected"), tell.number(found.select_count)),
    ]
    for criterion in found.criteria:
        sentence = msg(
            "%(title)s: %(lowest)s to %(highest)s points, weight %(weight)s",
            title=criterion.title,
            lowest=criterion.lowest,
            highest=criterion.highest,
            weight=f"{criterion.weight:g}",
        )
        terms.append((msg("Criteria"), said(sentence)))
    terms.append((msg("Ties at the cut"), said(rules["ties"])))
    for title, quota in rules["quotas"]:
        if quota.most is None:
            limit = msg("at least %(least)s", least=quota.least)
        elif quota.least:
            limit = msg("%(least)s to %(most)s", least=quota.least, most=quota.most)
        else:
            limit = msg("at most %(most)s", most=quota.most)
        terms.append((msg("Quotas"), f"{title}{'：' if tell.language == 'zh' else ': '}{said(limit)}"))
    if rules["missing"]:
        terms.append((msg("Missing marks"), said(rules["missing"])))
    if rules["lottery_seed"]:
        terms.append((msg("Seed of the lottery"), rules["lottery_seed"]))
    return terms


def document(
    event: Event,
    found: Round,
    protocol: Protocol,
    rules: Sequence[tuple[Message, str]],
    acts: Sequence[Act],
    tell: Telling,
    now: datetime,
) -> Document:
    """The protocol set out; `rules` are the round's as terms and what they are."""
    said = tell.said
    blocks: list[Block] = []
    if found.status == RoundStatus.CLOSED:
        blocks.append(Notice(said(msg("The round is closed, but nothing is selected yet: this is a draft."))))
    blocks += [Heading(said(msg("1. The jury"))), _jury(protocol, tell)]
    if protocol.aside:
        sentences = [
            said(msg("%(judge)s from No. %(number)s: %(reason)s", judge=a.judge, number=a.number, reason=a.reason))
            for a in protocol.aside
        ]
        blocks += [Heading(said(msg("Stepped aside")), 2), Items(sentences)]
    blocks += [
        Heading(said(msg("2. The rules"))),
        Facts([(said(term), what) for term, what in rules]),
        Heading(said(msg("3. The numbers"))),
        _numbers(found, protocol, tell),
    ]
    if protocol.result.unscored:
        names = "、" if tell.language == "zh" else ", "
        numbers = names.join(str(protocol.named[entry].number) for entry in protocol.result.unscored)
        blocks += [Heading(said(msg("Entries without a score")), 2), Text(numbers)]
    if found.status == RoundStatus.SELECTED and protocol.result.selection is not None:
        blocks += [*_ties(protocol, tell), *_selection(protocol, tell)]
    done = [[tell.moment(act.at), act.by, said(act.what)] for act in acts]
    columns = [Column(said(msg("When"))), Column(said(msg("Who")), 1), Column(said(msg("What was done")), 3)]
    blocks += [Heading(said(msg("What was done to the round"))), Table(columns, done)]
    signers = [row.account.name for row in protocol.progress.judges if row.dropped_at is None]
    blocks += [
        Heading(said(msg("Signatures"))),
        Signatures([*signers, said(msg("For the organiser"))]),
    ]
    return Document(
        title=said(msg("Protocol of the jury")),
        subtitle=f"{event.title} · {found.title}",
        language=tell.language,
        foot=f"{event.title} · {found.title} · {said(msg('Printed on %(time)s.', time=tell.moment(now)))}",
        blocks=blocks,
    )


def _jury(protocol: Protocol, tell: Telling) -> Table:
    said = tell.said
    rows = [
        [
            row.account.name,
            protocol.departments.get(row.account.id, "–"),
            tell.number(row.marked),
            tell.number(row.recused),
            said(msg("left the panel on %(day)s", day=tell.moment(row.dropped_at))) if row.dropped_at else "",
        ]
        for row in protocol.progress.judges
    ]
    columns = [
        Column(said(msg("Judge")), 2),
        Column(said(msg("Department")), 2),
        Column(said(msg("Marks")), numeric=True),
        Column(said(msg("Stepped aside")), numeric=True),
        Column(said(msg("Remark")), 2),
    ]
    return Table(columns, rows)


def _numbers(found: Round, protocol: Protocol, tell: Telling) -> Facts:
    result, now = protocol.result, protocol.progress
    rows: list[tuple[Message, str]] = [
        (msg("Opened at"), tell.moment(found.opened_at)),
        (msg("Closed at"), tell.moment(found.closed_at)),
    ]
    if found.selected_at is not None:
        rows.append((msg("Selected at"), tell.moment(found.selected_at)))
    rows += [
        (msg("Entries"), tell.number(len(result.entries))),
        (msg("Marks that count"), tell.number(now.marked)),
        (msg("Reviews missing"), tell.number(now.missing)),
        (msg("Marks ever sent"), tell.number(now.history)),
        (msg("Planned places"), tell.number(found.select_count)),
    ]
    if found.status == RoundStatus.SELECTED:
        rows.append((msg("Selected entries"), tell.number(result.count)))
        rows.append((msg("Places left vacant"), tell.number(max(0, found.select_count - result.count))))
    return Facts([(tell.said(term), what) for term, what in rows])


def _ties(protocol: Protocol, tell: Telling) -> list[Block]:
    said = tell.said
    selection = protocol.result.selection
    assert selection is not None
    blocks: list[Block] = [Heading(said(msg("4. Ties at the cut")))]
    columns = [
        Column(said(msg("Entry")), 1),
        Column(said(msg("Median")), numeric=True),
        Column(said(msg("Reviews")), numeric=True),
        Column(said(msg("Lottery ticket")), 1),
        Column(said(msg("Fate")), 2),
    ]
    for tie in selection.ties:
        blocks.append(Heading(said(msg("Score %(score)s", score=_score(tie.score))), 2))
        rows = []
        for fate in tie.members:
            inside = said(msg("is in") if fate.place else msg("is out"))
            step = said(msg("by %(step)s", step=said(STEP_NAMES[fate.decided_by])))
            number = said(msg("No. %(number)s", number=protocol.named[fate.candidate.entry].number))
            comma = "，" if tell.language == "zh" else ", "
            rows.append(
                [
                    number,
                    _score(fate.candidate.median),
                    tell.number(fate.candidate.reviews),
                    f"{fate.ticket[:12]}…",
                    f"{inside}{comma}{step}",
                ]
            )
        blocks.append(Table(columns, rows))
    if not selection.ties:
        blocks.append(Text(said(msg("No tie had to be decided."))))
    return blocks


def _selection(protocol: Protocol, tell: Telling) -> list[Block]:
    said = tell.said
    selection = protocol.result.selection
    assert selection is not None
    columns = [
        Column(said(msg("Place")), numeric=True),
        Column(said(msg("Number")), numeric=True),
        Column(said(msg("Title")), 4),
        Column(said(msg("Category")), 2),
        Column(said(msg("Authors")), 3),
        Column(said(msg("Department")), 3),
        Column(said(msg("Score")), numeric=True),
        Column(said(msg("Decided by")), 2),
    ]
    rows = []
    for fate in selection.selected:
        entry = protocol.named[fate.candidate.entry]
        rows.append(
            [
                str(fate.place),
                str(entry.number),
                entry.title,
                entry.category.title,
                entry.authors,
                entry.department.name if entry.department is not None else "–",
                _score(fate.candidate.score),
                said(STEP_NAMES[fate.decided_by]),
            ]
        )
    return [Heading(said(msg("5. The selection"))), Table(columns, rows)]


def _score(value: Any) -> str:
    return f"{float(value):.2f}"
