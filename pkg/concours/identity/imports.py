"""Tables that are taken in whole or not at all, with a sentence for every line that cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from concours import audit
from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg, nmsg
from concours.base.sheets import read_rows
from concours.identity import departments
from concours.identity.models import Account, Department

DEPARTMENT_ROWS = 5_000  # rows of one import of departments
LINES_SAID = 200  # problems listed on the page


@dataclass(frozen=True)
class LineProblem:
    """What is wrong with one line of an import; `line` counts from 1."""

    line: int
    message: Message


class ImportRefused(Invalid):
    """Nothing was imported; `lines` says why, line by line."""

    code = "import_refused"

    def __init__(self, lines: Sequence[LineProblem], *, field: str = "rows") -> None:
        super().__init__(
            nmsg(
                "Nothing was imported: %(count)s line needs correcting.",
                "Nothing was imported: %(count)s lines need correcting.",
                len(lines),
            ),
            problems=[
                FieldProblem(field, msg("Line %(line)s: %(problem)s", line=p.line, problem=p.message))
                for p in lines[:LINES_SAID]
            ],
        )
        self.lines = tuple(lines)


def rows_of(text: str, *, limit: int, headings: set[str]) -> list[tuple[int, list[str]]]:
    """The rows of the table without its line of headings (known by its first cell); raises Invalid for an empty one."""
    rows = read_rows(text, limit=limit)
    if rows and rows[0][1][0].lower() in headings:
        rows = rows[1:]
    if not rows:
        raise Invalid(problems=[FieldProblem("rows", msg("There is no line to import yet. Paste at least one."))])
    return rows


def import_departments(text: str, *, actor: Account | None, now: datetime) -> tuple[int, int]:
    """Departments from lines `code,name[,parent code]`; known codes are renamed. All of it or nothing.

    A parent stands on a line above or exists already. Returns how many were added and how many renamed.
    Raises ImportRefused with every line's problem.
    """
    rows = rows_of(text, limit=DEPARTMENT_ROWS, headings={"code", "编号", "代码", "部门编号", "部门代码"})
    known = {department.code: department for department in departments.everything()}
    names = {department.name: department.code for department in known.values()}
    planned: dict[str, tuple[str, str]] = {}
    lines: list[LineProblem] = []
    for number, cells in rows:
        code, name, parent = (*cells, "", "", "")[:3]
        problem = _problem(code, name, parent, planned=planned, known=known, names=names)
        if problem is not None:
            lines.append(LineProblem(number, problem))
            continue
        planned[code] = (name, parent)
        names[name] = code
    if lines:
        raise ImportRefused(lines)
    added, renamed = _apply(planned, known, now=now)
    audit.record(actor, "identity.import_departments", ("department", "*"), now=now, added=added, renamed=renamed)
    return len(added), len(renamed)


def _apply(
    planned: dict[str, tuple[str, str]], known: dict[str, Department], *, now: datetime
) -> tuple[list[str], list[str]]:
    added: list[str] = []
    renamed: list[str] = []
    for code, (name, _) in planned.items():
        if code not in known:
            department = Department(code=code, name=name, created_at=now)
            session().add(department)
            known[code] = department
            added.append(code)
        elif known[code].name != name:
            known[code].name = name
            renamed.append(code)
    session().flush()
    for code, (_, parent) in planned.items():
        if parent and code in added:
            known[code].parent_id = known[parent].id
    return added, renamed


def _problem(
    code: str,
    name: str,
    parent: str,
    *,
    planned: dict[str, tuple[str, str]],
    known: dict[str, Department],
    names: dict[str, str],
) -> Message | None:
    problems = departments.problems_of(code, name)
    if problems:
        return problems[0].message
    if code in planned:
        return msg("The code %(code)s stands on an earlier line already.", code=code)
    if names.get(name, code) != code:
        return msg("The name “%(name)s” belongs to the code %(code)s.", name=name, code=names[name])
    if parent and parent not in known and parent not in planned:
        return msg("There is no department with the code %(code)s above this line.", code=parent)
    return None
