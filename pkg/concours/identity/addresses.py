"""Addresses: where to go after signing in (never off the site), and whole addresses for links that are sent."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app, url_for


def inside(address: str | None) -> str | None:
    """`address` if it is a path of this site, else None: no scheme, no host, nothing a browser reads as one."""
    if not address or not address.startswith("/") or len(address) > 2000:
        return None
    if address.startswith("//") or "\\" in address or any(ord(char) < 33 or ord(char) == 127 for char in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if not parts.scheme and not parts.netloc else None


def whole(endpoint: str, **values: Any) -> str:
    """The whole address of a page, for what leaves the site: on SITE_URL where it is set, else as the visitor asked.

    A name that a visitor put into the Host header goes into no link of a site that says its own.
    """
    site = str(current_app.config.get("SITE_URL") or "").rstrip("/")
    return site + url_for(endpoint, **values) if site else url_for(endpoint, **values, _external=True)


def invitation_url(secret: str) -> str:
    """The whole address of an invitation."""
    return whole("identity.invitation", secret=secret)
