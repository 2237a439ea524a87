"""Cross-site requests: every form carries a token of its session. A script with a bearer token needs none."""

from flask import request
from flask_wtf import CSRFProtect

from concours.identity.sign_in import bearer_of


class Protection(CSRFProtect):  # type: ignore[misc]  # Flask-WTF has no types
    """Flask-WTF's protection, but for requests with a bearer token.

    No foreign page can have a browser send that header, and where it is sent the cookie signs nobody in
    (`identity.sign_in.load`): there is nothing to borrow.
    """

    def protect(self, apply_exemptions: bool = False) -> None:
        """Refuses (CSRFError) a request that changes something and does not come from a page of ours."""
        if bearer_of(request) is None:
            super().protect(apply_exemptions)
