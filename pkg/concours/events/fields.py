"""The fields of a category's form: what is asked beside the files, and whether an answer will do."""

import math
import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from concours.base import typed
from concours.base.messages import Message, msg

LINE_LIMIT = 200  # characters of a text of one line, where the field names no limit
TEXT_LIMIT = 20_000  # characters of the longest text a field may ask for
CHOICES_LIMIT = 60  # choices of one field
FIELDS_LIMIT = 30  # fields of one category

Value = str | int | float


class Label(BaseModel):
    """Words shown to people, in Chinese and English; English falls back to Chinese and the other way round."""

    model_config = ConfigDict(frozen=True)

    zh: Annotated[str, StringConstraints(max_length=400)] = ""
    en: Annotated[str, StringConstraints(max_length=400)] = ""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: object) -> object:
        """A plain string is the label in both languages."""
        return {"zh": given} if isinstance(given, str) else given

    def text(self, language: str) -> str:
        """The words for `language` (`zh` or `en`)."""
        return (self.en or self.zh) if language == "en" else (self.zh or self.en)


class FieldType(StrEnum):
    """How a field is asked and checked."""

    TEXT = "text"
    TEXTAREA = "textarea"
    NUMBER = "number"
    CHOICE = "choice"
    DATE = "date"


class Choice(BaseModel):
    """One answer of a choice; `value` is kept and is what exports show."""

    model_config = ConfigDict(frozen=True)

    value: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    label: Label

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: object) -> object:
        return {"value": given, "label": given} if isinstance(given, str) else given


class RequiredWhen(BaseModel):
    """The field must be answered when the field `field` has one of `values` (a transcription for cursive script)."""

    model_config = ConfigDict(frozen=True)

    field: str
    values: tuple[str, ...]


class FieldSpec(BaseModel):
    """One field. `min_length` (asked at submission) and `max_length` count characters; `minimum` and `maximum` bound
    numbers, included; `unit` is shown; the answer to a `private` field is for the organiser's eyes, never for a jury's
    or the public's."""

    model_config = ConfigDict(frozen=True)

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    label: Label
    type: FieldType = FieldType.TEXT
    required: bool = False
    required_when: RequiredWhen | None = None
    private: bool = False
    min_length: Annotated[int, Field(ge=0, le=TEXT_LIMIT)] = 0
    max_length: Annotated[int, Field(ge=1, le=TEXT_LIMIT)] = LINE_LIMIT
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False
    choices: Annotated[tuple[Choice, ...], Field(max_length=CHOICES_LIMIT)] = ()
    unit: Annotated[str, StringConstraints(max_length=20)] = ""
    help: Label = Label()

    def is_required(self, values: Mapping[str, Any]) -> bool:
        """Whether it must be answered, given the other answers."""
        if self.required:
            return True
        when = self.required_when
        return when is not None and values.get(when.field) in when.values

    def shown(self, value: object, language: str) -> str:
        """An answer as people read it: the label of a choice, a number with its unit."""
        if value is None or value == "":
            return ""
        if self.type is FieldType.CHOICE:
            return next((c.label.text(language) for c in self.choices if c.value == value), str(value))
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{text} {self.unit}" if self.unit else text


def check_answer(spec: FieldSpec, raw: str) -> tuple[Value | None, Message | None]:
    """One answer as it is kept, or None where it is empty or wrong; and the sentence that says what is wrong."""
    text = typed.paragraphs(raw) if spec.type is FieldType.TEXTAREA else typed.line(raw)
    if not text:
        return None, None
    if spec.type is FieldType.NUMBER:
        return _number(spec, text)
    if spec.type is FieldType.DATE:
        return _date(text)
    problem: Message | None = None
    if spec.type is FieldType.CHOICE:
        if all(choice.value != text for choice in spec.choices):
            problem = msg("Please choose one of the answers of the list.")
    elif len(text) > spec.max_length:
        problem = msg(
            "This has %(length)s characters; at most %(limit)s are possible.",
            length=len(text),
            limit=spec.max_length,
        )
    return (text if problem is None else None), problem


def _number(spec: FieldSpec, text: str) -> tuple[Value | None, Message | None]:
    plain = text.replace(",", "").replace("，", "").replace("．", ".")
    try:
        number = float(plain) if len(plain) <= 30 and re.fullmatch(r"[+-]?\d+(\.\d*)?", plain) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return None, msg("Please write a number in digits, for example 68 or 68.5.")
    if spec.whole and not number.is_integer():
        return None, msg("Please write a whole number.")
    if spec.minimum is not None and number < spec.minimum:
        return None, msg("The number must be %(limit)s or more.", limit=f"{spec.minimum:g}")
    if spec.maximum is not None and number > spec.maximum:
        return None, msg("The number must be %(limit)s or less.", limit=f"{spec.maximum:g}")
    return (int(number) if number.is_integer() else number), None


def _date(text: str) -> tuple[Value | None, Message | None]:
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text)
    try:
        day = date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        day = None
    if day is None:
        return None, msg("Please give the date as year-month-day, for example 2021-06-09.")
    return day.isoformat(), None
