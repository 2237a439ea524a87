"""What rooms above show on a person's own page (`identity.me`): each adds a panel of its own.

add_panel("events/my_events.html", my_events, order=10)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from concours.identity.models import Account


@dataclass(frozen=True)
class Panel:
    """A template, included with what `context(account, now)` gives under the name `panel`; `order` is 0 to 100."""

    template: str
    context: Callable[[Account, datetime], Mapping[str, Any]]
    order: int


_panels: dict[str, Panel] = {}


def add_panel(template: str, context: Callable[[Account, datetime], Mapping[str, Any]], *, order: int) -> None:
    """Adds (or replaces) the panel of that template."""
    _panels[template] = Panel(template, context, order)


def panels(account: Account, now: datetime) -> list[tuple[str, Mapping[str, Any]]]:
    """The panels of the account in order, each with its template and context."""
    return [(p.template, p.context(account, now)) for p in sorted(_panels.values(), key=lambda p: p.order)]
