"""Whether a colour profile is sRGB under whatever name: its colours need no conversion then, and most phones' do not.

ICC.1:2022, 7.2 (header and tags) and 10 (types).
"""

import struct

PRIMARIES = {
    b"rXYZ": (0.4360, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""Of sRGB, adapted to D50 (IEC 61966-2-1)."""

CLOSE = 0.002
SRGB_GAMMA = 2.4
MIDDLE = 0.2140
"""The light of the middle of the scale under sRGB's curve."""


def is_srgb(profile: bytes) -> bool:
    """Whether the ICC profile has sRGB's primaries and its curve, and no table that overrides them."""
    try:
        tags = _tags(profile)
        if b"A2B0" in tags or b"A2B1" in tags or profile[16:20] != b"RGB ":
            return False
        near = all(
            abs(found - wanted) < CLOSE
            for name, primary in PRIMARIES.items()
            for found, wanted in zip(_xyz(tags[name]), primary, strict=True)
        )
        return near and all(_is_srgb_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (KeyError, struct.error, IndexError, ValueError):
        return False


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > 200:
        raise ValueError("too many tags")
    found = {}
    for number in range(count):
        name, offset, length = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        found[name] = profile[offset : offset + length]
    return found


def _xyz(tag: bytes) -> tuple[float, float, float]:
    x, y, z = struct.unpack_from(">3i", tag, 8)
    return x / 65536, y / 65536, z / 65536


def _is_srgb_curve(tag: bytes) -> bool:
    """A parametric curve with sRGB's exponent, or a table whose middle is sRGB's."""
    if tag[:4] == b"para":
        kind, gamma = struct.unpack_from(">H2xi", tag, 8)
        return bool(kind in {3, 4} and abs(gamma / 65536 - SRGB_GAMMA) < CLOSE)
    if tag[:4] != b"curv":
        return False
    (count,) = struct.unpack_from(">I", tag, 8)
    if count < 16:
        return False
    (middle,) = struct.unpack_from(">H", tag, 12 + 2 * (count // 2))
    return bool(abs(middle / 65535 - MIDDLE) < 0.01)
