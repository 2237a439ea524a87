"""A person's browser over HTTP, without a screen: pages, forms filled in by field name, cookies, redirects.

It knows nothing of the application: forms are found in the page as served, their hidden fields and defaults
kept, and a field that the form does not have is an error. So the replay breaks where a person would be stuck.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

Value = str | Sequence[str]
TIMEOUT_S = 60.0
TRIES = 4
PAUSE_S = 0.5
NOTICES = {"notice-danger", "notice-warning", "error-summary", "field-errors"}  # where a page says no


class Refused(Exception):
    """The platform said no: `status`, and the sentence a person would read."""

    def __init__(self, method: str, url: str, status: int, sentence: str) -> None:
        super().__init__(f"{method} {url}: {status} {sentence}")
        self.status = status
        self.sentence = sentence


@dataclass
class Form:
    """A form of a page: where it goes, and its fields with what they hold now."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects the forms of a page and the text of its alerts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.alerts: list[str] = []
        self.csrf = ""
        self._form: Form | None = None
        self._select: tuple[Form, str] | None = None
        self._first_option: str | None = None
        self._textarea: tuple[Form, str, list[str]] | None = None
        self._alert = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {key: value or "" for key, value in attrs}
        if tag == "meta" and a.get("name") == "csrf-token":
            self.csrf = a.get("content", "")
        self._note_alert(tag, a)
        if tag == "form":
            self._form = Form(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self._form)
            if a.get("id"):
                self.by_id[a["id"]] = self._form
            return
        form = self.by_id.get(a["form"]) if a.get("form") else self._form
        if form is not None:
            self._control(form, tag, a)

    def _note_alert(self, tag: str, a: dict[str, str]) -> None:
        if self._alert and tag not in {"br", "img", "input", "hr", "meta", "link"}:
            self._alert += 1
        elif NOTICES & set(a.get("class", "").split()):
            self._alert = 1
            self.alerts.append("")

    def _control(self, form: Form, tag: str, a: dict[str, str]) -> None:
        name = a.get("name", "")
        if tag == "option" and self._select:
            value = a.get("value", "")
            if self._first_option is None:
                self._first_option = value
            if "selected" in a:
                self._select[0].fields.setdefault(self._select[1], []).append(value)
        elif not name:
            return
        elif tag == "input":
            self._input(form, name, a)
        elif tag == "button":
            form.buttons.append((name, a.get("value", "")))
        elif tag == "select":
            form.names.add(name)
            self._select, self._first_option = (form, name), None
        elif tag == "textarea":
            form.names.add(name)
            self._textarea = (form, name, [])

    @staticmethod
    def _input(form: Form, name: str, a: dict[str, str]) -> None:
        kind = a.get("type", "text").lower()
        form.names.add(name)
        if kind == "file":
            form.files.add(name)
        elif kind == "submit":
            form.buttons.append((name, a.get("value", "")))
        elif kind not in {"checkbox", "radio"} or "checked" in a:
            form.fields.setdefault(name, []).append(a.get("value", "on" if kind in {"checkbox", "radio"} else ""))

    def handle_endtag(self, tag: str) -> None:
        if self._alert:
            self._alert -= 1
        if tag == "form":
            self._form = None
        elif tag == "select" and self._select:
            form, name = self._select
            if name not in form.fields and self._first_option is not None:
                form.fields[name] = [self._first_option]
            self._select = None
        elif tag == "textarea" and self._textarea:
            form, name, parts = self._textarea
            form.fields.setdefault(name, []).append("".join(parts).removeprefix("\n"))
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._textarea[2].append(data)
        if self._alert and self.alerts:
            self.alerts[-1] += data


