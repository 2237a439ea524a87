"""The blueprint of the room's pages; `author_routes`, `file_routes` and `desk_routes` add their views to it."""

from flask import Blueprint

bp = Blueprint("entries", __name__, url_prefix="/events/<event_slug>", template_folder="templates")
