"""The JSON API's description, and the same in an order that people can read."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from apiflask import APIFlask
from flask import Flask, current_app
from werkzeug.routing import Rule

METHODS = ("get", "post", "put", "patch", "delete")
_KEPT = "concours_openapi"
_TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457): what went wrong and what to do next, in the reader's language.",
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": {**_TEXT, "description": "The refusal's name, which stays: for programs."},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": _TEXT, "message": _TEXT},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code"],
}
"""What `web.errors.problem` answers."""


@dataclass(frozen=True)
class Property:
    """A parameter, or a field of a body: its name, where it stands, its type in words, and its meaning."""

    name: str
    place: str
    kind: str
    required: bool
    meaning: str


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    summary: str
    meaning: str
    parameters: list[Property] = field(default_factory=list)
    body: list[Property] = field(default_factory=list)
    responses: list[tuple[str, str, list[Property]]] = field(default_factory=list)


def description() -> dict[str, Any]:
    """The application's OpenAPI document, made once."""
    app = cast(APIFlask, current_app)
    kept = app.extensions.get(_KEPT)
    if kept is None:
        kept = app.extensions[_KEPT] = _true(cast(dict[str, Any], app.spec), app)
    return cast(dict[str, Any], kept)


def path_of(rule: Rule) -> str:
    """The address of a rule as the document writes it."""
    return re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule.rule)


def _true(document: dict[str, Any], app: Flask) -> dict[str, Any]:
    """The document with what APIFlask cannot know: problem details, numbers in addresses, whole descriptions."""
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for rule in app.url_map.iter_rules():
        for method, operation in document["paths"].get(path_of(rule), {}).items():
            if method.upper() not in (rule.methods or ()):
                continue
            operation["parameters"] = [
                {**one, "schema": _number(rule, one["name"]) or one["schema"]} if one["in"] == "path" else one
                for one in operation.get("parameters", ())
            ]
            said = inspect.getdoc(app.view_functions[rule.endpoint]) or ""
            if said.partition("\n")[0].rstrip(".") != operation.get("summary", "").rstrip("."):
                operation["description"] = "\n\n".join(" ".join(part.split()) for part in said.split("\n\n"))
            for status, answer in operation["responses"].items():
                if status >= "4":
                    reference = {"$ref": "#/components/schemas/Problem"}
                    answer["content"] = {"application/problem+json": {"schema": reference}}
    return document


def _number(rule: Rule, name: str) -> dict[str, Any] | None:
    """The schema of a whole number in an address; None of anything else."""
    found = re.search(rf"<int(?:\(max=(\d+)\))?:{name}>", rule.rule)
    if found is None:
        return None
    return {"type": "integer", "minimum": 0} | ({"maximum": int(found[1])} if found[1] else {})


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    seen = 0
    while "$ref" in schema and seen < 8:
        place: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            place = place.get(part, {})
        schema, seen = place, seen + 1
    return schema


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    schema = _resolve(document, schema)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(_kind(document, option) for option in schema[key]))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    given = schema.get("type", "any")
    kind = " | ".join(given) if isinstance(given, list) else str(given)
    if kind == "array":
        return f"[{_kind(document, schema.get('items', {}))}]"
    if kind == "object" and name:
        return str(name)
    limits = [
        f"{word} {schema[key]}"
        for key, word in (("minLength", "≥"), ("maxLength", "≤"), ("minimum", "≥"), ("maximum", "≤"))
        if key in schema
    ]
    return " ".join([str(schema.get("format", kind)), *limits])


def _fields(document: dict[str, Any], schema: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Property]:
    schema = _resolve(document, schema)
    if schema.get("type") == "array":
        yield from _fields(document, schema.get("items", {}), f"{prefix}[].", depth)
        return
    for name, inner in schema.get("properties", {}).items():
        full = f"{prefix}{name}"
        required = name in schema.get("required", ())
        meaning = inner.get("description") or _resolve(document, inner).get("description", "")
        yield Property(full, "body", _kind(document, inner), required, meaning)
        inside = _resolve(document, inner)
        if depth < 2 and (inside.get("type") == "object" or inside.get("type") == "array"):
            step = f"{full}." if inside.get("type") == "object" else full
            yield from _fields(document, inside, step, depth + 1)


def _of_content(document: dict[str, Any], holder: dict[str, Any]) -> list[Property]:
    holder = _resolve(document, holder)
    for media in holder.get("content", {}).values():
        return list(_fields(document, media.get("schema", {})))
    return []


def _operation(document: dict[str, Any], path: str, method: str, found: dict[str, Any]) -> Operation:
    parameters = [
        Property(
            p["name"], p["in"], _kind(document, p.get("schema", {})), p.get("required", False), p.get("description", "")
        )
        for p in (_resolve(document, parameter) for parameter in found.get("parameters", ()))
    ]
    responses = [
        (status, _resolve(document, answer).get("description", ""), _of_content(document, answer))
        for status, answer in sorted(found.get("responses", {}).items())
    ]
    return Operation(
        anchor=f"{method}{path}".translate(str.maketrans("/{}.", "----")).strip("-"),
        method=method.upper(),
        path=path,
        summary=found.get("summary", ""),
        meaning=found.get("description", ""),
        parameters=parameters,
        body=_of_content(document, found["requestBody"]) if "requestBody" in found else [],
        responses=responses,
    )


def operations(document: dict[str, Any]) -> dict[str, list[Operation]]:
    """The operations by tag, in the document's order of tags and paths."""
    groups: dict[str, list[Operation]] = {tag["name"]: [] for tag in document.get("tags", ())}
    for path, methods in document.get("paths", {}).items():
        for method in METHODS:
            if method in methods:
                tag = (methods[method].get("tags") or [""])[0]
                groups.setdefault(tag, []).append(_operation(document, path, method, methods[method]))
    return {tag: found for tag, found in groups.items() if found}
