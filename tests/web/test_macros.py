"""The shared pieces of pages: labels, errors beside their fields, words for statuses."""

from html.parser import HTMLParser
from typing import Any

import pytest
from apiflask import APIFlask
from flask import g, render_template_string

from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import msg
from concours.web.words import STATUSES


class Elements(HTMLParser):
    """The elements of a piece of a page: (tag, attributes)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, name: str, tag: str | None = None) -> list[dict[str, str | None]]:
        """The attributes of the elements with that form name."""
        return [a for t, a in self.found if a.get("name") == name and (tag is None or t == tag)]

    def tags(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of that kind."""
        return [a for t, a in self.found if t == tag]


IMPORT = '{% from "web/macros.html" import '


@pytest.fixture
def shown(app: APIFlask) -> Any:
    """`shown("field", 'field("a", "A")', …)`: what the macro makes, in English unless said otherwise."""

    def render(macro: str, call: str, language: str = "en", **values: Any) -> str:
        with app.test_request_context(headers={"Accept-Language": language}):
            for name in list(g):  # the test's context is shared, and with it the language that was chosen last
                g.pop(name)
            body = call if "{%" in call else "{{ " + call + " }}"
            return render_template_string(IMPORT + macro + " %}" + body, **values)

    return render


@pytest.mark.parametrize(
    "kind", ["text", "number", "email", "password", "datetime-local", "textarea", "select", "file"]
)
def test_a_field_has_its_label_help_and_errors(shown: Any, kind: str) -> None:
    made = shown("field", f'field("a", "Name", type="{kind}", help="Why", errors=["Bad.", "Worse."], required=True)')
    assert '<label class="form-label" for="f-a">Name</label>' in made
    (element,) = Elements(made).named("a")
    assert element["id"] == "f-a"
    assert element["aria-describedby"] == "f-a-help f-a-errors"
    assert element["aria-invalid"] == "true"
    assert "required" in element
    assert '<ul class="field-errors" id="f-a-errors">' in made
    assert "<li>Bad.</li>" in made
    assert "<li>Worse.</li>" in made
    assert 'id="f-a-help">Why</p>' in made


def test_further_attributes_and_limits_reach_the_element(shown: Any) -> None:
    call = 'field("a", "A", attrs=more, maxlength=3, minlength=1, pattern="[0-9]+", autofocus=True)'
    (element,) = Elements(shown("field", call, more={"hx-get": "/x", "data-a": '"'})).named("a")
    assert (element["hx-get"], element["data-a"]) == ("/x", '"')
    assert (element["maxlength"], element["minlength"], element["pattern"]) == ("3", "1", "[0-9]+")
    assert "autofocus" in element
    assert not {"required", "disabled", "readonly", "aria-invalid", "aria-describedby"} & element.keys()
    (area,) = Elements(shown("field", 'field("a", "A", type="textarea", maxlength=300, rows=7, readonly=True)')).named(
        "a"
    )
    assert (area["maxlength"], area["rows"], area["data-count"]) == ("300", "7", "f-a-count")
    assert "readonly" in area


def test_a_field_picks_its_own_errors_from_a_refusal(shown: Any) -> None:
    problems = Invalid(problems=[FieldProblem("a", msg("Draft")), FieldProblem("b", msg("Submitted"))]).by_field()
    made = shown("field", 'field("a", "A", errors=problems)', "zh", problems=problems)
    assert "<li>草稿</li>" in made
    assert "已提交" not in made
    assert "aria-invalid" not in shown("field", 'field("c", "C", errors=problems)', problems=problems)


def test_what_was_typed_is_shown_again_as_text(shown: Any) -> None:
    typed = '"><script>𠮷'
    for kind in ("text", "textarea"):
        made = shown("field", f'field("a", "A", typed, type="{kind}")', typed=typed)
        assert "&#34;&gt;&lt;script&gt;𠮷" in made
    assert typed not in shown("field", 'field("a", "A", typed, type="password")', typed=typed)
    assert "secret" not in shown("field", 'field("a", "A", "secret", type="password")')


def test_a_textarea_keeps_its_first_line_break(shown: Any) -> None:
    assert ">\n\ntext</textarea>" in shown("field", 'field("a", "A", value, type="textarea")', value="\ntext")


def test_choices_are_kept_whatever_their_type(shown: Any) -> None:
    def chosen(call: str, tag: str, mark: str) -> list[str | None]:
        return [element["value"] for element in Elements(shown("field", call)).tags(tag) if mark in element]

    assert chosen('field("a", "A", 2, type="select", choices=[("1", "x"), ("2", "y")])', "option", "selected") == ["2"]
    many = 'field("a", "A", [1, "3"], type="{}", choices=[(1, "x"), (2, "y"), (3, "z")], multiple=True)'
    assert chosen(many.format("select"), "option", "selected") == ["1", "3"]
    assert chosen(many.format("checkboxes"), "input", "checked") == ["1", "3"]
    assert chosen('field("a", "A", "2", type="radio", choices={1: "x", 2: "y"})', "input", "checked") == ["2"]
    assert chosen('field("a", "A", True, type="checkbox")', "input", "checked") == ["1"]
    assert chosen('field("a", "A", False, type="checkbox")', "input", "checked") == []


