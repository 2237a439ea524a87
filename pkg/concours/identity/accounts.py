"""Accounts: found, made, changed, put to rest."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.identity import passwords
from concours.identity.models import Account, ApiToken, Department, Invitation, SignInSession

USERNAME_LIMIT = 64
NAME_LIMIT = 80
PHONE_LIMIT = 32
EMAIL_LIMIT = 254
PAGE = 50


def normal_username(raw: str) -> str:
    """A staff number or sign-in name in one form (NFKC): full-width digits become plain ones."""
    return unicodedata.normalize("NFKC", typed.line(raw))


def username_problem(username: str) -> Message | None:
    """Why this (normal) name cannot be a sign-in name, or None."""
    if not username:
        return msg("Please fill this in.")
    if len(username) > USERNAME_LIMIT:
        return msg("At most %(limit)s characters, please.", limit=USERNAME_LIMIT)
    if not re.fullmatch(r"[\w.@+-]+", username):
        return msg("Letters, digits and . _ - + @ are possible, without blanks.")
    return None


def _spellings(username: str) -> set[str]:
    return {username, username.lower(), username.upper()}


def find_by_username(raw: str) -> Account | None:
    """The account of that staff number or sign-in name, in capitals or not; None where there is none."""
    username = normal_username(raw)[: USERNAME_LIMIT + 1]
    found = session().scalars(sa.select(Account).where(Account.username.in_(_spellings(username)))).all()
    return next((a for a in found if a.username == username), found[0] if found else None)


def find_many(usernames: Iterable[str]) -> dict[str, Account]:
    """Accounts by the (normal) names asked for, in as many queries as there are thousands of names."""
    asked = list(dict.fromkeys(usernames))
    found: dict[str, Account] = {}
    for start in range(0, len(asked), 1000):
        part = asked[start : start + 1000]
        spelled = {spelling: name for name in part for spelling in _spellings(name)}
        for account in session().scalars(sa.select(Account).where(Account.username.in_(spelled))):
            name = spelled[account.username]
            if name not in found or account.username == name:
                found[name] = account
    return found


def get(account_id: int) -> Account:
    """The account of that number; raises NotFound."""
    account = session().get(Account, account_id)
    if account is None:
        raise NotFound(msg("There is no such account."))
    return account


def create_account(
    actor: Account | None,
    *,
    username: str,
    name: str,
    now: datetime,
    department: Department | None = None,
    phone: str = "",
    email: str = "",
    password: str | None = None,
    is_admin: bool = False,
    can_create_events: bool = False,
) -> Account:
    """A new account; without a password it waits for its invitation. `actor` is None for the command line.

    Raises Invalid for what cannot be kept and Conflict where the name is taken.
    """
    username, name = normal_username(username), typed.line(name)
    problems = [FieldProblem("username", problem)] if (problem := username_problem(username)) else []
    problems += _person_problems(name, phone, email)
    if problems:
        raise Invalid(problems=problems)
    if find_by_username(username) is not None:
        raise Conflict(
            msg("There is already an account “%(username)s”.", username=username),
            hint=msg("Look for it in the list of accounts."),
            code="username_taken",
        )
    if password is not None:
        passwords.require_strong(password, password, username, name)
    account = Account(
        username=username,
        name=name,
        phone=typed.line(phone),
        email=typed.line(email),
        password_hash=passwords.hash_password(password) if password is not None else None,
        department_id=department.id if department else None,
        is_admin=is_admin,
        can_create_events=can_create_events,
        created_at=now,
    )
    session().add(account)
    audit.record(actor, "identity.create_account", account, now=now, username=username, admin=is_admin)
    return account


@dataclass(frozen=True)
class Person:
    """Somebody who gets an account by an import: a normal staff number, a name, a department's number."""

    username: str
    name: str
    department_id: int | None = None
    phone: str = ""


def create_many(
    actor: Account | None, people: Sequence[Person], *, now: datetime, event_id: int | None = None
) -> list[Account]:
    """New accounts without passwords, in the order of `people`, in a handful of statements, with one audit record.

    The caller has checked the names (`username_problem`, `find_many`): a taken one fails on the unique key.
    """
    if not people:
        return []
    session().execute(
        sa.insert(Account),
        [
            {
                "username": person.username,
                "name": person.name,
                "phone": person.phone,
                "department_id": person.department_id,
                "created_at": now,
            }
            for person in people
        ],
    )
    audit.record(
        actor,
        "identity.create_accounts",
        ("account", f"{len(people)} accounts"),
        now=now,
        event_id=event_id,
        count=len(people),
        usernames=[person.username for person in people[:100]],
    )
    made = find_many(person.username for person in people)
    return [made[person.username] for person in people]


