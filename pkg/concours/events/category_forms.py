"""The forms of a category's rules and fields: plain inputs to the stored form and back."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from concours.base import typed
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.events.fields import CHOICES_LIMIT, Choice, FieldSpec, FieldType, Label, RequiredWhen
from concours.events.models import Category
from concours.events.rules import MIB, is_for_teams, read_rules

NUMBERS: Mapping[str, tuple[str, float]] = {
    "min_count": ("min_count", 1),
    "max_count": ("max_count", 1),
    "min_mb": ("min_bytes", MIB),
    "max_mb": ("max_bytes", MIB),
    "min_long_side": ("min_long_side", 1),
    "min_seconds": ("min_seconds", 1),
    "max_seconds": ("max_seconds", 1),
}
"""The form's number fields: the rule each stands for, and how many of the rule's units one of the form's is."""


def number_in(form: Mapping[str, str], field: str, problems: list[FieldProblem]) -> float | None:
    """The number typed into a field, None where it is empty; what is no number is added to `problems`."""
    text = typed.line(form.get(field, ""))
    if not text:
        return None
    try:
        number = float(text) if len(text) <= 20 else float("nan")
    except ValueError:
        number = float("nan")
    if not 0 <= number < 1e12:
        problems.append(FieldProblem(field, msg("Please write a number in digits, for example 68 or 68.5.")))
        return None
    return number


def whole_in(form: Mapping[str, str], field: str, problems: list[FieldProblem]) -> int | None:
    """Like `number_in`, for whole numbers."""
    number = number_in(form, field, problems)
    if number is not None and not number.is_integer():
        problems.append(FieldProblem(field, msg("Please write a whole number.")))
        return None
    return int(number) if number is not None else None


def rules_shown(category: Category) -> dict[str, Any]:
    """The values of the rules' form for the category as it is."""
    rules = read_rules(category)
    files = rules.files
    shown: dict[str, Any] = {"title": category.title, "per_author": rules.per_author}
    for field, (rule, unit) in NUMBERS.items():
        value = getattr(files, rule)
        shown[field] = "" if value is None or (rule == "min_bytes" and value == 1) else f"{value / unit:.6g}"
    shown |= {
        "formats": list(files.formats),
        "orientation": files.orientation,
        "needs_exif": files.needs_exif,
        "enters": "teams" if is_for_teams(category.event, category) else "authors",
        "description_zh": rules.description.zh,
        "description_en": rules.description.en,
    }
    return shown


def read_rules_form(form: MultiDict[str, str], category: Category) -> dict[str, Any]:
    """The rules of a sent form, as `categories.change` takes them. A number field that was not sent stays as it was;
    an empty one means no limit. Raises Invalid for what is no number."""
    problems: list[FieldProblem] = []
    before = read_rules(category).model_dump()
    files: dict[str, Any] = {
        "formats": form.getlist("formats"),
        "orientation": form.get("orientation", ""),
        "needs_exif": form.get("needs_exif") == "1",
    }
    for field, (rule, unit) in NUMBERS.items():
        if field not in form:
            files[rule] = before["files"][rule]
            continue
        number = (
            whole_in(form, field, problems) if unit == 1 and "seconds" not in rule else number_in(form, field, problems)
        )
        if number is not None:
            files[rule] = max(1, round(number * unit)) if "bytes" in rule else number
    per_author = whole_in(form, "per_author", problems) if "per_author" in form else before["per_author"]
    if problems:
        raise Invalid(problems=problems)
    enters = form.get("enters")
    return {
        "files": files,
        "per_author": per_author,
        "by_team": enters == "teams" if enters in {"teams", "authors"} else before["by_team"],
        "description": {
            "zh": typed.paragraphs(form.get("description_zh", before["description"]["zh"])),
            "en": typed.paragraphs(form.get("description_en", before["description"]["en"])),
        },
    }


def form_field_of(rule: str) -> str:
    """The form's field for a rule's name (`min_bytes` is `min_mb` in the form)."""
    return next((field for field, (name, _) in NUMBERS.items() if name == rule), rule)


