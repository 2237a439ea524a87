"""A round of as many works as the model case has, laid out quickly: their pictures are few and shared."""

import io

import sqlalchemy as sa
from PIL import Image

from concours.base.db import session
from concours.base.storage import storage
from concours.entries.models import EntryFile
from concours.media import names
from concours.media.models import Asset, AssetStatus, Rendition
from tests.jury.build import Jury

WIDTHS = (400, 1600)


def lay_out(jury: Jury, count: int, pictures: int = 12) -> None:
    """`count` accepted works of one picture each, of which `pictures` are different; WebP of 400 and 1,600 pixels."""
    entries = jury.entries(count)
    shared = [_picture(n) for n in range(pictures)]
    session().execute(
        sa.insert(Asset),
        [
            {
                "owner_id": entry.author_id,
                "purpose": "entry",
                "purpose_id": entry.id,
                "filename": f"{entry.number}.jpg",
                "storage_name": f"originals/large/{entry.id}",
                "sha256": f"{entry.id:064x}",
                "size": 3_000_000,
                "status": AssetStatus.READY,
                "kind": "image",
                "format": "jpeg",
                "width": 4000,
                "height": 3000,
                "facts": {},
                "created_at": jury.now,
            }
            for entry in entries
        ],
    )
    rows = session().execute(sa.select(Asset.id, Asset.purpose_id).where(Asset.storage_name.like("originals/large/%")))
    assets = [(asset, int(entry)) for asset, entry in rows.tuples()]
    session().execute(sa.insert(EntryFile), [{"entry_id": entry, "asset_id": asset} for asset, entry in assets])
    session().execute(
        sa.insert(Rendition),
        [
            {
                "asset_id": asset,
                "name": f"w{width}",
                "storage_name": shared[asset % pictures][width],
                "content_type": "image/webp",
                "width": width,
                "height": width * 3 // 4,
                "size": 1000,
            }
            for asset, _ in assets
            for width in WIDTHS
        ],
    )
    session().commit()


def _picture(n: int) -> dict[int, str]:
    called = {}
    for width in WIDTHS:
        called[width] = f"{width:020x}{n:020x}.webp"
        kept = io.BytesIO()
        Image.new("RGB", (width, width * 3 // 4), (20 * n % 255, 90, 120)).save(kept, "WEBP")
        storage().put(names.path_of(called[width]), kept.getvalue())
    return called
