"""Looking at pages: with axe's rules, and by pictures for people in test-results/."""

import itertools
from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from concours.identity.models import Account
from tests.browser.site import DESK, PHONE, Language, Site, Theme, visit

RESULTS = Path(__file__).resolve().parents[2] / "test-results"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
View = tuple[int, Language, Theme]
PAIRWISE: list[View] = [
    (PHONE, "zh", "light"),
    (PHONE, "en", "dark"),
    (DESK, "zh", "dark"),
    (DESK, "en", "light"),
]
"""Every two of width, language and theme meet."""
ALL: list[View] = list(itertools.product((PHONE, DESK), ("zh", "en"), ("light", "dark")))


def check_axe(page: Page, leave_out: list[str] | None = None) -> None:
    """Fails with a readable list where axe finds a violation. `leave_out`: CSS selectors of parts that are not ours."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    context = {"include": [["html"]], "exclude": [[selector] for selector in leave_out]} if leave_out else None
    violations = Axe().run(page, context=context, options=options).response["violations"]
    lines = [
        f"{found['id']} ({found['impact']}): {found['help']}\n"
        + "\n".join(f"    {node['target'][0]}  {_why(node)}\n      {node['html'][:160]}" for node in found["nodes"][:6])
        for found in violations
    ]
    assert not lines, f"axe finds at {page.url}:\n" + "\n".join(lines)


def _why(node: dict[str, list[dict[str, str]]]) -> str:
    checks = [*node.get("any", []), *node.get("all", []), *node.get("none", [])]
    return checks[0]["message"] if checks else ""


def picture(page: Page, name: str, view: View) -> Path:
    """A picture of the whole page in test-results/."""
    width, language, theme = view
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{width}-{language}-{theme}.png"
    page.screenshot(path=path, full_page=True)
    return path


def screenshots(
    site: Site,
    path: str,
    name: str,
    *,
    account: Account | None = None,
    status: int = 200,
    views: list[View] | None = None,
    before: Callable[[Page], None] | None = None,
) -> list[Path]:
    """Pictures of one page at every width, in every language and theme; `before(page)` does something there first."""
    return [_seen(site, path, name, view, account, status, before) for view in views or ALL]


def look_at(
    site: Site,
    path: str,
    name: str,
    *,
    account: Account | None = None,
    status: int = 200,
    views: list[View] | None = None,
    before: Callable[[Page], None] | None = None,
) -> None:
    """Visits one page at both widths, in both languages and themes: axe finds nothing, and there are pictures."""
    for view in views or PAIRWISE:
        _seen(site, path, name, view, account, status, before, axe=True)


def _seen(
    site: Site,
    path: str,
    name: str,
    view: View,
    account: Account | None,
    status: int,
    before: Callable[[Page], None] | None,
    *,
    axe: bool = False,
) -> Path:
    with site.open(*view, account=account) as page:
        visit(page, path, status=status)
        if before is not None:
            before(page)
        made = picture(page, name, view)
        if axe:
            check_axe(page)
    return made