def _text(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    said = [re.sub(r"\s+", " ", alert).strip() for alert in reader.alerts]
    if any(said):
        return " / ".join(part for part in said if part)[:600]
    heading = re.search(r"<h1[^>]*>(.*?)</h1>(.*?)</p>", html, re.S)
    return re.sub(r"<[^>]+>|\s+", " ", heading.group(0))[:300] if heading else ""


@dataclass
class Page:
    """A page as served."""

    url: str
    status: int
    html: str
    reader: _Reader

    def form(self, action: str = "", *, having: str = "", button: tuple[str, str] | None = None) -> Form:
        """The first form whose action ends with (or holds) `action`, with the field `having`; else LookupError."""
        for form in self.reader.forms:
            path = (form.action or self.url).split("?")[0]
            fits = path.endswith(action) if action.startswith("/") or not action else action in path
            if fits and (not having or having in form.names) and (button is None or button in form.buttons):
                return form
        known = [f"{form.method} {form.action} {sorted(form.names)}" for form in self.reader.forms]
        raise LookupError(f"{self.url} has no form {action!r} with field {having!r}; it has: {known}")


class Browser:
    """One person's browser. Not shared between threads."""

    def __init__(self, base: str, *, language: str = "en") -> None:
        self.http = httpx.Client(
            base_url=base,
            follow_redirects=True,
            timeout=TIMEOUT_S,
            headers={"Accept-Language": language, "Accept": "text/html,application/json;q=0.9"},
        )
        self._csrf = ""

    def close(self) -> None:
        """Closes its connections."""
        self.http.close()

    def get(self, path: str) -> Page:
        """Opens a page. Raises Refused unless it is 200."""
        return self._page("GET", self._safe_get(path))

    def json(self, path: str) -> Any:
        """Fetches JSON. Raises Refused unless it is 200."""
        response = self._safe_get(path, headers={"Accept": "application/json"})
        if response.status_code != 200:
            raise Refused("GET", path, response.status_code, response.text[:300])
        return response.json()

    def submit(
        self,
        page: Page,
        action: str = "",
        fields: Mapping[str, Value] | None = None,
        *,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        having: str = "",
        button: tuple[str, str] | None = None,
    ) -> Page:
        """Fills in the form of `page` and sends it; returns the page that follows.

        A field the form does not have is a LookupError; a refusal (4xx, 5xx) raises Refused. Sent once: a form is not
        safe to repeat.
        """
        form = page.form(action, having=having or next(iter(fields or {}), ""), button=button)
        values: dict[str, Value] = dict(form.fields)
        for name, value in (fields or {}).items():
            if name not in form.names:
                raise LookupError(f"the form {form.action!r} has no field {name!r}; it has {sorted(form.names)}")
            values[name] = value
        if button is not None:
            values[button[0]] = button[1]
        target = str(httpx.URL(page.url).join(form.action)) if form.action else page.url
        upload: dict[str, Any] | None = dict(files) if files else None
        response = self.http.request(form.method.upper(), target, data=values, files=upload)
        return self._page(form.method.upper(), response)

    def post_json(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Sends JSON as a page's script would, with the CSRF token of the last page seen."""
        return self.http.post(path, json=body, headers={"X-CSRFToken": self._csrf, **(headers or {})})

    def _safe_get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return again(lambda: self.http.get(path, headers=dict(headers or {})))

    def _page(self, method: str, response: httpx.Response) -> Page:
        if response.status_code >= 400:
            raise Refused(method, str(response.url), response.status_code, _text(response.text))
        reader = _Reader()
        reader.feed(response.text)
        self._csrf = reader.csrf or next(
            (form.fields["csrf_token"][0] for form in reader.forms if "csrf_token" in form.fields), self._csrf
        )
        return Page(str(response.url), response.status_code, response.text, reader)


def again(attempt: Any) -> httpx.Response:
    """Tries a safe request up to four times over a lost connection or a 503."""
    for number in range(TRIES):
        last = number == TRIES - 1
        try:
            response: httpx.Response = attempt()
        except httpx.TransportError:
            if last:
                raise
        else:
            if response.status_code != 503 or last:
                return response
        time.sleep(PAUSE_S * 2**number)
    raise AssertionError("unreachable")
