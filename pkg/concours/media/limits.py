"""Every limit of uploads, with its name and number."""

from datetime import timedelta

MIB = 1024 * 1024

CHUNK_BYTES = 8 * MIB
"""Greatest body of one request of an upload."""

PIECE_BYTES = 256 * 1024
"""What is held in memory of a body at a time."""

UNFINISHED_UPLOADS = 20
"""Uploads of one person that have begun and not ended."""

GIVES_WAY_AFTER = timedelta(hours=1)
"""At that number, an upload that got no byte for so long is dropped for a new one."""

KEPT_FOR = timedelta(days=3)
"""How long an upload may take from its creation; what is not finished then is removed."""

LATE_END = timedelta(hours=1)
"""How long after a deadline an upload may still end that began before it: a slow network is nobody's fault."""

EXPIRED_AT_ONCE = 500
"""Rows of old uploads that one sweep removes, so that it never holds the database for long."""

DISK_RESERVE_BYTES = 256 * MIB
"""What an upload must leave free on the disk of the instance folder."""

FORM_BYTES = 256 * MIB
"""Greatest form with files that a browser without script sends; nothing of it can be resumed."""

FORM_FILES = 20

METADATA_BYTES = 4096
METADATA_PAIRS = 24
FILENAME_CHARACTERS = 255

LOCK_WAIT_S = 2.0
"""How long a piece waits for another request that writes to the same upload."""

MAX_PIXELS = 80_000_000
"""Greatest image, width times height; told from its header before anything is decoded."""
