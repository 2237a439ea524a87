"""How sizes and kinds of files are named in sentences for people."""

from concours.media.limits import MIB

LABELS = {
    "jpeg": "JPEG",
    "png": "PNG",
    "heic": "HEIC",
    "webp": "WebP",
    "mp4": "MP4",
    "mov": "MOV",
    "webm": "WebM",
    "mp3": "MP3",
    "m4a": "M4A",
    "wav": "WAV",
    "gif": "GIF",
    "svg": "SVG",
    "tiff": "TIFF",
    "bmp": "BMP",
    "avif": "AVIF",
    "psd": "Photoshop",
    "pdf": "PDF",
    "zip": "ZIP",
    "docx": "Word",
    "pptx": "PowerPoint",
    "xlsx": "Excel",
    "doc": "Microsoft Office",
    "rar": "RAR",
    "7z": "7-Zip",
    "mkv": "Matroska (MKV)",
    "avi": "AVI",
    "wmv": "WMV",
    "flv": "FLV",
    "mpeg": "MPEG",
    "playlist": "M3U8",
    "ogg": "Ogg",
    "flac": "FLAC",
    "aac": "AAC",
    "amr": "AMR",
    "html": "HTML",
}
"""What people call a format; a format without a name here is unknown to them."""


def label(form: str) -> str:
    """The name of one format, for example JPEG."""
    return LABELS.get(form, form.upper())


def labels(formats: tuple[str, ...]) -> str:
    """The names of several, for example JPEG, PNG, WebP."""
    return ", ".join(label(form) for form in formats)


def in_mb(size: int) -> str:
    """Bytes as people read them: 512 KB, 3.4 MB, 2 GB (powers of 1,024)."""
    if size < MIB:
        return f"{max(1, round(size / 1024))} KB"
    unit, scale = ("GB", MIB * 1024) if size >= MIB * 1024 else ("MB", MIB)
    return f"{size / scale:.1f}".removesuffix(".0") + f" {unit}"
