"""Headers of every answer: no third party, no inline script, no framing, no sniffing."""

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

SIGN_OUT = "identity.sign_out"


def _headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "geolocation=(), microphone=(), payment=()")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if "Cache-Control" not in response.headers and request.endpoint and not request.endpoint.endswith("static"):
        # asked anew each time, yet not forgotten: a browser that goes back finds what was typed into the form
        response.headers["Cache-Control"] = "private, no-cache" if response.mimetype == "text/html" else "no-cache"
    if request.endpoint == SIGN_OUT:
        response.headers["Clear-Site-Data"] = '"cache"'  # on a shared machine, Back shows nothing of the last person
    return response


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie; but an answer that is public depends on no cookie, so it does not vary by it.

    Otherwise every file would be fetched again after signing in.
    """

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Sets the cookie where the session changed, and says that the answer depends on it where it was read."""
        if session.modified or "public" not in response.headers.get("Cache-Control", ""):
            super().save_session(app, session, response)


def init_headers(app: Flask) -> None:
    """Adds the headers to every answer."""
    app.session_interface = Sessions()
    app.after_request(_headers)
