"""The client's address: believed from our own proxies, never from a visitor."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.web.proxies import FORWARDED, HEADERS, TrustedProxies, client_of, networks

TRUSTED = networks(("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "1.2.3.4", "203.0.113.7"),  # a visitor's own header counts for nothing
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # what the visitor wrote stands further left
        ("10.0.0.1", "203.0.113.7, 10.0.0.2, 10.0.0.3", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"),  # all ours: the furthest one
        ("10.0.0.1", "203.0.113.7:51234", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, garbage", "10.0.0.1"),  # behind garbage nothing is known
        ("10.0.0.1", ",,", "10.0.0.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("203.0.113.7:4711", "", "203.0.113.7"),
    ],
)
def test_the_first_hop_from_the_right_that_is_not_ours_is_the_client(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, TRUSTED) == client


@given(st.text(max_size=60), st.ip_addresses(v=4))
def test_whatever_a_visitor_writes_the_proxys_own_entry_decides(written: str, real: Any) -> None:
    if any(real in network for network in TRUSTED):
        return
    assert client_of("10.0.0.1", f"{written}, {real}", TRUSTED) == str(real)


@given(st.text(max_size=60))
def test_no_header_changes_who_an_untrusted_peer_is(written: str) -> None:
    assert client_of("198.51.100.4", written, TRUSTED) == "198.51.100.4"


def ask(trusted: tuple[str, ...], **environ: str) -> dict[str, Any]:
    """What the application sees."""
    seen: dict[str, Any] = {}

    def inner(inside: dict[str, Any], _start: Any) -> list[bytes]:
        seen.update(inside)
        return []

    TrustedProxies(inner, trusted)({"wsgi.url_scheme": "http", **environ}, lambda *_: None)
    return seen


def test_https_at_the_proxy_is_https_for_the_application_and_only_from_the_proxy() -> None:
    headers = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "203.0.113.7"}
    inside = ask(("10.0.0.0/8",), REMOTE_ADDR="10.0.0.1", **headers)
    assert (inside["wsgi.url_scheme"], inside["REMOTE_ADDR"]) == ("https", "203.0.113.7")
    inside = ask(("10.0.0.0/8",), REMOTE_ADDR="203.0.113.9", **headers)
    assert (inside["wsgi.url_scheme"], inside["REMOTE_ADDR"]) == ("http", "203.0.113.9")
    assert inside[FORWARDED] is True


def test_nothing_behind_can_read_the_headers_any_more() -> None:
    headers = dict.fromkeys(HEADERS, "1.2.3.4")
    for peer in ("10.0.0.1", "203.0.113.9"):
        assert not set(HEADERS) & set(ask(("10.0.0.0/8",), REMOTE_ADDR=peer, **headers))
