"""The room's blueprint, and what all its pages share."""

from flask import Blueprint, current_app, request

from concours.base import clock
from concours.identity.models import Account
from concours.identity.sign_in import begin_session, remember

bp = Blueprint("identity", __name__, template_folder="templates")


def open_session(account: Account) -> None:
    """Signs the running browser in as `account`, with a new session and a new cookie."""
    days = int(current_app.config["SESSION_DAYS"])
    secret = begin_session(account, user_agent=request.user_agent.string, days=days, now=clock.now())
    remember(secret)
