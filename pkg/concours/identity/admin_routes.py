"""The administrator's pages: departments and accounts."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock
from concours.base.db import session
from concours.base.errors import DomainError, FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.identity import accounts, departments, imports, invitations
from concours.identity.access import actor, allow
from concours.identity.addresses import invitation_url
from concours.identity.blueprint import bp
from concours.identity.forms import Errors, errors_of, number, pasted
from concours.identity.models import Account, Role


def _departments_page(
    form: str = "", errors: Errors | None = None, status: int = 200, sentence: Message | None = None
) -> Response:
    page = render_template(
        "identity/departments.html",
        branches=departments.tree(),
        form=form,
        errors=errors or {},
        typed=request.form,
        sentence=sentence,
    )
    return make_response(page, status)


@bp.get("/admin/departments")
@allow(Role.ADMIN)
def admin_departments() -> Response:
    """The tree of departments."""
    return _departments_page()


@bp.post("/admin/departments")
@allow(Role.ADMIN)
def add_department() -> AnyResponse:
    """A new department: `code`, `name`, `parent` (a code, or empty)."""
    form = request.form
    try:
        parent = departments.chosen(form.get("parent", ""), field="parent")
        made = departments.add(
            code=form.get("code", ""), name=form.get("name", ""), parent=parent, actor=actor(), now=clock.now()
        )
    except DomainError as refusal:
        session().rollback()
        return _departments_page("add", *errors_of(refusal, "code"))
    name = made.name
    session().commit()
    notify(msg("“%(name)s” is added.", name=name))
    return redirect(url_for("identity.admin_departments"), 303)


@bp.route("/admin/departments/<int:department_id>", methods=["GET", "POST"])
@allow(Role.ADMIN)
def rename_department(department_id: int) -> AnyResponse:
    """Another `name` for a department."""
    department = departments.get(department_id)
    if request.method == "GET":
        return make_response(render_template("identity/department.html", department=department, errors={}, typed={}))
    try:
        departments.rename(department, name=request.form.get("name", ""), actor=actor(), now=clock.now())
    except DomainError as refusal:
        session().rollback()
        errors, status = errors_of(refusal, "name")
        page = render_template("identity/department.html", department=department, errors=errors, typed=request.form)
        return make_response(page, status)
    session().commit()
    notify(msg("The name is changed."))
    return redirect(url_for("identity.admin_departments"), 303)


@bp.post("/admin/departments/import")
@allow(Role.ADMIN)
def import_departments() -> AnyResponse:
    """Departments from `rows` (pasted) or `file` (CSV): code, name, code of the parent. All of it or nothing."""
    try:
        text = pasted(request.files.get("file"), request.form.get("rows", ""))
        added, renamed = imports.import_departments(text, actor=actor(), now=clock.now())
    except DomainError as refusal:
        session().rollback()
        sentence = refusal.message if isinstance(refusal, imports.ImportRefused) else None
        return _departments_page("import", *errors_of(refusal, "rows"), sentence)
    session().commit()
    notify(msg("%(added)s departments added, %(renamed)s renamed.", added=added, renamed=renamed))
    return redirect(url_for("identity.admin_departments"), 303)


@bp.get("/admin/accounts")
@allow(Role.ADMIN)
def admin_accounts() -> Response:
    """The list of accounts; `q` searches name and staff number, `after` pages."""
    return _accounts_page()


def _accounts_page(errors: Errors | None = None, status: int = 200) -> Response:
    words = request.args.get("q", "")
    found = accounts.search(words, after=request.args.get("after", 0, type=number))
    shown = found[: accounts.PAGE]
    more = shown[-1].id if len(found) > accounts.PAGE else None
    page = render_template(
        "identity/accounts.html", found=shown, more=more, q=words, errors=errors or {}, typed=request.form
    )
    return make_response(page, status)


@bp.post("/admin/accounts")
@allow(Role.ADMIN)
def create_account() -> AnyResponse:
    """A new account: `username`, `name`, `department` (code or name), `phone`, `email`, `is_admin`,
    `can_create_events`.

    Answers with the page that shows the person's invitation link.
    """
    form, now = request.form, clock.now()
    try:
        account = accounts.create_account(
            actor(),
            username=form.get("username", ""),
            name=form.get("name", ""),
            department=departments.chosen(form.get("department", "")),
            phone=form.get("phone", ""),
            email=form.get("email", ""),
            is_admin=form.get("is_admin") == "1",
            can_create_events=form.get("can_create_events") == "1",
            now=now,
        )
        secret = invitations.invite(account, actor=actor(), now=now)
    except DomainError as refusal:
        session().rollback()
        return _accounts_page(*errors_of(refusal, "username"))
    session().commit()
    return _account_page(account, link=invitation_url(secret), status=201)


def _account_page(
    account: Account,
    *,
    link: str = "",
    errors: Errors | None = None,
    typed: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    page = render_template(
        "identity/account.html", account=account, invitation_link=link, errors=errors or {}, typed=typed, me=actor()
    )
    return make_response(page, status)


@bp.route("/admin/accounts/<int:account_id>", methods=["GET", "POST"])
@allow(Role.ADMIN)
def change_account(account_id: int) -> AnyResponse:
    """One account: `name`, `department`, `phone`, `email`, `can_create_events`."""
    account, form = accounts.get(account_id), request.form
    if request.method == "GET":
        return _account_page(account)
    try:
        accounts.change_account(
            account,
            actor=actor(),
            now=clock.now(),
            name=form.get("name", ""),
            department=departments.chosen(form.get("department", "")),
            phone=form.get("phone", ""),
            email=form.get("email", ""),
            can_create_events=form.get("can_create_events") == "1",
        )
    except DomainError as refusal:
        session().rollback()
        errors, status = errors_of(refusal, "name")
        return _account_page(account, errors=errors, typed=form, status=status)
    session().commit()
    notify(msg("Saved."))
    return redirect(url_for("identity.change_account", account_id=account_id), 303)


@bp.post("/admin/accounts/<int:account_id>/active")
@allow(Role.ADMIN)
def set_account_active(account_id: int) -> AnyResponse:
    """Puts an account to rest (`active` 0) or wakes it (1)."""
    active = request.form.get("active")
    if active not in {"0", "1"}:
        raise Invalid(problems=[FieldProblem("active", msg("Say 0 or 1."))])
    accounts.set_active(accounts.get(account_id), active == "1", actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The account is awake again.") if active == "1" else msg("The account rests; it is signed out."))
    return redirect(url_for("identity.change_account", account_id=account_id), 303)


@bp.post("/admin/accounts/<int:account_id>/link")
@allow(Role.ADMIN)
def reset_account(account_id: int) -> AnyResponse:
    """A fresh link for somebody who lost the password or the first link; shown this once."""
    account = accounts.get(account_id)
    secret = invitations.reset(account, actor=actor(), now=clock.now())
    session().commit()
    return _account_page(account, link=invitation_url(secret), status=201)
