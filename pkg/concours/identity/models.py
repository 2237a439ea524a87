"""Accounts and what they may do."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import Model, Pk


class Role(StrEnum):
    """What an account is in an event. `ADMIN` is site-wide and stands outside events."""

    ADMIN = "admin"
    ORGANISER = "organiser"
    COORDINATOR = "coordinator"
    JUDGE = "judge"
    AUDITOR = "auditor"
    MEMBER = "member"


class Department(Model):
    """The unit a person belongs to; units form a tree."""

    __tablename__ = "department"
    __table_args__ = (sa.UniqueConstraint("name"), sa.UniqueConstraint("code"))

    id: Mapped[Pk]
    code: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(120))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"), index=True)
    created_at: Mapped[datetime]


class Account(Model):
    """Who signs in. `username` is the staff number or a chosen name; `name` is shown.

    An account imported from a roster has no password until its invitation is used. `can_create_events` lets
    it make new events; an admin may do so anyway.
    """

    __tablename__ = "account"
    __table_args__ = (sa.UniqueConstraint("username"),)

    id: Mapped[Pk]
    username: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(80))
    phone: Mapped[str] = mapped_column(sa.String(32), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"), index=True)
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    can_create_events: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str | None] = mapped_column(sa.String(8))
    created_at: Mapped[datetime]

    department: Mapped[Department | None] = relationship()

    is_authenticated = True  # what Flask-Login asks of a user; is_active is a column above
    is_anonymous = False

    def get_id(self) -> str:
        """The key Flask-Login knows the account by."""
        return str(self.id)


class SignInAttempt(Model):
    """Failures in a row for one typed name, whether or not there is such an account (an answer must not tell).

    `name_hash` is the SHA-256 of the name as typed; `locked_until` says from when a sign-in is tried again.
    """

    __tablename__ = "sign_in_attempt"

    name_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    seen_at: Mapped[datetime] = mapped_column(index=True)


class SignInSession(Model):
    """One signed-in browser. The cookie holds a random secret, this row its SHA-256; revoking the row ends it."""

    __tablename__ = "sign_in_session"
    __table_args__ = (sa.UniqueConstraint("secret_hash"),)

    id: Mapped[Pk]
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"), index=True)
    user_agent: Mapped[str] = mapped_column(sa.String(200), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()


class Grant(Model):
    """This account has this role in this event; a coordinator's grant names the department it speaks for."""

    __tablename__ = "grant"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "event_id", "role", "department_id"),
        sa.Index(
            "uq_grant_without_department",
            "account_id",
            "event_id",
            "role",
            unique=True,
            sqlite_where=sa.text("department_id IS NULL"),
            postgresql_where=sa.text("department_id IS NULL"),
        ),
        sa.CheckConstraint("role in ('organiser', 'coordinator', 'judge', 'auditor', 'member')", name="role_is_known"),
    )

    id: Mapped[Pk]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(sa.String(16))
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"), index=True)
    granted_at: Mapped[datetime]

    account: Mapped[Account] = relationship()
    department: Mapped[Department | None] = relationship()


class Invitation(Model):
    """A link by which an imported person sets a password once. The link holds the secret, this row its SHA-256."""

    __tablename__ = "invitation"
    __table_args__ = (sa.UniqueConstraint("secret_hash"),)

    id: Mapped[Pk]
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()


class ApiToken(Model):
    """A bearer token of an account for scripts; only its SHA-256 is kept."""

    __tablename__ = "api_token"
    __table_args__ = (sa.UniqueConstraint("secret_hash"),)

    id: Mapped[Pk]
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()


__all__ = [
    "Account",
    "ApiToken",
    "Department",
    "Grant",
    "Invitation",
    "Role",
    "SignInAttempt",
    "SignInSession",
]
