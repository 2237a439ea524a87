"""Requests of the platform's own go where they may, and nowhere else."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from concours.base import outbound
from concours.base.outbound import Outbound, fetch


@pytest.fixture
def server() -> Iterator[str]:
    """An HTTP server on loopback: says the Host it was asked for, redirects, or sends without an end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/redirect":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = self.headers["Host"].encode() if self.path == "/host" else b"x" * (outbound.ANSWER_LIMIT + 1)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{made.server_address[1]}"
    made.shutdown()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[fe80::1]",
        "[fd00::1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "localhost",
    ],
)
def test_private_addresses_are_not_asked(address: str) -> None:
    with pytest.raises(Outbound, match=r"private|no address"):
        fetch("GET", f"https://{address}/")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/", "https://", "https://u:p@example.org/", "x"]
)
def test_other_addresses_are_none(url: str) -> None:
    with pytest.raises(Outbound, match="no address that can be asked"):
        fetch("GET", url)


def test_what_is_named_is_asked_by_its_name(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "gateway.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    port = server.rpartition(":")[2]
    answer = fetch("GET", f"http://gateway.example:{port}/host", allow=("127.0.0.0/8",))
    assert (answer.status, answer.body.decode()) == (200, f"gateway.example:{port}")
    assert asked.count("gateway.example") == 1  # resolved once: what is checked is what is asked


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Outbound, match="private"):
        fetch("GET", "https://example.org/")


def test_redirects_are_not_followed_and_answers_have_an_end(server: str) -> None:
    assert fetch("GET", f"http://{server}/redirect", allow=("127.0.0.0/8",)).status == 302
    with pytest.raises(Outbound, match="too large"):
        fetch("GET", f"http://{server}/endless", allow=("127.0.0.0/8",))


def test_plain_http_is_for_named_networks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Outbound, match="https"):
        fetch("GET", "http://example.org/")
