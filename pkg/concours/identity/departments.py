"""Departments: a tree of units with short codes, which rosters and imports name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import msg
from concours.identity.models import Account, Department

CODE_LIMIT = 32
NAME_LIMIT = 120
DEPTH_LIMIT = 10  # levels of the tree


def get(department_id: int) -> Department:
    """The department of that number; raises NotFound."""
    department = session().get(Department, department_id)
    if department is None:
        raise NotFound(msg("There is no such department."))
    return department


def find(words: str) -> Department | None:
    """The department whose code, or else whose name, is `words`; None for an empty text or an unknown one."""
    text = typed.line(words)
    if not text:
        return None
    found = session().scalars(sa.select(Department).where(sa.or_(Department.code == text, Department.name == text)))
    both = sorted(found, key=lambda d: d.code != text)
    return both[0] if both else None


def chosen(words: str, *, field: str = "department", required: bool = False) -> Department | None:
    """The department a form names by code or name; None where nothing was said.

    Raises Invalid where there is no such department, or none was named and one is required.
    """
    department = find(words)
    if department is None and (required or typed.line(words)):
        sentence = (
            msg("There is no department “%(words)s”.", words=typed.line(words)[:NAME_LIMIT])
            if typed.line(words)
            else msg("Please name the department.")
        )
        raise Invalid(problems=[FieldProblem(field, sentence)], code="unknown_department")
    return department


def everything() -> Sequence[Department]:
    """All departments by code."""
    return session().scalars(sa.select(Department).order_by(Department.code)).all()


@dataclass(frozen=True)
class Branch:
    """A department at its place in the tree; `depth` is 0 for the topmost; `people` counts its accounts."""

    department: Department
    depth: int
    people: int


def tree() -> list[Branch]:
    """All departments, parents before children, by code within a level."""
    below: dict[int | None, list[Department]] = {}
    for department in everything():
        below.setdefault(department.parent_id, []).append(department)
    counts = dict(
        session()
        .execute(
            sa.select(Account.department_id, sa.func.count())
            .where(Account.department_id.is_not(None))
            .group_by(Account.department_id)
        )
        .tuples()
        .all()
    )
    found: list[Branch] = []
    waiting = [(department, 0) for department in reversed(below.get(None, []))]
    while waiting:
        department, depth = waiting.pop()
        found.append(Branch(department, depth, counts.get(department.id, 0)))
        waiting += [(child, depth + 1) for child in reversed(below.get(department.id, []))]
    return found


def add(*, code: str, name: str, actor: Account | None, now: datetime, parent: Department | None = None) -> Department:
    """A new department. Raises Invalid for a code or name that cannot be, Conflict for one that is taken."""
    code, name = typed.line(code), typed.line(name)
    problems = problems_of(code, name)
    if problems:
        raise Invalid(problems=problems)
    _require_free(code, name)
    if parent is not None and _depth(parent) + 1 >= DEPTH_LIMIT:
        raise Invalid(
            problems=[FieldProblem("parent", msg("The tree of departments has at most %(n)s levels.", n=DEPTH_LIMIT))]
        )
    department = Department(code=code, name=name, parent_id=parent.id if parent else None, created_at=now)
    session().add(department)
    audit.record(actor, "identity.add_department", department, now=now, code=code, name=name)
    return department


def rename(department: Department, *, name: str, actor: Account, now: datetime) -> None:
    """Gives the department another name; its code stays, because rosters name it."""
    name = typed.line(name)
    problems = [problem for problem in problems_of(department.code, name) if problem.field == "name"]
    if problems:
        raise Invalid(problems=problems)
    if name == department.name:
        return
    _require_free(None, name)
    before, department.name = department.name, name
    audit.record(actor, "identity.rename_department", department, now=now, before=before, after=name)


def problems_of(code: str, name: str) -> list[FieldProblem]:
    """What is wrong with a code and a name, each cleaned."""
    problems: list[FieldProblem] = []
    if not re.fullmatch(rf"[\w.-]{{1,{CODE_LIMIT}}}", code):
        problems.append(
            FieldProblem("code", msg("A code has 1 to %(limit)s letters, digits or . _ - signs.", limit=CODE_LIMIT))
        )
    if not 1 <= len(name) <= NAME_LIMIT:
        problems.append(FieldProblem("name", msg("A name has 1 to %(limit)s characters.", limit=NAME_LIMIT)))
    return problems


def _require_free(code: str | None, name: str) -> None:
    taken = session().scalar(sa.select(Department).where(sa.or_(Department.code == code, Department.name == name)))
    if taken is not None:
        raise Conflict(
            msg("The department %(code)s “%(name)s” has this code or name already.", code=taken.code, name=taken.name),
            code="department_taken",
        )


def _depth(department: Department) -> int:
    depth, above = 0, department.parent_id
    while above is not None and depth < DEPTH_LIMIT:
        parent = session().get(Department, above)
        depth, above = depth + 1, parent.parent_id if parent else None
    return depth
