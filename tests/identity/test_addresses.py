"""Links that leave the site say its own name, whatever name a request came under."""

import pytest
from apiflask import APIFlask

from concours.identity.addresses import inside, invitation_url

FORGED = "evil.example"


def test_where_the_site_says_its_address_no_host_of_a_request_goes_into_a_link(app: APIFlask) -> None:
    app.config["SITE_URL"] = "https://contest.example/"
    with app.test_request_context(headers={"Host": FORGED}):
        assert invitation_url("s") == "https://contest.example/invitations/s"


def test_without_it_the_address_is_the_one_that_was_asked_for(app: APIFlask) -> None:
    with app.test_request_context(headers={"Host": "localhost:8000"}):
        assert invitation_url("s") == "http://localhost:8000/invitations/s"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "//evil",
        "/\\evil",
        "\\\\evil",
        "/a\tb",
        "/\t/evil",
        "/a\nb",
        "https://evil",
        "/ /evil",
        "/" + "a" * 2000,
    ],
)
def test_what_a_browser_could_read_as_another_site_is_not_inside(address: str) -> None:
    assert inside(address) is None


@pytest.mark.parametrize("address", ["/", "/events/x/?a=1&b=%2F#c", "/搜索"])
def test_a_path_of_this_site_is_inside(address: str) -> None:
    assert inside(address) == address