def spec_shown(spec: FieldSpec) -> dict[str, Any]:
    """The values of a field's form."""
    when = spec.required_when
    return {
        "label_zh": spec.label.zh,
        "label_en": spec.label.en,
        "help_zh": spec.help.zh,
        "help_en": spec.help.en,
        "type": spec.type.value,
        "required": spec.required,
        "private": spec.private,
        "whole": spec.whole,
        "min_length": spec.min_length or "",
        "max_length": spec.max_length,
        "minimum": "" if spec.minimum is None else f"{spec.minimum:g}",
        "maximum": "" if spec.maximum is None else f"{spec.maximum:g}",
        "unit": spec.unit,
        "choices": "\n".join(_choice_line(choice) for choice in spec.choices),
        "when_field": when.field if when else "",
        "when_values": "\n".join(when.values) if when else "",
    }


def _choice_line(choice: Choice) -> str:
    english = choice.label.en if choice.label.en != choice.value else ""
    return f"{choice.value} | {english}" if english else choice.value


def read_spec_form(form: Mapping[str, str], *, key: str, others: list[FieldSpec]) -> FieldSpec:
    """The field of a sent form. Raises Invalid with the form's fields that cannot be."""
    problems: list[FieldProblem] = []
    kind = form.get("type", "")
    label = Label(zh=typed.line(form.get("label_zh", ""))[:200], en=typed.line(form.get("label_en", ""))[:200])
    if not (label.zh or label.en):
        problems.append(FieldProblem("label_zh", msg("Please fill this in.")))
    if kind not in set(FieldType):
        problems.append(FieldProblem("type", msg("Please choose one of the answers of the list.")))
    choices = _read_choices(form.get("choices", "")) if kind == FieldType.CHOICE else []
    if kind == FieldType.CHOICE and not 1 <= len(choices) <= CHOICES_LIMIT:
        problems.append(FieldProblem("choices", msg("Please give 1 to %(limit)s choices.", limit=CHOICES_LIMIT)))
    given = {
        "key": key,
        "label": label,
        "help": Label(zh=typed.line(form.get("help_zh", ""))[:400], en=typed.line(form.get("help_en", ""))[:400]),
        "type": kind,
        "required": form.get("required") == "1",
        "private": form.get("private") == "1",
        "whole": form.get("whole") == "1",
        "min_length": whole_in(form, "min_length", problems) or 0,
        "max_length": whole_in(form, "max_length", problems),
        "minimum": number_in(form, "minimum", problems),
        "maximum": number_in(form, "maximum", problems),
        "unit": typed.line(form.get("unit", ""))[:20],
        "choices": choices,
        "required_when": _read_when(form, others, problems),
    }
    if problems:
        raise Invalid(problems=problems)
    try:
        return FieldSpec.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as wrong:
        raise Invalid(
            problems=[FieldProblem(str(error["loc"][0]), _sentence(error)) for error in wrong.errors()]
        ) from wrong


def _sentence(error: Mapping[str, Any]) -> Message:
    limits = error.get("ctx") or {}
    if "le" in limits:
        return msg("The number must be %(limit)s or less.", limit=limits["le"])
    if "ge" in limits:
        return msg("The number must be %(limit)s or more.", limit=limits["ge"])
    return msg("This cannot be used here.")


def _read_choices(text: str) -> list[Choice]:
    found: dict[str, Choice] = {}
    for part in typed.paragraphs(text).split("\n"):
        value, _, english = part.partition("|")
        value, english = typed.line(value)[:80], typed.line(english)[:80]
        if value:
            found.setdefault(value, Choice(value=value, label=Label(zh=value, en=english or value)))
    return list(found.values())


def _read_when(form: Mapping[str, str], others: list[FieldSpec], problems: list[FieldProblem]) -> RequiredWhen | None:
    field = form.get("when_field", "")
    if not field:
        return None
    other = next((spec for spec in others if spec.key == field and spec.type is FieldType.CHOICE), None)
    known = {choice.value for choice in other.choices} if other else set()
    values = tuple(value for value in (typed.line(v) for v in form.get("when_values", "").split("\n")) if value)
    if not values or not set(values) <= known:
        problems.append(FieldProblem("when_values", msg("Please name choices of that field, one on each line.")))
        return None
    return RequiredWhen(field=field, values=values)
