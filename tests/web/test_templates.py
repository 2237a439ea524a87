"""What every template of every room keeps: the policy forbids inline code, and no page waits on a third party."""

import re
from pathlib import Path

import pytest
from apiflask import APIFlask

from tests.web.catalogues import PACKAGE, templates

SITE_FILES = ("js", "css")
HANDLER = re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.I)
STYLE = re.compile(r"<style\b|<[a-z][^>]*\sstyle\s*=", re.I)
INLINE_SCRIPT = re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.I)
EVALUATED = re.compile(r"hx-on\b|hx-on:|hx-vals=\"js:|hx-trigger=\"[^\"]*\[", re.I)
ELSEWHERE = re.compile(r"(?:src|href|action|srcset|poster)\s*=\s*[\"'](?:https?:)?//", re.I)
ENDPOINT = re.compile(r"\b(?:url_for|link)\(\s*[\"']([\w.]+)[\"']")
ASSET = re.compile(r"\basset\(\s*[\"']([^\"']+)[\"']")
VENDORED = re.compile(r"\bvendor\(\s*[\"']([^\"']+)[\"']")


def _text(path: Path) -> str:
    return re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


every_template = pytest.mark.parametrize("path", templates(), ids=_name)


@every_template
@pytest.mark.parametrize(
    "forbidden",
    [HANDLER, STYLE, INLINE_SCRIPT, EVALUATED, ELSEWHERE],
    ids=["handler", "style", "script", "eval", "host"],
)
def test_nothing_that_the_policy_forbids(path: Path, forbidden: re.Pattern[str]) -> None:
    found = forbidden.search(_text(path))
    assert found is None, found.group(0) if found else ""


@pytest.mark.parametrize(
    ("forbidden", "sample"),
    [
        (HANDLER, '<a href="/" onclick="x()">'),
        (STYLE, '<p class="a" style="color: red">'),
        (STYLE, "<style>"),
        (INLINE_SCRIPT, '<script type="module">let a</script>'),
        (EVALUATED, '<p hx-on:click="x()">'),
        (EVALUATED, '<p hx-trigger="every 1s [document.hidden]">'),
        (ELSEWHERE, '<script src="https://elsewhere.example/a.js">'),
        (ELSEWHERE, "<img src='//elsewhere.example/a.png'>"),
    ],
)
def test_the_patterns_find_what_they_are_for(forbidden: re.Pattern[str], sample: str) -> None:
    assert forbidden.search(sample)


def test_the_patterns_leave_alone_what_is_allowed() -> None:
    for sample in ('<script src="/a.js"></script>', '<script type="application/json">{}</script>', '<a href="/on=1">'):
        assert not any(p.search(sample) for p in (HANDLER, STYLE, INLINE_SCRIPT, EVALUATED, ELSEWHERE))


def test_every_endpoint_that_a_template_names_exists(app: APIFlask) -> None:
    missing = [
        f"{_name(path)}: {endpoint}"
        for path in templates()
        for endpoint in ENDPOINT.findall(_text(path))
        if endpoint not in app.view_functions
    ]
    assert not missing, "\n".join(missing)


def test_every_file_that_a_template_names_exists(app: APIFlask) -> None:
    from concours.web.assets import vendor

    with app.test_request_context():
        for path in templates():
            for name in ASSET.findall(_text(path)):
                assert (PACKAGE / "web/static" / name).is_file(), f"{_name(path)}: {name}"
            for name in VENDORED.findall(_text(path)):
                assert vendor(name).startswith("/static/vendor/"), f"{_name(path)}: {name}"


def test_every_template_can_be_read(app: APIFlask) -> None:
    for path in templates():
        name = str(path.relative_to(next(parent for parent in path.parents if parent.name == "templates")))
        assert app.jinja_env.get_template(name).name == name


def test_our_scripts_and_styles_load_nothing_from_elsewhere() -> None:
    for folder in SITE_FILES:
        for path in (PACKAGE / "web/static" / folder).glob(f"*.{folder}"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?:import|fetch\(|url\(|from)\s*[\"'(]*(?:https?:)?//\w", text), path.name
            assert not re.search(r"\beval\(|new Function\(|\.setAttribute\([\"']style", text), path.name
