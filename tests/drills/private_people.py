"""People whom nothing of a vote may give away: they come in by every way there is, vote, are refused, and mistype."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from concours.cli.replay import polls
from concours.cli.replay.browser import Browser, Page, Refused
from concours.cli.replay.stage import Stage
from tests.drills.stack import Stack
from tests.drills.traces import Traces
from tests.voting.ladder.identity_provider import IdentityProvider, back
from tests.voting.ladder.test_phone import Gateway

PASSWORD = "shu-ying-heng-xie-1789"
FIRST_ACCOUNT = 7_340_519_222  # no other number of the platform looks like it
ACCOUNTS = {"lanyi.ouyang7731": "欧阳澜漪", "zhuge.ting4409": "诸葛汀兰"}
EMAILS = ("lanyi7731@mail.example", "tinglan4409@mail.example")
ACCOUNT_PHONES = ("+8613917734409", "13802774409")
PHONES = {"+8613966317742": "139 6631 7742", "+8613744093168": "13744093168"}
SUBJECT = "subject-58f1-situ-mingyue"
V4 = ("203.0.113.177", "198.51.100.213")
V6 = "2001:db8:7731:f00d:a1b2:c3d4:e5f6:1789"
V6_OTHER = "2001:db8:4409:bead::5ca1"
ADDRESSES = (*V4, V6, V6_OTHER)
WAYS = ("account", "device", "code", "phone", "oidc")
NETWORK_LIMIT = 3  # votes a minute and network, in the poll that refuses


def traces(codes: Iterable[str] = ()) -> Traces:
    """All that could give one of them away; `codes` are the invitation codes that they hold."""
    numbers = range(FIRST_ACCOUNT, FIRST_ACCOUNT + len(ACCOUNTS))
    phones = [number for pair in PHONES.items() for number in pair]
    bare = [number.removeprefix("+86") for number in (*PHONES, *ACCOUNT_PHONES)]
    texts = {
        *ACCOUNTS,
        *ACCOUNTS.values(),
        *EMAILS,
        *ACCOUNT_PHONES,
        *phones,
        *bare,
        SUBJECT,
        *codes,
        *(code.replace("-", "") for code in codes),
    }
    return Traces(texts, ADDRESSES, numbers)


@dataclass
class People:
    """Voters at two polls of a platform: `poll` takes them, `strict` refuses most of what they try."""

    stack: Stack
    stage: Stage
    slug: str
    gateway: Gateway
    provider: IdentityProvider
    poll: int = 0
    strict: int = 0
    candidates: list[int] = field(default_factory=list)
    strict_candidates: list[int] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    receipts: list[str] = field(default_factory=list)
    program: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.program = httpx.Client(base_url=self.stack.url, timeout=20)

    def set_up(self) -> None:
        """The organiser makes both polls, open to all ways, and a batch of codes."""
        ways = {f"way_{way}": 1 for way in WAYS}
        self.poll, self.candidates = polls.set_up(self.stage, self.slug, "人人可投", "teams", **ways)
        self.strict, self.strict_candidates = polls.set_up(
            self.stage,
            self.slug,
            "处处设限",
            "teams",
            network_per_minute=NETWORK_LIMIT,
            new_devices_per_minute=2,
            **ways,
        )
        admin, address = self.stage.admin, f"/events/{self.slug}/voting/{self.poll}/codes"
        admin.submit(admin.get(address), "/codes", {"name": "来宾", "count": "3", "weight": "2"})
        table = admin.http.get(f"{address}/1/table.csv")
        assert table.status_code == 200, table.text
        self.codes = [line.split(",")[2] for line in table.text.removeprefix("﻿").splitlines()[1:]]

    def come_in(self) -> None:
        """Everybody comes in by a way and from an address of their own."""
        for username, address in zip(ACCOUNTS, V4, strict=True):
            browser = self.browser(address)
            browser.submit(browser.get("/sign-in"), "/sign-in", {"username": username, "password": PASSWORD})
            self._token(username, browser.post_json(self._api("voters"), {"by": "account"}))
        for address in (V4[0], V6):
            self._token(f"device {address}", self._post(address, "voters", {}))
        self._token("code", self._post(V6_OTHER, "voters", {"code": self.codes[0]}))
        for number, typed in PHONES.items():
            own = self.browser(V6).http  # the message's code is good in the browser that asked for it
            self._said(own.post(self._api("phone"), json={"phone": typed}), 202)
            assert self.gateway.sent[-1]["to"] == number
            given = {"phone": typed, "password": "no digits"}
            self._said(own.post(self._api("voters"), json=given), 403)
            given["password"] = self.gateway.sent[-1]["password"]
            self._said(self._post(V6, "voters", given), 403)  # from elsewhere
            self._token(typed, own.post(self._api("voters"), json=given))
        browser = self.browser(V4[1])
        page = browser.http.get(f"{self.page(self.poll)}/sign-in", follow_redirects=False)
        browser.http.get(back(self.provider.sign_in(page.headers["Location"])))
        self._token("oidc", browser.post_json(self._api("voters"), {}))
        browser = self.browser(V4[0])
        card = browser.get(f"{self.page(self.poll)}/candidates/{self.candidates[0]}")
        seen = browser.submit(card, "/vote")  # without script
        assert "/receipts/" in seen.url, seen.url

    def vote(self, candidate: int) -> None:
        """Each voter votes once for `candidate`, from one address after the other."""
        for place, (who, token) in enumerate(self.tokens.items()):
            answer = self._vote(ADDRESSES[place % len(ADDRESSES)], self.poll, token, candidate)
            assert answer.status_code in {201, 202}, (who, answer.text)
            self.receipts.append(answer.json()["receipt"]["id"])

    def are_refused(self) -> None:
        """Twice the same, too many from one network, too many wrong codes and messages, wrong passwords."""
        for token in self.tokens.values():
            self._vote(V6, self.poll, token, self.candidates[0])
        for address in ADDRESSES:
            came = [self._post(address, "voters", {}, poll=self.strict) for _ in range(4)]
            token = came[0].json()["voter"]
            for candidate in self.strict_candidates[: NETWORK_LIMIT + 2]:
                self._vote(address, self.strict, token, candidate)
        for _ in range(32):
            self._post(V6, "voters", {"code": self.codes[1]}, poll=self.strict)  # a code, but of the other poll
        for typed in PHONES.values():
            self._post(V6, "phone", {"phone": typed})  # a second message at once
            self._post(V6, "voters", {"phone": typed, "password": "000000"})  # to a message that was used
        for username in ACCOUNTS:
            browser = self.browser(V6_OTHER)
            given = {"username": username, "password": "not the password"}
            self._form(browser, browser.get("/sign-in"), "/sign-in", given)

    def mistype(self) -> None:
        """Their names, numbers and addresses stand where they do not belong: in bodies, paths, queries and headers."""
        gallery = self.page(self.poll)
        words = [*ACCOUNTS, *ACCOUNTS.values(), *EMAILS, *PHONES.values(), SUBJECT, *ADDRESSES, str(FIRST_ACCOUNT)]
        for word in words:
            self._vote(V6, self.poll, word, self.candidates[0])
            for body in ({"candidate": word, "nonce": word}, {"candidates": [word], "nonce": "0" * 32}, word):
                self._vote(V6, self.poll, f"{word}.0.{word}.1.{word}", 0, body=body)
            self._post(V6, "voters", {"code": word, "phone": word, "password": word[:40], "challenge": word})
            self._post(V6, "voters", {"challenge": word})
            self._post(V6, "phone", {"phone": word})
            self._post(V6, "voters", {word: word})
            for path in (
                self._api(f"receipts/{word}"),
                self._api("voter") + f"?who={word}",
                f"{gallery}?q={word}&after={word}",
                f"{gallery}/receipts/{word}",
                f"{gallery}/standings?after={word}",
                f"/log/{self.poll}/tile/0/{word}",
                f"/log/{word}/checkpoint",
            ):
                answer = self.send(f"{word.encode().hex()}, not an address, {V6}", "GET", path)
                assert answer.status_code < 500, (path, answer.text)
                self.answers[f"{answer.status_code}"] += 1
        browser = self.browser(V4[1])
        forms: dict[str, dict[str, str]] = {"code": {"code": EMAILS[0]}, "phone": {"phone": SUBJECT}}
        for where, fields in forms.items():
            self._form(browser, browser.get(f"{self.page(self.poll)}/{where}"), "", fields)

    def look_again(self) -> None:
        """Each asks where the vote of a receipt stands, and what is left."""
        gallery = self.page(self.poll)
        for place, receipt in enumerate(self.receipts):
            for path in (self._api(f"receipts/{receipt}"), f"{gallery}/receipts/{receipt}"):
                answer = self.send(ADDRESSES[place % len(ADDRESSES)], "GET", path)
                assert answer.status_code == 200, answer.text
        for token in self.tokens.values():
            answer = self.send(V6, "GET", self._api("voter"), headers={"Authorization": f"Voter {token}"})
            assert answer.status_code == 200, answer.text

    def page(self, poll: int) -> str:
        """The address of a poll's gallery."""
        slug = self.stage.admin.json(f"/api/v1/polls/{poll}")["slug"]
        return f"/events/{self.slug}/polls/{slug}"

    def browser(self, address: str) -> Browser:
        """A browser at `address`, as the proxy in front tells it."""
        made = self.stage.browser()
        made.http.headers["X-Forwarded-For"] = address
        return made

    def send(self, address: str, method: str, path: str, **more: Any) -> httpx.Response:
        """A request of a program at `address`, that keeps no cookies."""
        headers = {"X-Forwarded-For": address, **more.pop("headers", {})}
        answer = self.program.request(method, path, headers=headers, **more)
        self.program.cookies.clear()
        return answer

    def _api(self, what: str, poll: int = 0) -> str:
        return f"/api/v1/polls/{poll or self.poll}/{what}"

    def _post(self, address: str, what: str, body: object, *, poll: int = 0) -> httpx.Response:
        return self._said(self.send(address, "POST", self._api(what, poll), json=body))

    def _vote(self, address: str, poll: int, token: str, candidate: int, body: object = None) -> httpx.Response:
        given = {"candidate": candidate, "nonce": os.urandom(16).hex()} if body is None else body
        headers = {"Authorization": f"Voter {token}".encode()}
        return self._said(self.send(address, "POST", self._api("votes", poll), json=given, headers=headers))

    def _said(self, answer: httpx.Response, status: int | None = None) -> httpx.Response:
        """Counts the answer by its word."""
        assert status is None or answer.status_code == status, answer.text
        assert answer.status_code < 500, answer.text
        self.answers[answer.json().get("code", str(answer.status_code))] += 1
        return answer

    def _form(self, browser: Browser, page: Page, action: str, fields: dict[str, str]) -> None:
        """Sends a form that is refused."""
        try:
            browser.submit(page, action, fields)
        except Refused as refused:
            status = refused.status
        else:
            status = 200
        assert status < 500
        self.answers[str(status)] += 1

    def _token(self, who: str, answer: httpx.Response) -> None:
        self.tokens[who] = str(self._said(answer, 201).json()["voter"])
