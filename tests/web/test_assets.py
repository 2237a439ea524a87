"""Our own files: kept for a year under an address that changes with them, and sent small."""

import gzip

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.web.assets import STATIC, asset, vendor

FOREVER = "public, max-age=31536000, immutable"
SMALL = {"Accept-Encoding": "gzip, br"}


@pytest.fixture
def addresses(app: APIFlask) -> dict[str, str]:
    """Addresses as pages name them."""
    with app.test_request_context():
        return {"ours": asset("css/site.css"), "theirs": vendor("bootstrap.css"), "tiny": asset("js/theme.js")}


@pytest.mark.parametrize("which", ["ours", "theirs"])
def test_what_pages_name_is_kept_for_a_year(client: FlaskClient, addresses: dict[str, str], which: str) -> None:
    assert client.get(addresses[which]).headers["Cache-Control"] == FOREVER


def test_an_address_without_a_fingerprint_is_asked_again(client: FlaskClient) -> None:
    assert "immutable" not in client.get("/static/css/site.css").headers["Cache-Control"]


def test_text_travels_small_and_arrives_whole(client: FlaskClient, addresses: dict[str, str]) -> None:
    whole = (STATIC / "css/site.css").read_bytes()
    answer = client.get(addresses["ours"], headers=SMALL)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(answer.data) < len(whole) / 2
    assert gzip.decompress(answer.data) == whole


def test_who_cannot_unpack_gets_it_as_it_is(client: FlaskClient, addresses: dict[str, str]) -> None:
    for headers in ({}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0"}):
        answer = client.get(addresses["ours"], headers=headers)
        assert "Content-Encoding" not in answer.headers
        assert answer.data == (STATIC / "css/site.css").read_bytes()
        assert answer.headers["Vary"] == "Accept-Encoding"


def test_what_is_known_is_not_sent_again(client: FlaskClient, addresses: dict[str, str]) -> None:
    known = client.get(addresses["ours"], headers=SMALL).headers["ETag"]
    assert known.startswith('W/"')
    assert client.get(addresses["ours"], headers=SMALL | {"If-None-Match": known}).status_code == 304


def test_a_part_is_a_part_of_the_file_itself(client: FlaskClient, addresses: dict[str, str]) -> None:
    answer = client.get(addresses["ours"], headers=SMALL | {"Range": "bytes=0-9"})
    assert answer.status_code == 206
    assert answer.data == (STATIC / "css/site.css").read_bytes()[:10]


def test_head_tells_the_same_length(client: FlaskClient, addresses: dict[str, str]) -> None:
    got, told = client.get(addresses["ours"], headers=SMALL), client.head(addresses["ours"], headers=SMALL)
    assert told.headers["Content-Length"] == got.headers["Content-Length"]
    assert told.data == b""


def test_a_first_visit_is_light(client: FlaskClient) -> None:
    """All that the front page needs travels in less than 110 kB."""
    import re

    page = client.get("/")
    names = set(re.findall(r'(?:src|href)="(/static/[^"#]+\.(?:js|css|svg)[^"#]*)', page.text))
    assert len(names) >= 7
    sizes = {name: len(client.get(name.replace("&amp;", "&"), headers=SMALL).data) for name in names}
    assert sum(sizes.values()) + len(page.data) < 110_000, sizes


def test_nothing_outside_is_served(client: FlaskClient) -> None:
    for name in ("../routes.py", "..%2froutes.py", "css/../../routes.py", "%2e%2e/routes.py"):
        assert client.get(f"/static/{name}").status_code in {400, 404}


def test_pages_are_asked_anew_but_not_forgotten(client: FlaskClient) -> None:
    answer = client.get("/", headers=SMALL)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Encoding" not in answer.headers


def test_signing_out_forgets_the_pages(client: FlaskClient) -> None:
    assert client.post("/sign-out").headers["Clear-Site-Data"] == '"cache"'
