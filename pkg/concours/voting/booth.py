"""The booth of the running application: what `cast` needs, made once per process."""

from flask import Flask, current_app

from concours.base.db import db
from concours.voting import limits
from concours.voting.cast import Booth
from concours.voting.voters import VoterKeys
from concours.voting.waiting import Listener


def init_booth(app: Flask) -> Booth:
    """Makes the application's booth; connections are opened at first use."""
    client = limits.connect(app.config["REDIS_URL"])
    with app.app_context():
        engine = db.engine
    made = Booth(
        engine=engine,
        client=client,
        voter_keys=VoterKeys.of(app.config["SECRET_KEY"]),
        poll_key_secret=app.config["POLL_KEY_SECRET"],
        patience_s=int(app.config["VOTE_PATIENCE_MS"]) / 1000,
        listener=Listener(client),
    )
    app.extensions["concours_booth"] = made
    return made


def booth() -> Booth:
    """The application's booth."""
    found: Booth = current_app.extensions["concours_booth"]
    return found
