"""The links of an event's pages: each room adds its own; the page shows those the visitor's roles allow.

navigate("entries.desk", msg("Screening"), order=40, who={Role.ORGANISER, Role.AUDITOR})
"""

from collections.abc import Callable, Set
from dataclasses import dataclass

from flask import g

from concours.base.messages import Message
from concours.events.models import Event
from concours.identity.access import PUBLIC, SIGNED_IN, my_roles, signed_in


@dataclass(frozen=True)
class Place:
    """A link: an endpoint that needs only the event's slug, its label, who sees it, and its order (0 to 100)."""

    endpoint: str
    label: Message
    order: int
    who: frozenset[str]
    when: Callable[[Event], bool] | None = None


_places: dict[str, Place] = {}


def navigate(
    endpoint: str, label: Message, *, order: int, who: Set[str], when: Callable[[Event], bool] | None = None
) -> None:
    """Adds (or replaces) the link to `endpoint`; `who` is as in `identity.access.allow`, `when` for which events."""
    _places[endpoint] = Place(endpoint, label, order, frozenset(str(w) for w in who), when)


def own_places(roles: Set[str], event: Event | None = None) -> list[Place]:
    """The links that are there because of these roles in an event, without those that everybody has."""
    shown = (p for p in _places.values() if p.who & roles and PUBLIC not in p.who)
    return sorted((p for p in shown if _is_for(p, event)), key=lambda place: place.order)


def _is_for(place: Place, event: Event | None) -> bool:
    return place.when is None or (event is not None and place.when(event))


def places_for_visitor() -> list[Place]:
    """The links that the visitor of the running request sees in its event, in order."""
    account = signed_in()
    mine = my_roles() | ({PUBLIC, SIGNED_IN} if account is not None else {PUBLIC})
    everything = account is not None and account.is_admin
    shown = [p for p in _places.values() if p.who & mine or (everything and p.who != {"judge"})]
    return sorted((p for p in shown if _is_for(p, g.get("event"))), key=lambda place: place.order)
