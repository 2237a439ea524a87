"""The format of a backup: one zip file, readable with any tool, the same from SQLite and from PostgreSQL.

    manifest.json        format, program, revision of the schema, tables with their columns and digests
    tables/NAME.jsonl    one JSON array a row, columns as in the manifest (deflated)
    files.jsonl          name, size and SHA-256 of each stored file
    files/NAME           the files as they are
    secret_key           only where the instance made its key itself

A column has a kind, and each kind one form in JSON, so that a backup can be read without the models of its time.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import sort_tables_and_constraints

from concours.base.db import UTCDateTime

FORMAT = 1
CHUNK = 1024 * 1024
ROWS_AT_ONCE = 2_000
MANIFEST, FILES, KEY = "manifest.json", "files.jsonl", "secret_key"


class Damaged(Exception):
    """The file is no backup, or not as it was written; the text says what is wrong."""


@dataclass(frozen=True)
class Column:
    """A column by name and kind."""

    name: str
    kind: str


@dataclass(frozen=True)
class Table:
    """A table in a backup. `later` are the columns that refer to rows which may follow: they are filled last."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    later: tuple[str, ...]
    rows: int = 0
    sha256: str = ""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "Table":
        """From the manifest."""
        columns = tuple(Column(**column) for column in raw["columns"])
        return cls(raw["name"], columns, tuple(raw["key"]), tuple(raw["later"]), raw["rows"], raw["sha256"])

    def written(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def kind_of(column: "sa.Column[Any]") -> str:
    """The kind of a column of the models. Raises TypeError for a type that has none yet."""
    kind = column.type
    for types, name in (
        ((UTCDateTime, sa.DateTime), "moment"),
        ((sa.Date,), "date"),
        ((sa.JSON,), "json"),
        ((sa.LargeBinary,), "bytes"),
        ((sa.Boolean,), "bool"),
        ((sa.Integer,), "int"),
        ((sa.Float,), "float"),
        ((sa.Numeric,), "decimal"),
        ((sa.String,), "text"),
    ):
        if isinstance(kind, types):
            return name
    raise TypeError(f"no form in backups for {column} ({kind!r})")


TYPES: dict[str, Callable[[], Any]] = {
    "moment": UTCDateTime,
    "date": sa.Date,
    "json": lambda: sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
    "bytes": sa.LargeBinary,
    "bool": sa.Boolean,
    "int": sa.BigInteger,
    "float": sa.Double,
    "decimal": sa.Numeric,
    "text": sa.Text,
}


def encode(kind: str, value: Any) -> Any:
    """A value from the database in its JSON form. JSON columns come as their text, to tell null from nothing."""
    if value is None:
        return None
    if kind == "moment":
        return value.astimezone(UTC).isoformat()
    if kind == "date":
        return value.isoformat()
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == "decimal":
        return str(value)
    return value


def _json(text: str) -> Any:
    found = json.loads(text)
    return sa.JSON.NULL if found is None else found


DECODERS: dict[str, Callable[[Any], Any]] = {
    "moment": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": base64.b64decode,
    "decimal": Decimal,
    "json": _json,
}


def decode(kind: str, value: Any) -> Any:
    """The reverse."""
    return value if value is None or kind not in DECODERS else DECODERS[kind](value)


def tables_of(metadata: sa.MetaData) -> list[tuple[sa.Table, Table]]:
    """All tables, those that others refer to first."""
    ordered = [table for table, _ in sort_tables_and_constraints(metadata.tables.values()) if table is not None]  # type: ignore[no-untyped-call]
    place = {table.name: number for number, table in enumerate(ordered)}
    found = []
    for table in ordered:
        later = {
            element.parent.name
            for constraint in table.foreign_key_constraints
            for element in constraint.elements
            if place[element.column.table.name] >= place[table.name] and element.parent.nullable
        }
        columns = tuple(Column(column.name, kind_of(column)) for column in table.columns)
        key = tuple(column.name for column in table.primary_key)
        found.append((table, Table(table.name, columns, key, tuple(sorted(later)))))
    return found


def rows_of(connection: sa.Connection, table: sa.Table, like: Table) -> Iterator[str]:
    """The rows as lines of JSON, by key, a few at a time."""
    asked = [
        sa.cast(table.c[column.name], sa.Text).label(column.name) if column.kind == "json" else table.c[column.name]
        for column in like.columns
    ]
    query = sa.select(*asked).order_by(*table.primary_key.columns)
    kinds = [column.kind for column in like.columns]
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
        values = [encode(kind, value) for kind, value in zip(kinds, row, strict=True)]
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"


def light(like: Table) -> sa.TableClause:
    """The table for statements, without the models."""
    columns = [sa.column(column.name, TYPES[column.kind]()) for column in like.columns]
    return sa.table(like.name, *columns)


def batches(lines: Iterator[str], like: Table) -> Iterator[list[dict[str, Any]]]:
    """Rows from lines of JSON, ready to insert, a few at a time."""
    batch: list[dict[str, Any]] = []
    for line in lines:
        values = json.loads(line)
        batch.append(
            {column.name: decode(column.kind, value) for column, value in zip(like.columns, values, strict=True)}
        )
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def pieces(source: IO[bytes]) -> Iterator[bytes]:
    """What `source` holds, a MiB at a time."""
    while piece := source.read(CHUNK):
        yield piece


def digest(source: IO[bytes]) -> tuple[int, str]:
    """Length and SHA-256 of what `source` holds."""
    length, sha = 0, hashlib.sha256()
    for piece in pieces(source):
        length += len(piece)
        sha.update(piece)
    return length, sha.hexdigest()


def manifest_of(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What the backup says of itself. Raises Damaged."""
    try:
        found: dict[str, Any] = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError, zipfile.BadZipFile) as fault:
        raise Damaged("this is no backup of Concours, or its end is missing") from fault
    if found.get("format") != FORMAT:
        raise Damaged(f"this backup has the format {found.get('format')}; this program reads {FORMAT}")
    return found


def listed_files(archive: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    """Name, size and digest of each stored file."""
    with archive.open(FILES) as lines:
        for line in lines:
            yield json.loads(line)


def verify(archive: zipfile.ZipFile, manifest: Mapping[str, Any], tick: Callable[[int], object]) -> None:
    """Reads all of it and compares with what was written down; `tick` gets the bytes read. Raises Damaged."""

    def check(name: str, sha256: str) -> None:
        try:
            with archive.open(name) as source:
                length, found = digest(source)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError) as fault:
            raise Damaged(f"{name} is missing or damaged") from fault
        if found != sha256:
            raise Damaged(f"{name} is not as it was written")
        tick(length)

    for raw in manifest["tables"]:
        check(f"tables/{raw['name']}.jsonl", raw["sha256"])
    check(FILES, manifest["files"]["sha256"])
    for item in listed_files(archive):
        check(f"files/{item['name']}", item["sha256"])


def fingerprint(secret: str) -> str:
    """What may be known of a key in order to recognise it."""
    return hashlib.sha256(b"concours key fingerprint\0" + secret.encode()).hexdigest()[:16]


def lines_of(source: IO[bytes]) -> Iterator[str]:
    """The lines of a member as text."""
    for line in source:
        yield line.decode()


__all__: Sequence[str] = (
    "FILES",
    "FORMAT",
    "KEY",
    "MANIFEST",
    "Column",
    "Damaged",
    "Table",
    "batches",
    "fingerprint",
    "light",
    "lines_of",
    "listed_files",
    "manifest_of",
    "pieces",
    "rows_of",
    "tables_of",
    "verify",
)
