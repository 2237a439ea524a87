"""Colours: both dark blocks are the same, and every pair that carries text has the contrast WCAG 2.2 AA asks for."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "pkg/concours/web/static/css"
TOKENS = (CSS / "tokens.css").read_text(encoding="utf-8")
TEXT, LARGE_OR_GRAPHIC = 4.5, 3.0


def _block(start: str) -> dict[str, str]:
    body = TOKENS[TOKENS.index(start) :]
    body = body[body.index("{") + 1 : body.index("}")]
    return {name: value.strip() for name, value in re.findall(r"(--cc-[\w-]+):\s*([^;]+);", body)}


LIGHT = _block(':root,\n[data-bs-theme="light"]')
DARK = _block('\n[data-bs-theme="dark"]')
SYSTEM_DARK = _block(":root:not([data-bs-theme])")


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of #rgb or #rrggbb."""
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2), 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_right() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_both_dark_blocks_say_the_same() -> None:
    assert DARK == SYSTEM_DARK
    assert DARK.keys() == LIGHT.keys()


PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "ink-2", "ink-3") for ground in ("paper", "sheet", "tint")],
    *[(ink, ground, TEXT) for ink in ("seal-text", "blue") for ground in ("paper", "sheet", "tint")],
    *[(pigment, f"{pigment}-tint", TEXT) for pigment in ("blue", "green", "amber", "red")],
    *[(pigment, ground, TEXT) for pigment in ("green", "amber", "red") for ground in ("paper", "sheet")],
    ("seal-text", "seal-tint", TEXT),
    ("ink", "seal-tint", TEXT),
    ("on-seal", "seal", TEXT),
    ("on-seal", "seal-deep", TEXT),
    ("sheet", "green", TEXT),
    ("paper", "ink", TEXT),
    ("paper", "ink-2", TEXT),
    ("paper", "ink-3", TEXT),
    *[("line-strong", ground, LARGE_OR_GRAPHIC) for ground in ("paper", "sheet", "tint")],
    ("seal", "sheet", LARGE_OR_GRAPHIC),
    ("seal", "paper", LARGE_OR_GRAPHIC),
]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS, ids=str)
def test_contrast(theme: dict[str, str], ink: str, ground: str, least: float) -> None:
    found = contrast(theme[f"--cc-{ink}"], theme[f"--cc-{ground}"])
    assert found >= least, f"{ink} on {ground}: {found:.2f}"


def test_every_token_that_is_used_exists() -> None:
    known = set(re.findall(r"(--cc-[\w-]+):", TOKENS))
    for path in CSS.glob("*.css"):
        text = path.read_text(encoding="utf-8")
        own = set(re.findall(r"(--cc-[\w-]+):", text))
        missing = set(re.findall(r"var\((--cc-[\w-]+)", text)) - known - own
        assert not missing, f"{path.name}: {sorted(missing)}"


def test_colours_stand_in_tokens_alone() -> None:
    for path in CSS.glob("*.css"):
        if path.name == "tokens.css":
            continue
        text = path.read_text(encoding="utf-8")
        screen = re.sub(r"@media print \{.*\Z", "", text, flags=re.S)
        found = re.findall(r"[^&\w](#[0-9a-fA-F]{3,8})\b(?![^{]*\{)", re.sub(r"/\*.*?\*/", "", screen, flags=re.S))
        assert not found, f"{path.name}: {found}"
