"""`concours account`: accounts for people and scripts, by whoever runs the machine."""

import json
import secrets
import sys

import click
import sqlalchemy as sa

from concours.cli.acts import act

PASSWORD_BYTES = 15
ROLES = ("admin", "organiser", "coordinator", "judge", "auditor", "member")


@click.group(name="account")
def command() -> None:
    """Accounts: create one, give one a new password."""


def _password(from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made here."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    return secrets.token_urlsafe(PASSWORD_BYTES), True


@command.command("create")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the account may do.")
@click.option("--department", default="", help="Its department, by code or name.")
@click.option("--event", "slug", help="The event the role is for, by the last part of its address.")
@click.option("--display-name", help="The name that is shown. [default: NAME]")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made.")
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
def create(
    name: str,
    role: str,
    department: str,
    slug: str | None,
    display_name: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Create the account NAME, which is what its person signs in with.

    An admin may do everything on the site. An organiser may create events, or with --event runs that one. Coordinators
    (with --department), judges and auditors belong to an event. A member may enter works where it is on a roster.
    """
    password, made = _password(password_stdin)
    with act("account") as now:
        from concours.base.db import session
        from concours.events.models import Event
        from concours.identity import accounts, departments, grants

        unit = departments.chosen(department)
        event = session().scalar(sa.select(Event).where(Event.slug == slug)) if slug else None
        if slug and event is None:
            raise click.ClickException(f"there is no event {slug!r}")
        if event is None and role in {"coordinator", "judge", "auditor"}:
            raise click.ClickException(f"a {role} belongs to an event: name it with --event")
        account = accounts.create_account(
            None,
            username=name,
            name=display_name or name,
            now=now,
            department=unit,
            password=password,
            is_admin=role == "admin",
            can_create_events=role == "organiser" and event is None,
        )
        session().flush()
        if event is not None and role not in {"admin", "member"}:
            grants.give(account, event.id, role, actor=None, now=now, department=unit)
        found = {
            "id": account.id,
            "username": account.username,
            "name": account.name,
            "role": role,
            "event": slug,
            "department": unit.code if unit else None,
        }
    if made:
        found["password"] = password
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"account {found['username']} ({role})")
    if made:
        click.echo(f"password {password}   (shown once)")


@command.command("password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def password_command(name: str, password_stdin: bool, as_json: bool) -> None:
    """Give the account NAME a new password and end its sessions."""
    password, made = _password(password_stdin)
    with act("account") as now:
        from concours import audit
        from concours.identity import accounts

        account = accounts.find_by_username(name)
        if account is None:
            raise click.ClickException(f"there is no account {name!r}")
        accounts.set_password(account, password, password, now=now)
        audit.record(None, "identity.reset_password", account, now=now)
        username = account.username
    if as_json:
        click.echo(json.dumps({"username": username} | ({"password": password} if made else {}), ensure_ascii=False))
    else:
        click.echo(f"account {username} has a new password" + (f": {password}   (shown once)" if made else ""))
