"""Every sentence has its Chinese, with the same places for values; nothing in a catalogue is left over."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.catalogues import PACKAGE, catalogues, entries, first, places, said, templates

CJK = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
SENTENCE = re.compile("[\u3400-\u9fff]{9,}|[\u3400-\u9fff][，。！？；]")
"""Chinese that is said, not a word that a roster's heading is compared with."""
EXAMPLES = ("cli/replay/", "cli/demo", "events/templates_of_events")
"""Where Chinese stands as data: what the replay plays with, the contents of an event made from a template."""


def test_every_sentence_has_its_chinese() -> None:
    translated = {first(entry.id) for _room, entry in entries() if first(entry.string) and not entry.fuzzy}
    missing = [f"{text!r}  ({sorted(where)[0]})" for text, where in sorted(said().items()) if text not in translated]
    assert not missing, f"{len(missing)} sentences without Chinese:\n" + "\n".join(missing)


def test_the_chinese_has_the_same_places() -> None:
    wrong = [
        f"{room}: {first(entry.id)!r} -> {first(entry.string)!r}"
        for room, entry in entries()
        if first(entry.string) and places(first(entry.id)) != places(first(entry.string))
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_over() -> None:
    spoken = said()
    left = [f"{room}: {first(entry.id)!r}" for room, entry in entries() if first(entry.id) not in spoken]
    for room, catalogue in catalogues():
        left += [f"{room}: obsolete {key!r}" for key in catalogue.obsolete]
    assert not left, "\n".join(left)


def test_one_sentence_has_one_chinese() -> None:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for room, entry in entries():
        found[first(entry.id)][room] = first(entry.string)
    clashing = [f"{text!r}: {said_by}" for text, said_by in found.items() if len(set(said_by.values())) > 1]
    assert not clashing, "\n".join(clashing)


def test_no_catalogue_says_a_thing_twice() -> None:
    for path in sorted(PACKAGE.glob("*/translations/zh.po")):
        ids = re.findall(r'^msgid "(.+)"$', path.read_text(encoding="utf-8"), flags=re.M)
        assert len(ids) == len(set(ids)), f"{path}: {sorted({i for i in ids if ids.count(i) > 1})}"


@pytest.mark.parametrize("path", templates(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_templates_hold_no_chinese(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"<(code|pre)\b.*?</\1>", "", text, flags=re.S)  # what a person may type, letter by letter
    text = re.sub(r'placeholder="[^"]*"', "", text)
    examples = re.sub(r'_\("([^"]*)"', lambda said: said.group(1) if SENTENCE.search(said.group(1)) else "", text)
    found = CJK.search(examples)
    assert found is None, examples[max(0, found.start() - 60) : found.end() + 20] if found else ""


def _literals(source: str) -> Iterator[tuple[int, str]]:
    """The texts of a module that are no docstrings, with their lines."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_code_says_nothing_in_chinese_outside_the_catalogues() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        if not name.startswith(EXAMPLES):
            source = path.read_text(encoding="utf-8")
            found += [f"{name}:{line}: {text}" for line, text in _literals(source) if SENTENCE.search(text)]
    assert not found, "\n".join(found)


def test_scripts_hold_no_sentences_of_their_own() -> None:
    for path in sorted((PACKAGE / "web/static/js").glob("*.js")):
        assert not CJK.search(path.read_text(encoding="utf-8")), path.name
