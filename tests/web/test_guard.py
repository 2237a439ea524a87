"""Text that is no text is refused before anything looks at it, with words, never with a fault."""

from io import BytesIO

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.identity.access import PUBLIC, allow
from concours.web.guard import is_text

PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize(
    "address",
    [
        "/events/a%00b/",
        "/%00",
        "/?after=%00",
        "/?a%00=1",
        "/language/en?next=/%00",
    ],
)
def test_a_nul_byte_in_an_address_is_refused(client: FlaskClient, address: str) -> None:
    answer = client.get(address, headers=PAGE)
    assert answer.status_code == 400
    assert "characters that are no text" in answer.text


@pytest.mark.parametrize("address", ["/events/%ED%A0%80/", "/%ff", "/?after=%ED%A0%80", "/language/%ff", "/?%ff=%ff"])
def test_bytes_that_are_no_utf8_in_an_address_make_no_fault(client: FlaskClient, address: str) -> None:
    assert client.get(address, headers=PAGE).status_code in {200, 400, 404}


@pytest.fixture
def form(app: APIFlask, client: FlaskClient) -> FlaskClient:
    """A browser, and a form at /said that says back what it got."""

    def said() -> dict[str, str]:
        from flask import request

        return {"text": request.form.get("text", ""), "json": str(request.get_json(silent=True))}

    app.add_url_rule("/said", "said", allow(PUBLIC)(said), methods=["POST"])
    return client


def test_a_nul_byte_in_a_form_is_refused(form: FlaskClient) -> None:
    assert form.post("/said", data={"text": "a\x00b"}, headers=PAGE).status_code == 400
    assert form.post("/said", data={"na\x00me": "b"}, headers=PAGE).status_code == 400


def test_a_nul_byte_in_a_file_name_is_refused(form: FlaskClient) -> None:
    answer = form.post("/said", data={"file": (BytesIO(b"content"), "a\x00.jpg")}, headers=PAGE)
    assert answer.status_code in {200, 400}  # the parser may cut the name off; a NUL never reaches a view
    inner = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\x00.jpg"\r\n\r\nx\r\n--b--\r\n'
    answer = form.post("/said", data=inner, content_type="multipart/form-data; boundary=b", headers=PAGE)
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("body", [b"text=\xff\xfe", b"text=%ff", b"text=%ED%A0%80"])
def test_a_form_that_is_no_utf8_makes_no_fault(form: FlaskClient, body: bytes) -> None:
    answer = form.post("/said", data=body, content_type="application/x-www-form-urlencoded", headers=PAGE)
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize(
    "body",
    [
        rb'{"candidate": "a\ud800"}',
        rb'{"a\udfff": 1}',
        rb'{"deep": [{"er": "\u0000"}]}',
        b"[" * 100 + b"]" * 100,
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=["surrogate", "key", "nul-inside", "deep", "very-deep", "deep-object"],
)
def test_json_that_holds_no_text_or_is_too_deep_is_refused(form: FlaskClient, body: bytes) -> None:
    answer = form.post("/said", data=body, content_type="application/json", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "unreadable_text"


@pytest.mark.parametrize("text", ["𠮷野家", "👩‍👩‍👧", "a\tb\r\nc", "\u202eabc", "é" * 10_000])
def test_rare_characters_are_text(form: FlaskClient, text: str) -> None:
    assert is_text(text)
    answer = form.post("/said", data={"text": text}, headers={"Accept": "application/json"})
    assert answer.get_json()["text"] == text


def test_json_that_is_whole_is_read_by_the_view(form: FlaskClient) -> None:
    assert form.post("/said", json={"a": "𠮷"}).get_json()["json"] == "{'a': '𠮷'}"


def test_a_number_that_no_row_has_is_not_there(app: APIFlask, client: FlaskClient) -> None:
    app.add_url_rule("/row/<int:number>", "row", allow(PUBLIC)(lambda number: f"{number}"))
    assert client.get(f"/row/{2**63 - 1}").status_code == 200
    assert client.get(f"/row/{2**63}").status_code == 404