def test_a_group_of_choices_is_a_fieldset_with_a_legend(shown: Any) -> None:
    made = shown("field", 'field("a", "Which", type="radio", choices=[("1", "x")], errors=["Choose."], required=True)')
    elements = Elements(made)
    (frame,) = elements.tags("fieldset")
    assert (frame["id"], frame["aria-describedby"]) == ("f-a", "f-a-errors")
    assert '<legend class="form-label">Which</legend>' in made
    assert "required" in elements.named("a")[0]


def test_zero_and_nothing_are_not_the_same(shown: Any) -> None:
    assert 'value="0"' in shown("field", 'field("a", "A", 0, type="number", min=0)')
    assert 'min="0"' in shown("field", 'field("a", "A", none, type="number", min=0)')
    assert 'value=""' in shown("field", 'field("a", "A", none, type="number")')


def test_the_summary_leads_to_the_fields(shown: Any) -> None:
    errors = {"title": [msg("Draft")], "year": ["Wrong."]}
    made = shown("error_summary", 'error_summary(errors, {"title": "Title"})', errors=errors)
    assert '<a href="#f-title">Title: Draft</a>' in made
    assert '<a href="#f-year">Wrong.</a>' in made
    assert 'role="alert"' in made
    assert shown("error_summary", "error_summary({})").strip() == ""


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_word_in_both_languages(shown: Any, status: str) -> None:
    english, chinese = shown("badge", f'badge("{status}")'), shown("badge", f'badge("{status}")', "zh")
    assert english != chinese
    assert f"tag-{STATUSES[status][1]}" in english


def test_a_status_nobody_knows_is_shown_as_it_is(shown: Any) -> None:
    assert ">odd &lt;<" in shown("badge", 'badge("odd <")')
    assert 'tag-good">Mine<' in shown("badge", 'badge("odd", "Mine", "good")')


@pytest.mark.parametrize(
    ("text", "seal"),
    [("书画摄影展", "书画"), ("Summer show", "S"), ("2021年书法展", "年书"), ("", "·"), ("🎉", "·"), ("𠮷野", "𠮷野")],
)
def test_a_seal_shows_what_it_can(shown: Any, text: str, seal: str) -> None:
    made = shown("seal", "seal(text)", text=text)
    for character in seal:
        assert f"<span>{character}</span>" in made
    assert 'aria-hidden="true"' in made


def test_paging_shows_only_ways_that_exist(shown: Any) -> None:
    assert shown("pagination", "pagination()").strip() == ""
    assert 'rel="next"' in shown("pagination", 'pagination("/?after=3")')
    assert 'rel="first"' not in shown("pagination", 'pagination("/?after=3")')


def test_a_picture_keeps_its_place_and_offers_sizes(shown: Any) -> None:
    made = shown("picture", 'picture("/a.webp", "A <cat>", 400, 300, srcset=[("/a.webp", 400), ("/b.webp", 800)])')
    (image,) = Elements(made).tags("img")
    assert (image["width"], image["height"], image["loading"]) == ("400", "300", "lazy")
    assert image["srcset"] == "/a.webp 400w, /b.webp 800w"
    assert image["sizes"]
    assert image["alt"] == "A <cat>"
    assert '<span class="picture-none' in shown("picture", 'picture(none, "", text="兰")')


def test_figures_are_grouped_as_the_language_does(shown: Any) -> None:
    assert "779,700" in shown("stat", 'stat(779700, "Votes")')


def test_a_dangerous_act_asks_first_and_carries_its_token(shown: Any) -> None:
    made = shown("confirm", 'confirm("Remove", "Really?", "/remove", "Remove it", values={"a": "1"})')
    assert made.index("<summary") < made.index("Really?") < made.index("Remove it")
    assert 'name="csrf_token"' in made
    assert '<input type="hidden" name="a" value="1">' in made


def test_empty_terms_are_left_out(shown: Any) -> None:
    made = shown("definitions", 'definitions([("A", 0), ("B", ""), ("C", none), ("D", "d")])')
    assert made.count("<dt>") == 2


def test_a_table_names_its_columns(shown: Any) -> None:
    made = shown("data_table", '{% call data_table(["A", "B"], "What", [1]) %}<tr></tr>{% endcall %}')
    assert '<caption class="visually-hidden">What</caption>' in made
    assert '<th scope="col" class="text-end">B</th>' in made
