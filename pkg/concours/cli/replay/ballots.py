"""Voters vote: thousands of browsers without an account, each with its own voter token, over persistent connections.

A vote whose answer was lost, or that was told 503, is sent again with the same nonce: that is safe by the
interface's promise, and the only thing that is repeated. Everything else is counted as it was answered.
"""

import http.client
import json
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 120.0
PAUSE_S = 0.1
LOST_AT_MOST = 5  # times that a provisional vote is lost with its Redis and sent again
SOCKET_TIMEOUT_S = 15.0
NOBODY = 2**40  # no candidate has this number


@dataclass
class Count:
    """What was sent and answered, over all voters."""

    sent: int = 0
    accepted: int = 0
    late: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def per_candidate(self) -> Counter[int]:
        """Accepted votes by candidate, as the receipts say."""
        return Counter(int(receipt["candidate"]) for receipt in self.receipts.values())


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    body: dict[str, Any]


class Line:
    """One persistent connection to the API; a lost one is opened again."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._tls = parts.hostname or "", parts.port, parts.scheme == "https"
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """Sends one request; raises OSError or HTTPException when the connection is lost."""
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=SOCKET_TIMEOUT_S)
        data = json.dumps(body).encode() if body is not None else None
        try:
            self._connection.request(
                method,
                path,
                data,
                {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})},
            )
            response = self._connection.getresponse()
            text = response.read()
            return Answer(response.status, json.loads(text) if text else {})
        except ValueError:
            return Answer(response.status, {})
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise

    def surely(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """Sends a request that is safe to repeat until it is answered (5xx is not); for two minutes at most."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self.ask(method, path, body, headers)
                if answer.status < 500 or time.monotonic() > end:
                    return answer
            except (OSError, http.client.HTTPException):
                if time.monotonic() > end:
                    raise
            time.sleep(PAUSE_S)


class Voters:
    """Voters at one poll, counted together; used from several threads, each with its own Line."""

    def __init__(self, url: str, poll: int) -> None:
        self.url = url
        self.poll = poll
        self.count = Count()
        self._lock = threading.Lock()
        self._own = threading.local()

    @property
    def line(self) -> Line:
        """This thread's connection."""
        if not hasattr(self._own, "line"):
            self._own.line = Line(self.url)
        line: Line = self._own.line
        return line

    def newcomer(self, code: str = "") -> str:
        """The token of a new voter: a browser, or who holds the invitation code."""
        answer = self.line.surely("POST", f"/api/v1/polls/{self.poll}/voters", {"code": code} if code else {})
        if answer.status not in {200, 201}:
            raise RuntimeError(f"no voter token: {answer.status} {answer.body}")
        return str(answer.body["voter"])

    def vote(self, token: str, candidate: int, *, nonce: str | None = None, expect: str = "accepted") -> str:
        """One vote; returns `accepted` or the refusal's code; notes what is not as `expect` says."""
        ballot = {"candidate": candidate, "nonce": nonce or os.urandom(16).hex()}
        late = False
        for _ in range(LOST_AT_MOST):
            answer = self.line.surely(
                "POST", f"/api/v1/polls/{self.poll}/votes", ballot, {"Authorization": f"Voter {token}"}
            )
            receipt = answer.body.get("receipt")
            if answer.status != 202 or not receipt:
                break
            late = True
            found = self._await(receipt)
            if found is not None:
                receipt = found
                break
        outcome = "accepted" if answer.status in {201, 202} else str(answer.body.get("code", answer.status))
        with self._lock:
            self.count.sent += 1
            if outcome == "accepted" and receipt:
                if receipt["id"] in self.count.receipts:
                    self.count.repeated += 1
                else:
                    self.count.accepted += 1
                self.count.late += late
                self.count.receipts[receipt["id"]] = receipt
            else:
                self.count.refused[outcome] += 1
            if expect and outcome != expect:
                self.count.wrong.append(f"candidate {candidate}: expected {expect}, was {outcome} ({answer.body})")
        return outcome

    def _await(self, receipt: dict[str, Any]) -> dict[str, Any] | None:
        """The receipt once its vote is recorded; None where the platform lost the vote, or refused it after all."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            answer = self.line.surely("GET", f"/api/v1/polls/{self.poll}/receipts/{receipt['id']}")
            if answer.body.get("status") == "recorded":
                return answer.body
            if answer.body.get("status") in {"unknown", "refused"}:
                return None
            time.sleep(PAUSE_S)
        return None
