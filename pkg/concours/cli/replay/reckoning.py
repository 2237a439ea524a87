"""The end of a replay: expected | found | difference, for every figure; any difference fails it."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One figure: what was played, and what the platform says it has."""

    name: str
    expected: int
    found: int

    @property
    def difference(self) -> int:
        """Found less expected."""
        return self.found - self.expected


@dataclass
class Reckoning:
    """All figures of a replay, in the order in which they came."""

    lines: list[Line] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)

    def compare(self, name: str, expected: int, found: int) -> None:
        """Adds a figure."""
        self.lines.append(Line(name, expected, found))

    @property
    def holds(self) -> bool:
        """Whether there is no difference anywhere (and something was compared at all)."""
        return bool(self.lines) and all(line.difference == 0 for line in self.lines)

    def show(self, console: Console) -> None:
        """Prints the table."""
        table = Table(title="Replay: expected and found", title_justify="left")
        table.add_column("figure")
        for heading in ("expected", "found", "difference"):
            table.add_column(heading, justify="right")
        for line in self.lines:
            wrong = "[bold red]" if line.difference else ""
            table.add_row(
                line.name, f"{line.expected:,}", f"{line.found:,}", f"{wrong}{line.difference:+,}" if wrong else "0"
            )
        console.print(table)
        for name, value in self.notes.items():
            console.print(f"{name}: {value}")

    def as_json(self) -> str:
        """The table as JSON."""
        lines = [
            {"figure": line.name, "expected": line.expected, "found": line.found, "difference": line.difference}
            for line in self.lines
        ]
        whole = {"holds": self.holds, "lines": lines, "notes": self.notes}
        return json.dumps(whole, ensure_ascii=False, indent=2)

    def write(self, path: Path) -> None:
        """Writes the table as JSON."""
        path.write_text(self.as_json() + "\n")
