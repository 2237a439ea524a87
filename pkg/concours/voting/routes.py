"""Routes of the voting room: the public's pages, the organiser's desk, JSON, and the vote's own way in."""

from typing import Any

from flask import Flask

from concours.base.messages import msg
from concours.entries import register
from concours.events.models import PhaseKind
from concours.events.navigation import navigate
from concours.events.offers import offer
from concours.identity.access import PUBLIC
from concours.identity.models import Role
from concours.voting import api, candidates
from concours.voting.amendments import closing_desk
from concours.voting.amendments import desk as decisions_desk
from concours.voting.amendments import pages as decisions_pages
from concours.voting.booth import init_booth
from concours.voting.evidence import desk as evidence_desk
from concours.voting.ladder import api as _ladder_api  # noqa: F401 (adds its routes to api.bp)
from concours.voting.ladder import desk as codes_desk
from concours.voting.ladder import pages as ladder_pages
from concours.voting.ladder.provider import Provider
from concours.voting.ladder.senders import sender_of
from concours.voting.log import api as log_api
from concours.voting.log import check_pages
from concours.voting.log import desk as log_desk
from concours.voting.pages import ballots as _ballots  # noqa: F401 (adds its routes to public.bp)
from concours.voting.pages import by_form as _by_form  # noqa: F401 (likewise)
from concours.voting.pages import desk, public
from concours.voting.pages import told as _told  # noqa: F401 (likewise)
from concours.voting.pages.cards import Showcase
from concours.voting.refused import ByFlask


def init_app(app: Flask, csrf: Any) -> None:
    """Registers the room's routes and makes the booth; a server mounts `front.VoteFront` in front of all."""
    app.extensions["concours_showcase"] = Showcase()
    app.extensions["concours_provider"] = Provider.of(app.config)
    app.extensions["concours_sms"] = sender_of(app.config)
    csrf.exempt(api.bp)  # votes and voters carry a header that no foreign page can send
    csrf.exempt(log_api.bp)  # a cosignature is its own right
    app.register_blueprint(public.bp)
    app.register_blueprint(check_pages.bp)
    app.register_blueprint(desk.bp)
    app.register_blueprint(log_desk.bp)
    app.register_blueprint(ladder_pages.bp)
    app.register_blueprint(ladder_pages.back_bp)
    app.register_blueprint(codes_desk.bp)
    app.register_blueprint(decisions_desk.bp)
    app.register_blueprint(evidence_desk.bp)
    app.register_blueprint(decisions_pages.bp)
    app.register_blueprint(closing_desk.bp)
    app.register_blueprint(api.bp)
    app.register_blueprint(log_api.bp)
    init_booth(app)
    register.watch(candidates.entry_moved)
    app.wsgi_app = ByFlask(app)  # type: ignore[method-assign]
    navigate("voting.gallery", msg("Vote"), order=60, who={PUBLIC})
    offer("voting.gallery", msg("Vote"), phase=PhaseKind.VOTING, who={PUBLIC}, order=40)
    navigate("voting_desk.index", msg("Polls"), order=65, who={Role.ORGANISER, Role.AUDITOR})
