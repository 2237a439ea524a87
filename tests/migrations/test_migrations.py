"""The migrations make exactly what the models say, on both databases, forwards and backwards, with data in tables."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask

from concours.base.db import db
from concours.cli import database
from concours.identity.models import Role
from concours.voting.models import Poll, VoteSlot
from tests.conftest import _pg_do, _pg_url
from tests.factories import Make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application on a database without a single table."""
    if request.param == "sqlite":
        app = database.application(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        yield app
    else:
        server, name = request.getfixturevalue("postgres_server"), f"m_{uuid.uuid4().hex[:10]}"
        _pg_do(server, f'CREATE DATABASE "{name}"')
        app = database.application(_pg_url(server, name))
        yield app
        with app.app_context():
            db.engine.dispose()
        _pg_do(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return
    with app.app_context():
        db.engine.dispose()


def schema(app: Flask) -> dict[str, Any]:
    """Everything the database itself says of its tables, in an order of our own."""
    with app.app_context():
        found = sa.inspect(db.engine)

        def sorted_by_name(items: list[Any]) -> list[str]:
            for item in items:
                item.pop("comment", None)
                item.pop("duplicates_constraint", None)
                options = {name: str(value) for name, value in item.pop("dialect_options", {}).items()}
                item["options"] = sorted((options | {"postgresql_nulls_not_distinct": ""}).items())
            return sorted(repr(sorted(item.items())) for item in items)

        return {
            table: {
                "columns": sorted(
                    repr((c["name"], str(c["type"]), c["nullable"], c["default"])) for c in found.get_columns(table)
                ),
                "primary key": found.get_pk_constraint(table),
                "foreign keys": sorted_by_name(found.get_foreign_keys(table)),
                "unique": sorted_by_name(found.get_unique_constraints(table)),
                "checks": sorted_by_name(found.get_check_constraints(table)),
                "indexes": sorted_by_name(found.get_indexes(table)),
            }
            for table in found.get_table_names()
            if table != "alembic_version"
        }


def rows(app: Flask) -> dict[str, int]:
    """How many rows each table has."""
    with app.app_context(), db.engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        counts = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0 for name in names
        }
    counts.pop("alembic_version", None)
    return counts


def fill(app: Flask) -> None:
    """A few rows that hang together."""
    with app.app_context():
        make = Make(datetime.now(UTC))
        event, department = make.event(), make.department()
        make.category(event)
        make.with_role(event, Role.COORDINATOR, department)
        make.member(make.team(event, department))
        db.session.remove()


def test_the_chain_is_one_line() -> None:
    script = ScriptDirectory.from_config(database.alembic_config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert all(not revision.is_merge_point and not revision.is_branch_point for revision in script.walk_revisions())


def test_from_nothing_to_what_the_models_say(empty: Flask) -> None:
    database.upgrade(empty)
    assert database.current(empty) == database.head()
    assert database.differences(empty) == []
    migrated = schema(empty)
    with empty.app_context():
        with db.engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE alembic_version"))
        db.drop_all()
        db.create_all()
    created = schema(empty)
    assert set(migrated) == set(created)
    for table in created:
        assert migrated[table] == created[table], table


def test_each_step_goes_back_and_forth_with_data_in_the_tables(empty: Flask) -> None:
    database.upgrade(empty)
    fill(empty)
    full = rows(empty)
    assert full["event"] == 1
    assert full["grant"] == 2
    script = ScriptDirectory.from_config(database.alembic_config())
    for revision in script.walk_revisions():  # from the newest back
        before = rows(empty)
        database.downgrade(empty, str(revision.down_revision or "base"))
        back = rows(empty)
        assert all(back[table] == before[table] for table in back if table in before), revision.revision
    assert rows(empty) == {}
    database.upgrade(empty)
    assert database.differences(empty) == []
    fill(empty)
    assert rows(empty) == full


def test_a_second_upgrade_changes_nothing(empty: Flask) -> None:
    database.upgrade(empty)
    fill(empty)
    before = rows(empty)
    database.upgrade(empty)
    assert rows(empty) == before


def test_a_step_that_fails_leaves_nothing_half_done(empty: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite too: one transaction holds the whole upgrade."""
    script = ScriptDirectory.from_config(database.alembic_config())
    first = script.get_revision("base") or script.get_revision(script.get_bases()[0])
    module = first.module
    whole = module.upgrade

    def broken() -> None:
        whole()
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(ScriptDirectory, "from_config", lambda _config: script)
    monkeypatch.setattr(module, "upgrade", broken)
    with pytest.raises(RuntimeError, match="the power is gone"):
        database.upgrade(empty)
    assert rows(empty) == {}
    assert database.current(empty) is None


def test_the_commands_see_all_the_tables_of_the_whole_application(app: Flask, tmp_path: Path) -> None:
    known = set(db.metadata.tables)
    database.application(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    assert set(db.metadata.tables) == known


def test_a_polls_one_way_in_becomes_its_ladder_and_back(empty: Flask) -> None:
    database.upgrade(empty)
    now = datetime.now(UTC)
    with empty.app_context():
        event = Make(now).event()
        event_id = event.id
        db.session.remove()
    database.downgrade(empty, "0006")
    poll = sa.table("poll", *map(sa.column, ("id", "slug", "who", "ways", "challenge", "challenge_now")))
    with empty.app_context(), db.engine.begin() as connection:
        table = sa.Table("poll", sa.MetaData(), autoload_with=connection)
        for number, who in enumerate(("device", "account"), start=1):
            row = {"event_id": event_id, "slug": f"poll-{number}", "title": "x", "introduction": "", "who": who}
            row |= {
                "rules": {},
                "version": 1,
                "zone": "Asia/Shanghai",
                "opens_at": now,
                "closes_at": now + timedelta(1),
            }
            row |= {"wrapped_key": b"k", "wrapped_signing_key": b"k", "signing_public": b"p" * 32, "published": True}
            connection.execute(table.insert().values(**row, created_at=now, changed_at=now))
    database.upgrade(empty)
    with empty.app_context():
        found = db.session.execute(
            sa.select(Poll.slug, Poll.ways, Poll.challenge, Poll.challenge_now).order_by(Poll.slug)
        )
        assert [tuple(row) for row in found] == [
            ("poll-1", {"device": {"weight": 1}}, "never", False),
            ("poll-2", {"account": {"weight": 1}}, "never", False),
        ]
        one = db.session.scalars(sa.select(Poll).where(Poll.slug == "poll-1")).one()
        one.ways = {"account": {"weight": 3}, "code": {"weight": 1}}
        db.session.commit()
        db.session.remove()
    database.downgrade(empty, "0006")
    with empty.app_context(), db.engine.connect() as connection:
        rows_now = connection.execute(sa.select(poll.c.slug, poll.c.who).order_by(poll.c.slug)).all()
    assert [tuple(row) for row in rows_now] == [("poll-1", "device"), ("poll-2", "account")]


def test_votes_get_their_slots_and_lose_them_again(empty: Flask) -> None:
    database.upgrade(empty)
    now = datetime.now(UTC)
    with empty.app_context():
        event = Make(now).event()
        poll = Poll(event_id=event.id, slug="p", title="x", zone="Asia/Shanghai", opens_at=now, published=True)
        poll.closes_at, poll.created_at, poll.changed_at = now + timedelta(1), now, now
        poll.wrapped_key, poll.wrapped_signing_key, poll.signing_public = b"k", b"k", b"p" * 32
        db.session.add(poll)
        db.session.commit()
        poll_id = poll.id
        db.session.remove()
    database.downgrade(empty, "0009")
    one, later = date(2021, 7, 8), date(2024, 2, 29)
    given = [
        (0, b"a" * 32, 5, one, 1, 1, 1, 1),
        (1, b"b" * 32, 5, one, 1, 1, 1, 1),
        (2, b"a" * 32, 6, one, 2, 1, 1, 2),
        (3, b"a" * 32, 5, later, 1, 1, 2, 3),
    ]
    with empty.app_context(), db.engine.begin() as connection:
        table = sa.Table("vote", sa.MetaData(), autoload_with=connection)
        for leaf, tag, candidate, day, slot, repeat, nth, ordinal in given:
            row = {"poll_id": poll_id, "leaf": leaf, "tag": tag, "candidate_id": candidate, "day": day, "slot": slot}
            row |= {"repeat": repeat, "nth": nth, "ordinal": ordinal, "nonce": bytes([leaf]) * 16, "weight": 1}
            row |= {"commitment": bytes([leaf]) * 32, "journal_id": f"{leaf}-0", "recorded_at": now}
            connection.execute(table.insert().values(**row))
    database.upgrade(empty)
    expected = set()
    for leaf, tag, candidate, day, slot, repeat, nth, ordinal in given:
        on = day.toordinal()
        for key in ((0, on, slot), (candidate, on, repeat), (candidate, 0, nth), (0, 0, ordinal)):
            expected.add((poll_id, tag[:16], *key, leaf))
    with empty.app_context(), db.engine.connect() as connection:
        assert {tuple(row) for row in connection.execute(sa.select(VoteSlot.__table__))} == expected
    database.downgrade(empty, "0009")
    with empty.app_context(), db.engine.begin() as connection:
        table = sa.Table("vote", sa.MetaData(), autoload_with=connection)
        assert len(connection.execute(sa.select(table)).all()) == len(given)
        twice = dict(connection.execute(sa.select(table).where(table.c.leaf == 0)).one()._mapping) | {"leaf": 9}
        twice |= {"id": 9, "commitment": b"9" * 32, "journal_id": "9-0", "slot": 9, "repeat": 9, "nth": 9}
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(table.insert().values(**twice))  # the same ordinal
