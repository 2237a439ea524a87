"""`concours db`: the schema, by migrations that run the same on SQLite and PostgreSQL."""

import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from alembic import command as alembic
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from concours.base.config import PROJECT
from concours.cli import environment

MIGRATIONS = PROJECT / "migrations"


def alembic_config() -> Config:
    """Alembic's view of the migrations folder."""
    return Config(str(MIGRATIONS / "alembic.ini"))


def head() -> str:
    """The newest revision; there is exactly one."""
    found = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return found or ""


def application(database_url: str) -> Flask:
    """SQL and the models of all rooms and nothing else: what a command needs that works on the database."""
    from concours.base.db import db, engine_options, prepare_engine

    rooms = PROJECT / "pkg"
    for models in sorted((rooms / "concours").rglob("models.py")):
        import_module(".".join(models.relative_to(rooms).with_suffix("").parts))
    app = Flask("concours")
    settings = {"DATABASE_URL": database_url}
    app.config.update(SQLALCHEMY_DATABASE_URI=database_url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings))
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    return app


def current(app: Flask) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    from concours.base.db import db

    with app.app_context(), db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(app: Flask, revision: str = "head") -> None:
    """Brings the database up to `revision`, in one transaction."""
    with app.app_context():
        alembic.upgrade(alembic_config(), revision)


def downgrade(app: Flask, revision: str) -> None:
    """Takes the database back to `revision` (`base` for nothing), in one transaction."""
    with app.app_context():
        alembic.downgrade(alembic_config(), revision)


def differences(app: Flask) -> list[Any]:
    """What autogenerate would change to bring the database to the models."""
    from concours.base.db import db

    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, db.metadata))


def is_empty(app: Flask) -> bool:
    """Whether nobody has an account and there is no event yet."""
    from concours.base.db import session
    from concours.events.models import Event
    from concours.identity.models import Account

    with app.app_context():
        return not any(session().scalar(sa.select(sa.exists().select_from(table))) for table in (Account, Event))


@click.group(name="db")
def command() -> None:
    """The database schema: bring it up to date, take it back, check it."""


@command.command("upgrade")
@click.argument("revision", default="head")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--then-check", is_flag=True, help="Then refuse where SQL or Redis could lose what was recorded.")
def upgrade_command(revision: str, as_json: bool, then_check: bool) -> None:
    """Bring the database up to REVISION (default: the newest)."""
    settings = environment.settings(process="database")
    path = sa.make_url(settings["DATABASE_URL"])
    if path.drivername == "sqlite" and path.database:
        Path(path.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = application(settings["DATABASE_URL"])
    try:
        before = current(app)
        upgrade(app, revision)
    except sa.exc.DatabaseError as fault:  # also a file that is no database
        raise click.ClickException(f"the database cannot be used: {fault.orig}") from None
    if then_check:
        environment.require_durable(settings)
    after = current(app)
    found = {"dialect": path.get_backend_name(), "before": before, "revision": after, "empty": is_empty(app)}
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(
            f"{found['dialect']}: at revision {after}" + ("" if before == after else f" (was {before or 'empty'})")
        )


@command.command("downgrade")
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade_command(revision: str, yes: bool) -> None:
    """Take the database back to REVISION (`base`: nothing). What newer tables and columns hold is lost."""
    settings = environment.settings(process="database")
    app = application(settings["DATABASE_URL"])
    if not yes:
        click.confirm(f"Go from {current(app) or 'nothing'} back to {revision}, dropping what is newer?", abort=True)
    downgrade(app, revision)
    click.echo(f"at revision {current(app) or 'base'}")


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check_command(as_json: bool) -> None:
    """Whether the schema is the newest, as the program expects it, and whether what is recorded stays."""
    from concours.base import durability

    settings = environment.settings(process="database")
    app = application(settings["DATABASE_URL"])
    at, newest = current(app), head()
    changed = [str(item) for item in differences(app)] if at == newest else []
    found = durability.findings(settings)
    grave = [f for f in found if f.weight == "away" or (f.weight == "unsafe" and not settings["UNSAFE_FSYNC"])]
    good = at == newest and not changed and not grave
    if as_json:
        lines = [{"weight": finding.weight, "sentence": finding.sentence} for finding in found]
        click.echo(json.dumps({"ok": good, "at": at, "head": newest, "differences": changed, "findings": lines}))
    else:
        click.echo(f"schema      at {at or 'nothing'}, newest {newest}")
        for line in (*changed, *(f"{finding.weight}: {finding.sentence}" for finding in found)):
            click.echo(f"            {line}")
        click.echo("all is well" if good else "not as it should be: see above, then `concours db upgrade`")
    if not good:
        sys.exit(1)


@command.command("revision")
@click.argument("message")
@click.option(
    "--initial", is_flag=True, help="Throw all revisions away and write the first one anew (before a release)."
)
def revision_command(message: str, initial: bool) -> None:
    """Write the next migration from the difference between the migrations and the models (for developers)."""
    versions = MIGRATIONS / "versions"
    if initial:
        for old in versions.glob("*.py"):
            old.unlink()
    with tempfile.TemporaryDirectory(prefix="concours-") as folder:
        app = application(f"sqlite:///{folder}/compare.sqlite3")
        upgrade(app)
        number = f"{len(list(versions.glob('*.py'))) + 1:04d}"
        with app.app_context():
            config = alembic_config()
            config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            made = alembic.revision(config, message, autogenerate=True, rev_id=number)
        written = [script for script in (made if isinstance(made, list) else [made]) if script is not None]
    for script in written:
        lines = Path(script.path).read_text().splitlines(keepends=True)
        Path(script.path).write_text(
            "".join(line for line in lines if "by Alembic" not in line and "# ### end" not in line)
        )
        for step in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
            subprocess.run([sys.executable, "-m", "ruff", *step, script.path], check=False)  # noqa: S603
        click.echo(f"{script.path}: read it, then run the tests of migrations")
