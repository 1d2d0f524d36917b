"""Which files are let in, and whether the first bytes of one are what its type says.

Nothing that a browser would run as ours (HTML, SVG, scripts) is in the list: files are served from
the LMS's own address.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from urllib.parse import quote

from contracts.errors import Rejected
from gateway.errors import UnsupportedMedia

HEAD = 512
"""Bytes inspected."""

Test = Callable[[bytes], bool]


def _starts(*prefixes: bytes) -> Test:
    return lambda head: head.startswith(prefixes)


def _iso(*brands: bytes) -> Test:
    """An ISO base media file (ISO/IEC 14496-12), of one of these brands if any are given."""

    def test(head: bytes) -> bool:
        return head[4:8] == b"ftyp" and (not brands or head[8:12] in brands)

    return test


def _riff(kind: bytes) -> Test:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == kind


def _text(head: bytes) -> bool:
    """UTF-8 without control characters, as far as we see; the end may be cut within a letter."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in text)


def _vtt(head: bytes) -> bool:
    return _text(head) and head.removeprefix(codecs.BOM_UTF8).startswith(b"WEBVTT")


_ZIP = _starts(b"PK\x03\x04")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."

TYPES: dict[str, Test] = {
    "video/mp4": _iso(),
    "video/webm": _starts(b"\x1a\x45\xdf\xa3"),
    "video/quicktime": _iso(b"qt  "),
    "audio/mpeg": _starts(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "audio/mp4": _iso(),
    "audio/ogg": _starts(b"OggS"),
    "audio/wav": _riff(b"WAVE"),
    "audio/webm": _starts(b"\x1a\x45\xdf\xa3"),
    "image/png": _starts(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _starts(b"\xff\xd8\xff"),
    "image/gif": _starts(b"GIF87a", b"GIF89a"),
    "image/webp": _riff(b"WEBP"),
    "application/pdf": _starts(b"%PDF-"),
    "application/epub+zip": _ZIP,
    "application/zip": _ZIP,
    f"{_OFFICE}wordprocessingml.document": _ZIP,
    f"{_OFFICE}presentationml.presentation": _ZIP,
    f"{_OFFICE}spreadsheetml.sheet": _ZIP,
    f"{_OPEN}text": _ZIP,
    f"{_OPEN}presentation": _ZIP,
    f"{_OPEN}spreadsheet": _ZIP,
    "text/plain": _text,
    "text/csv": _text,
    "text/markdown": _text,
    "text/vtt": _vtt,
}

_SHOWN = ("video/", "audio/", "image/", "application/pdf", "text/vtt", "text/plain")


def allowed(media_type: str) -> None:
    """Raises ``UnsupportedMedia`` for a type we do not take."""
    if media_type not in TYPES:
        raise UnsupportedMedia(
            f"files of type {media_type} are not taken; known are {', '.join(TYPES)}"
        )


def looks_like(media_type: str, head: bytes) -> None:
    """Raises ``Rejected`` where the first bytes are not those of the type."""
    if not TYPES[media_type](head[:HEAD]):
        raise Rejected(f"the bytes are not those of {media_type}")


def disposition(media_type: str, name: str) -> str:
    """``Content-Disposition`` (RFC 6266): shown where a browser can, otherwise kept."""
    how = "inline" if media_type.startswith(_SHOWN) else "attachment"
    plain = "".join(c if (c.isascii() and c.isalnum()) or c in " .-_" else "_" for c in name)
    quoted = quote(name, safe="")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quoted}"
