"""Who gets past the gates of the identity room."""

from concours.base.db import session
from concours.identity.invitations import invite
from concours.identity.sign_in import begin_session
from concours.identity.tokens import create_token
from tests.access import EVERYONE, SIGNED_IN, Row, World

NOBODY: frozenset[str] = frozenset()
ADMIN = {"admin"}


def _invitation(w: World) -> str:
    secret = invite(w.make.account(), actor=None, now=w.make.now)
    session().commit()
    return f"/invitations/{secret}"


def _session_of_member(w: World) -> str:
    begin_session(w.member, user_agent="phone", days=1, now=w.make.now)
    session().commit()
    from concours.identity.models import SignInSession

    row = session().query(SignInSession).filter_by(account_id=w.member.id).one()
    return f"/me/sessions/{row.id}/revoke"


def _token_of_member(w: World) -> str:
    create_token(w.member, "export", actor=w.member, now=w.make.now)
    session().commit()
    from concours.identity.models import ApiToken

    row = session().query(ApiToken).filter_by(account_id=w.member.id).one()
    return f"/me/tokens/{row.id}/revoke"


ROWS = [
    Row("identity.sign_in", "GET", lambda w: "/sign-in", EVERYONE),
    Row("identity.sign_in", "POST", lambda w: "/sign-in", EVERYONE, data=lambda w: {"username": "x", "password": "y"}),
    Row("identity.sign_out", "POST", lambda w: "/sign-out", SIGNED_IN),
    Row("identity.invitation", "GET", _invitation, EVERYONE),
    Row("identity.invitation", "POST", _invitation, EVERYONE, data=lambda w: {"password": "short"}),
    Row("identity.me", "GET", lambda w: "/me", SIGNED_IN),
    Row("identity.change_password", "POST", lambda w: "/me/password", SIGNED_IN, data=lambda w: {"old": "wrong"}),
    Row("identity.set_language", "POST", lambda w: "/me/language", SIGNED_IN, data=lambda w: {"locale": "en"}),
    Row("identity.revoke_session", "POST", _session_of_member, {"member"}),
    Row("identity.revoke_other_sessions", "POST", lambda w: "/me/sessions/revoke-others", SIGNED_IN),
    Row("identity.create_token", "POST", lambda w: "/me/tokens", SIGNED_IN, data=lambda w: {"label": "export"}),
    Row("identity.revoke_token", "POST", _token_of_member, {"member"}),
    Row("identity.admin_departments", "GET", lambda w: "/admin/departments", ADMIN),
    Row(
        "identity.add_department",
        "POST",
        lambda w: "/admin/departments",
        ADMIN,
        data=lambda w: {"code": "N1", "name": "新部门"},
    ),
    Row("identity.rename_department", "GET", lambda w: f"/admin/departments/{w.department.id}", ADMIN),
    Row(
        "identity.rename_department",
        "POST",
        lambda w: f"/admin/departments/{w.department.id}",
        ADMIN,
        data=lambda w: {"name": "改名"},
    ),
    Row(
        "identity.import_departments",
        "POST",
        lambda w: "/admin/departments/import",
        ADMIN,
        data=lambda w: {"rows": "N2,又一部门"},
    ),
    Row("identity.admin_accounts", "GET", lambda w: "/admin/accounts", ADMIN),
    Row(
        "identity.create_account",
        "POST",
        lambda w: "/admin/accounts",
        ADMIN,
        data=lambda w: {"username": "new1", "name": "新人"},
    ),
    Row("identity.change_account", "GET", lambda w: f"/admin/accounts/{w.member.id}", ADMIN),
    Row(
        "identity.change_account",
        "POST",
        lambda w: f"/admin/accounts/{w.member.id}",
        ADMIN,
        data=lambda w: {"name": "新名"},
    ),
    Row(
        "identity.set_account_active",
        "POST",
        lambda w: f"/admin/accounts/{w.make.account().id}/active",
        ADMIN,
        data=lambda w: {"active": "0"},
    ),
    Row("identity.reset_account", "POST", lambda w: f"/admin/accounts/{w.member.id}/link", ADMIN),
]
