"""The rooms' blueprints, in the order of the import rule. A room's routes module has `init_app(app, csrf)`."""

from importlib import import_module
from typing import Any

from flask import Flask

ROOMS = ("identity", "events", "media", "teams", "clips", "entries", "jury", "voting", "exhibition", "web")


def register_rooms(app: Flask, csrf: Any) -> None:
    """Registers every room's routes."""
    for room in ROOMS:
        import_module(f"concours.{room}.routes").init_app(app, csrf)
