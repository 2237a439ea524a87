"""What a voting page without limits, checks, receipts and records does, as dockersamples/example-voting-app does it:
a Flask view that pushes {voter_id, vote} to a Redis list and shows the page again.

Our own few lines with the same behaviour, not that project's code; served as that project serves itself (gunicorn
with 4 sync workers and no keep-alive).
"""

import json
import os
import random

import redis
from flask import Flask, Response, g, make_response, request

PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{{ option_a }} vs {{ option_b }}!</title></head>
<body><h3>{{ option_a }} vs {{ option_b }}!</h3>
<form method="POST">
<button name="vote" value="a" {% if vote == "a" %}disabled{% endif %}>{{ option_a }}</button>
<button name="vote" value="b" {% if vote == "b" %}disabled{% endif %}>{{ option_b }}</button>
</form><p>(You can change your vote)</p><p>Processed by {{ hostname }}</p></body></html>"""

app = Flask("peer")
HOSTNAME = os.uname().nodename
TEMPLATE = app.jinja_env.from_string(PAGE)  # compiled once, as a template in a file is


def connection() -> "redis.Redis":
    """The request's client, kept for the request as the peer keeps it."""
    if "redis" not in g:
        g.redis = redis.Redis.from_url(os.environ["PEER_REDIS_URL"], socket_timeout=5)
    found: redis.Redis = g.redis
    return found


@app.route("/", methods=["POST", "GET"])
def hello() -> Response:
    """The page; a vote is pushed."""
    voter_id = request.cookies.get("voter_id") or hex(random.getrandbits(64))[2:-1]
    vote = None
    if request.method == "POST":
        vote = request.form["vote"]
        connection().rpush("votes", json.dumps({"voter_id": voter_id, "vote": vote}))
    page = TEMPLATE.render(option_a="Cats", option_b="Dogs", hostname=HOSTNAME, vote=vote)
    response = make_response(page)
    response.set_cookie("voter_id", voter_id)
    return response
