"""The check of an asset: look inside, hold it against the demands, keep the renditions, settle the row.

`examine` works on files with no transaction open; `settle` is the short transaction afterwards. Both can run twice.
"""

import logging
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from concours.audit import verbs as audit
from concours.base.db import session
from concours.base.messages import Message
from concours.base.storage import Storage
from concours.media import names, purposes, rules, sandbox
from concours.media.models import Asset, AssetStatus, Rendition
from concours.media.purposes import Demands
from concours.media.rules import Content
from concours.media.sandboxed.wire import Findings
from concours.media.signatures import HEAD_BYTES, KINDS, sniff

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Made:
    """A stored rendition; `storage_name` is its public name, sides are in pixels, `size` is in bytes."""

    name: str
    storage_name: str
    content_type: str
    width: int
    height: int
    size: int


@dataclass(frozen=True)
class Outcome:
    """What came of a check; `refusal` is None where the file may stay."""

    form: str
    facts: dict[str, Any]
    refusal: Message | None
    made: tuple[Made, ...] = field(default=())


def examine(asset: Asset, demands: Demands, *, keep: Storage, secret: str, scratch: Path) -> Outcome:
    """Looks into the original and stores its renditions, if it may stay.

    `scratch` is a folder for work files. Raises FileNotFoundError when the original is not there.
    """
    with keep.open(asset.storage_name) as original:
        form = sniff(original.read(HEAD_BYTES))
        unread = Content(asset.filename, form, asset.size, {})
        refusal = rules.refuse_format(unread, demands)
        if refusal is not None:
            return Outcome(form, {"kind": KINDS.get(form, "")}, refusal)
        with sandbox.work_file(scratch) as copy:
            found = _look(asset, original, form, demands, copy)
            content = Content(asset.filename, form, asset.size, found.facts, found.fault)
            refusal = rules.refuse(content, demands)
            if refusal is not None:
                return Outcome(form, found.facts, refusal)
            made = _keep_all(asset.sha256, found, copy, keep=keep, secret=secret)
    return Outcome(form, found.facts, None, tuple(made))


def _look(asset: Asset, original: BinaryIO, form: str, demands: Demands, copy: BinaryIO) -> Findings:
    """What the decoders find; once more when they broke down, for the machine may have been at fault."""
    found = Findings(fault="too_costly")
    for _attempt in range(2):
        original.seek(0)
        copy.seek(0)
        copy.truncate()
        found = sandbox.look(original, form, asset.size, copy, widths=demands.renditions, playable=demands.playback)
        if found.fault not in {"too_costly", "unexpected"}:
            break
        log.warning("asset %s: the decoder says %s %s", asset.id, found.fault, found.facts)
    return found


def _keep_all(sha256: str, found: Findings, copy: BinaryIO, *, keep: Storage, secret: str) -> list[Made]:
    made: list[Made] = []
    for picture in found.pictures:
        name = names.rendition(secret, sha256, picture.name, picture.content_type)
        keep.put(names.path_of(name), picture.data)
        made.append(Made(picture.name, name, picture.content_type, picture.width, picture.height, len(picture.data)))
    if found.playable:
        kind, content_type = str(found.playable["name"]), str(found.playable["content_type"])
        name = names.rendition(secret, sha256, kind, content_type)
        size = copy.seek(0, os.SEEK_END)
        copy.seek(0)
        keep.put(names.path_of(name), copy)
        made.append(Made(kind, name, content_type, int(found.playable["width"]), int(found.playable["height"]), size))
    return made


def settle(asset_id: int, outcome: Outcome, *, now: datetime) -> Asset | None:
    """Writes down what came of the check and tells the purpose's room, in the running transaction.

    None where there is nothing to settle any more: the asset is gone, or was settled by another run.
    """
    asset = session().scalar(
        sa.select(Asset).where(Asset.id == asset_id).with_for_update().execution_options(populate_existing=True)
    )
    if asset is None or asset.status != AssetStatus.CHECKING:
        return None
    facts = dict(outcome.facts)
    asset.kind = str(facts.pop("kind", "") or "")
    asset.format = outcome.form
    asset.width, asset.height = facts.pop("width", None), facts.pop("height", None)
    asset.duration = facts.pop("duration", None)
    asset.facts = facts
    asset.checked_at = now
    if outcome.refusal is None:
        asset.status = AssetStatus.READY
        asset.renditions = [_row(made) for made in outcome.made]
    else:
        asset.status = AssetStatus.REFUSED
        asset.refusal = {"text": outcome.refusal.text, "values": dict(outcome.refusal.values)}
    purpose = purposes.find(asset.purpose)
    if purpose is not None:
        purpose.checked(asset, now)
    audit.record(None, "media.check", asset, now=now, status=str(asset.status))
    return asset


def renew(asset_id: int, outcome: Outcome) -> None:
    """Replaces the renditions of a ready asset by those of `outcome`, in the running transaction."""
    asset = session().scalar(sa.select(Asset).where(Asset.id == asset_id).with_for_update())
    if asset is None or asset.status != AssetStatus.READY or outcome.refusal is not None:
        return
    kept = {row.name: row for row in asset.renditions}
    for made in outcome.made:
        row = kept.pop(made.name, None)
        if row is None:
            asset.renditions.append(_row(made))
        else:
            row.storage_name, row.content_type, row.size = made.storage_name, made.content_type, made.size
            row.width, row.height = made.width, made.height
    for row in kept.values():
        asset.renditions.remove(row)


def _row(made: Made) -> Rendition:
    return Rendition(
        name=made.name,
        storage_name=made.storage_name,
        content_type=made.content_type,
        width=made.width,
        height=made.height,
        size=made.size,
    )