def change_account(
    account: Account,
    *,
    actor: Account,
    now: datetime,
    name: str,
    department: Department | None,
    phone: str = "",
    email: str = "",
    can_create_events: bool = False,
) -> None:
    """Changes what is known of a person; the sign-in name stays."""
    name, phone, email = typed.line(name), typed.line(phone), typed.line(email)
    problems = _person_problems(name, phone, email)
    if problems:
        raise Invalid(problems=problems)
    account.name, account.phone, account.email = name, phone, email
    account.department_id = department.id if department else None
    if can_create_events and not account.can_create_events:
        end_invitations(account)
    account.can_create_events = can_create_events
    audit.record(actor, "identity.change_account", account, now=now, can_create_events=can_create_events)


def set_active(account: Account, active: bool, *, actor: Account, now: datetime) -> None:
    """Puts an account to rest or wakes it. A resting one cannot sign in; its sessions and tokens end at once.

    Raises Forbidden for the actor's own account.
    """
    if account.id == actor.id:
        raise Forbidden(msg("You cannot put your own account to rest."), hint=msg("Ask another administrator."))
    account.is_active = active
    if not active:
        end_sessions(account, now=now)
        session().execute(
            sa.update(ApiToken)
            .where(ApiToken.account_id == account.id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=now)
        )
    audit.record(actor, "identity.wake_account" if active else "identity.rest_account", account, now=now)


def set_password(account: Account, password: str, again: str, *, now: datetime) -> None:
    """Gives the account a new password and ends all its sessions and links; raises Invalid for a weak one."""
    passwords.require_strong(password, again, account.username, account.name)
    account.password_hash = passwords.hash_password(password)
    end_sessions(account, now=now)
    end_invitations(account)


def change_password(account: Account, old: str, password: str, again: str, *, now: datetime) -> None:
    """The person's own change: the old password must be right. All sessions end; the caller opens a new one."""
    if not passwords.matches(account.password_hash, old):
        raise Invalid(problems=[FieldProblem("old", msg("This is not your present password."))], code="wrong_password")
    set_password(account, password, again, now=now)
    audit.record(account, "identity.change_password", account, now=now)


def set_locale(account: Account, locale: str, *, now: datetime) -> None:
    """The language of the account's pages, `zh` or `en`, or "" to follow the browser."""
    if locale not in {"", "zh", "en"}:
        raise Invalid(problems=[FieldProblem("locale", msg("Please choose one of the languages."))])
    account.locale = locale or None
    audit.record(account, "identity.set_language", account, now=now, locale=locale)


def end_sessions(account: Account, *, now: datetime, but: SignInSession | None = None) -> int:
    """Ends the account's sessions (all but one, where given); how many there were."""
    ending = sa.update(SignInSession).where(
        SignInSession.account_id == account.id, SignInSession.revoked_at.is_(None), SignInSession.expires_at > now
    )
    if but is not None:
        ending = ending.where(SignInSession.id != but.id)
    return int(session().execute(ending.values(revoked_at=now)).rowcount)  # type: ignore[attr-defined]


def end_invitations(account: Account) -> int:
    """Ends the account's unused invitation links; how many there were.

    A link makes whoever holds it that person, and it was made by those who may invite the person as they were then:
    it must not outlive a new password or a higher role.
    """
    ending = sa.delete(Invitation).where(Invitation.account_id == account.id, Invitation.used_at.is_(None))
    return int(session().execute(ending).rowcount)  # type: ignore[attr-defined]


def search(words: str = "", *, after: int = 0, department_id: int | None = None) -> Sequence[Account]:
    """Up to 51 accounts whose name or staff number holds `words`, by number, from `after` on (one more than a page)."""
    query = sa.select(Account).options(joinedload(Account.department)).where(Account.id > after)
    text = typed.line(words)[:USERNAME_LIMIT]
    if text:
        query = query.where(
            sa.or_(
                Account.name.contains(text, autoescape=True),
                Account.username.icontains(normal_username(text), autoescape=True),
            )
        )
    if department_id is not None:
        query = query.where(Account.department_id == department_id)
    return session().scalars(query.order_by(Account.id).limit(PAGE + 1)).all()


def _person_problems(name: str, phone: str, email: str) -> list[FieldProblem]:
    problems: list[FieldProblem] = []
    if not name:
        problems.append(FieldProblem("name", msg("Please fill this in.")))
    for field, text, limit in (
        ("name", name, NAME_LIMIT),
        ("phone", phone, PHONE_LIMIT),
        ("email", email, EMAIL_LIMIT),
    ):
        if len(text) > limit:
            problems.append(FieldProblem(field, msg("At most %(limit)s characters, please.", limit=limit)))
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email.strip()):
        problems.append(FieldProblem("email", msg("This is no e-mail address.")))
    return problems
