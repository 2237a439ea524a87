"""The people of the replay and their rosters. Names repeat, as Chinese names do: the staff number is the key."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from openpyxl import Workbook

from concours.cli.replay.verses import DEPARTMENTS, GIVEN, SURNAMES

HEADER = ("工号", "姓名", "部门", "队伍", "手机", "队长")


@dataclass(frozen=True)
class Unit:
    """A department: its code and name."""

    code: str
    name: str


@dataclass(frozen=True)
class Person:
    """Somebody with a staff number, in a department; `team` and `captain` where they are in a team."""

    staff_number: str
    name: str
    unit: Unit
    team: str = ""
    captain: bool = False


def name(rng: np.random.Generator) -> str:
    """A Chinese name of two or three characters."""
    given = "".join(GIVEN[i] for i in rng.integers(len(GIVEN), size=int(rng.integers(1, 3))))
    return SURNAMES[rng.integers(len(SURNAMES))] + given


def units(count: int) -> list[Unit]:
    """The first `count` departments."""
    return [Unit(f"B{n + 1:02d}", DEPARTMENTS[n]) for n in range(count)]


def people_of_teams(
    rng: np.random.Generator, where: list[Unit], teams: int, members: int, number: Callable[[int], str]
) -> list[Person]:
    """`members` people spread evenly over `teams` teams, and those over departments; a team's first is its captain.

    `number(n)` gives the n-th person's staff number.
    """
    found: list[Person] = []
    per_unit: dict[str, int] = {}
    for team in range(teams):
        unit = where[team % len(where)]
        per_unit[unit.code] = per_unit.get(unit.code, 0) + 1
        title = f"{unit.name}{'一二三四五六七八九十'[per_unit[unit.code] - 1]}队"
        size = members // teams + (1 if team < members % teams else 0)
        for seat in range(size):
            found.append(Person(number(len(found)), name(rng), unit, title, captain=seat == 0))
    return found


def _row(person: Person) -> tuple[str, ...]:
    return (person.staff_number, person.name, person.unit.name, person.team, "", "是" if person.captain else "")


def xlsx(people: list[Person]) -> bytes:
    """The roster as an XLSX workbook, staff numbers as text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("名单")
    sheet.append(HEADER)
    for person in people:
        sheet.append(_row(person))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def csv_bytes(people: list[Person], encoding: str) -> bytes:
    """The roster as CSV in `encoding`: `gb18030` (as Chinese spreadsheets save; it contains GBK) or `utf-8-sig`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows(_row(person) for person in people)
    return text.getvalue().encode(encoding)
