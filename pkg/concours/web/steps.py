"""The phases of an event as steps of a line: what is behind, what is open now, what comes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flask import Flask

from concours.base import clock
from concours.base.messages import Message
from concours.events.models import Event, PhaseKind
from concours.events.phases import PHASE_NAMES


@dataclass(frozen=True)
class Step:
    """A phase as the reader sees it at one moment; times are aware, in UTC."""

    kind: PhaseKind
    label: Message
    state: Literal["past", "now", "next"]
    opens_at: datetime
    closes_at: datetime


def steps_at(event: Event, now: datetime) -> list[Step]:
    """The event's phases in the order they open; `state` by `now`: open from opens_at (included) to closes_at (not)."""
    found = []
    for phase in sorted(event.phases, key=lambda phase: (phase.opens_at, phase.position)):
        kind = PhaseKind(phase.kind)
        state: Literal["past", "now", "next"] = (
            "next" if now < phase.opens_at else "now" if now < phase.closes_at else "past"
        )
        found.append(Step(kind, PHASE_NAMES[kind], state, phase.opens_at, phase.closes_at))
    return found


def phase_steps(event: Event) -> list[Step]:
    """The same, at the moment of the request."""
    return steps_at(event, clock.now())


def init_steps(app: Flask) -> None:
    """Gives templates `phase_steps(event)`."""
    app.jinja_env.globals.update(phase_steps=phase_steps)
