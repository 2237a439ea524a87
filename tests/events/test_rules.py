"""What a category asks, and what it says of an answer."""

import pytest
from apiflask import APIFlask
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.events.fields import FieldSpec, FieldType, check_answer
from concours.events.models import Category, MediaKind
from concours.events.rules import FORMATS, check_values, read_fields, read_rules, rules_from
from concours.events.templates_of_events import CALLIGRAPHY, TEMPLATES, CategoryTemplate


def category(template: CategoryTemplate) -> Category:
    return Category(media_kind=template.media_kind, rules=template.rules, fields=template.fields)


COMPLETE = {"script": "行书", "height_cm": "136", "width_cm": "68.5", "year": "2021"}


def test_a_submitted_work_must_be_complete_and_a_draft_need_not() -> None:
    _, problems = check_values(category(CALLIGRAPHY), {"script": "行书"}, complete=True)
    assert [p.field for p in problems] == ["height_cm", "width_cm", "year"]
    assert check_values(category(CALLIGRAPHY), {"script": "行书"}, complete=False) == ({"script": "行书"}, [])


def test_a_complete_answer_is_kept_as_text_and_numbers() -> None:
    values, problems = check_values(category(CALLIGRAPHY), COMPLETE | {"note": " 一 \r\n\r\n二 "}, complete=True)
    assert problems == []
    assert values == {"script": "行书", "height_cm": 136, "width_cm": 68.5, "year": 2021, "note": "一\n\n二"}


@pytest.mark.parametrize("script", ["草书", "篆书"])
def test_cursive_and_seal_script_need_a_transcription(script: str) -> None:
    _, problems = check_values(category(CALLIGRAPHY), COMPLETE | {"script": script}, complete=True)
    assert [p.field for p in problems] == ["transcription"]
    _, problems = check_values(
        category(CALLIGRAPHY), COMPLETE | {"script": script, "transcription": "春眠不觉晓"}, complete=True
    )
    assert problems == []


def test_a_wrong_answer_is_a_problem_in_a_draft_too_and_is_said_once() -> None:
    raw = {"script": "天书", "height_cm": "很高", "width_cm": "0", "year": "2021.5", "note": "字" * 301}
    values, problems = check_values(category(CALLIGRAPHY), raw, complete=True)
    assert values == {}
    assert sorted(p.field for p in problems) == ["height_cm", "note", "script", "width_cm", "year"]


@pytest.mark.parametrize("text", ["nan", "inf", "1e5", "٣", "1" * 40, "--1", "0x10", "\x00", "\ud800"])
def test_strange_numbers_are_refused_without_a_fault(text: str) -> None:
    value, problem = check_answer(FieldSpec(key="n", label="数", type=FieldType.NUMBER), text)
    assert value in {None, 3}
    assert (problem is None) == (text in {"\x00", "٣"})


@pytest.mark.parametrize(
    ("text", "kept"),
    [("2021-06-09", "2021-06-09"), ("2021年6月9日", "2021-06-09"), ("2021-02-30", None), ("昨天", None)],
)
def test_dates_are_read_as_people_write_them(text: str, kept: str | None) -> None:
    value, problem = check_answer(FieldSpec(key="d", label="日", type=FieldType.DATE), text)
    assert value == kept
    assert (problem is None) == (kept is not None)


@settings(max_examples=200)
@given(st.sampled_from(list(FieldType)), st.text())
def test_no_answer_whatever_is_a_fault_and_what_is_kept_can_be_stored(kind: FieldType, text: str) -> None:
    value, _ = check_answer(FieldSpec(key="x", label="x", type=kind, choices=("一",)), text)
    if isinstance(value, str):
        value.encode()
        assert "\x00" not in value


def test_a_category_without_rules_asks_what_its_kind_implies() -> None:
    series = read_rules(Category(media_kind=MediaKind.SERIES, rules={}, fields=[]))
    assert (series.files.min_count, series.files.max_count) == (4, 8)
    assert read_rules(Category(media_kind=MediaKind.TEXT)).files.max_count == 0
    assert read_rules(Category(media_kind=MediaKind.IMAGE)).files.formats == ("jpeg", "png", "heic", "webp")


@pytest.mark.parametrize("files", [{"min_count": 3, "max_count": 2}, {"min_seconds": 9, "max_seconds": 5}])
def test_rules_that_nothing_can_satisfy_are_refused(files: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="the least is more than the most"):
        rules_from(MediaKind.VIDEO, {"files": files})


@pytest.mark.parametrize("kind", list(TEMPLATES))
def test_every_template_can_be_read_and_speaks_both_languages(kind: str) -> None:
    template = TEMPLATES[kind]
    assert len({c.code for c in template.categories}) == len(template.categories)
    for part in (template.name, template.about, template.summary, template.statement):
        assert part.zh
        assert part.en
    for made in map(category, template.categories):
        assert set(read_rules(made).files.formats) <= set(FORMATS[made.media_kind])
        keys = [spec.key for spec in read_fields(made)]
        assert len(set(keys)) == len(keys)
        for spec in read_fields(made):
            assert spec.label.zh
            assert spec.label.en
            assert (spec.type is FieldType.CHOICE) == bool(spec.choices)
            assert spec.required_when is None or spec.required_when.field in keys
    assert all(phase.first < phase.last for phase in template.phases)


def test_the_formats_are_those_that_the_media_room_knows(app: APIFlask) -> None:
    from concours.media import purposes

    assert FORMATS[MediaKind.IMAGE] == purposes.IMAGE_FORMATS
    assert FORMATS[MediaKind.VIDEO] == purposes.VIDEO_FORMATS
    assert FORMATS[MediaKind.AUDIO] == purposes.AUDIO_FORMATS
