"""The booth of the running application: what `cast` needs, made once per process."""

from contextlib import suppress

from flask import Flask, current_app
from redis.exceptions import RedisError

from concours.base.cluster import ClusterClient
from concours.base.db import db, reading
from concours.base.errors import NotFound
from concours.voting import limits, tally
from concours.voting.cast import Booth
from concours.voting.cluster_gate import ClusterGate
from concours.voting.voters import VoterKeys
from concours.voting.waiting import Listener


def init_booth(app: Flask) -> Booth:
    """Makes the application's booth; connections are opened at first use."""
    url = app.config["VOTES_REDIS_URL"]
    client = limits.connect(url)
    with app.app_context():
        engine = db.engine
    made = Booth(
        engine=engine,
        client=client,
        voter_keys=VoterKeys.of(app.config["SECRET_KEY"]),
        poll_key_secret=app.config["POLL_KEY_SECRET"],
        patience_s=int(app.config["VOTE_PATIENCE_MS"]) / 1000,
        listener=Listener(client.map.next_url if isinstance(client, ClusterClient) else lambda: url),
        gate=ClusterGate(client) if isinstance(client, ClusterClient) else limits.Gate(url),
    )
    app.extensions["concours_booth"] = made
    return made


def announce(poll_id: int) -> None:
    """Puts a poll's change into force at once; call it after the commit.

    Where Redis is away the sequencer does it as soon as it is back.
    """
    here = booth()
    with suppress(RedisError):
        try:
            facts = here.facts(poll_id, fresh=True)
        except NotFound:
            tally.shut(here.client, poll_id)
            return
        with reading(), here.engine.connect() as connection:
            tally.configure(here.client, connection, facts)


def booth() -> Booth:
    """The application's booth."""
    found: Booth = current_app.extensions["concours_booth"]
    return found
