"""What a file is by its first bytes. Names lie; the first bytes are what every program goes by."""

HEAD_BYTES = 4096
"""How many bytes from the beginning `sniff` wants to see."""

KINDS = {
    "jpeg": "image",
    "png": "image",
    "heic": "image",
    "webp": "image",
    "mp4": "video",
    "mov": "video",
    "webm": "video",
    "mp3": "audio",
    "m4a": "audio",
    "wav": "audio",
}
"""The formats that can be looked into, and what each is."""

SUFFIXES = {
    "jpeg": {"jpg", "jpeg", "jpe", "jfif"},
    "png": {"png"},
    "heic": {"heic", "heif", "hif"},
    "webp": {"webp"},
    "mp4": {"mp4", "m4v", "3gp", "3g2"},
    "mov": {"mov", "qt"},
    "webm": {"webm"},
    "mp3": {"mp3"},
    "m4a": {"m4a", "mp4"},
    "wav": {"wav", "wave"},
}
"""How files of a format are usually named."""

_BEGINNINGS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"%PDF-", "pdf"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"8BPS", "psd"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"#!AMR", "amr"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wmv"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpeg"),
    (b"#EXTM3U", "playlist"),
    (b"ID3", "mp3"),
)

_RIFF = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
_OFFICE = ((b"word/", "docx"), (b"ppt/", "pptx"), (b"xl/", "xlsx"))
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_QUICKTIME_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_AUDIO_BRANDS = {b"M4A ", b"M4B ", b"M4P "}


def sniff(head: bytes) -> str:
    """The format that `head` (the first bytes of a file) belongs to, or "" for one that is not known.

    All formats of `KINDS`, and those that people confuse with them, so that a refusal can say what a file is.
    """
    for beginning, form in _BEGINNINGS:
        if head.startswith(beginning):
            return form
    found = _by_container(head)
    return _by_text(head) if found is None else found


def _by_container(head: bytes) -> str | None:
    """The formats that share a wrapping, told apart by what it says of itself; None for no such wrapping."""
    if head[:4] == b"RIFF":
        found = _RIFF.get(head[8:12], "")
    elif head[4:8] == b"ftyp":
        found = _by_brand(head)
    elif head[4:8] in _QUICKTIME_ATOMS:
        found = "mov"  # QuickTime files from before brands
    elif head[:4] == b"\x1aE\xdf\xa3":
        found = "webm" if b"webm" in head[:128] else "mkv"
    elif head[:4] == b"PK\x03\x04":
        found = next((form for part, form in _OFFICE if part in head), "zip")
    elif len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        found = "mp3" if head[1] & 0x06 else "aac"  # layer 0 is ADTS
    else:
        return None
    return found


def _by_brand(head: bytes) -> str:
    """ISO base media files say in `ftyp` what they are for (ISO/IEC 14496-12, 4.3)."""
    brand = head[8:12]
    if brand in {b"avif", b"avis"}:
        return "avif"
    if brand in _HEIC_BRANDS:
        length = min(int.from_bytes(head[:4], "big"), len(head))
        compatible = {head[at : at + 4] for at in range(16, length, 4)}
        return "avif" if b"avif" in compatible and b"heic" not in compatible else "heic"
    if brand == b"qt  ":
        return "mov"
    return "m4a" if brand in _AUDIO_BRANDS else "mp4"


def _by_text(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "html"
    if text.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in text:
        return "svg"
    return "playlist" if text.startswith((b"#extm3u", b"ffconcat")) else ""
