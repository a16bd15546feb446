"""Bytes to text: which encoding a file is in, and whether it is text at all.

Knows nothing of formats beyond the first bytes that give a binary one away. The order of trust: a
byte-order mark, UTF-8 (which other text almost never is by accident), UTF-16 told by its zero
bytes, Windows-1252 where the bytes read as Western words, and charset-normalizer for the rest.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

SAMPLE = 64 * 1024  # bytes looked at when guessing

_MARKS = (  # UTF-32 first: its little-endian mark begins with the one of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (  # first bytes -> what a person calls it
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive or an Office file"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"{\\rtf", "an RTF"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a sound, video or WebP file"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3", "an SQLite database"),
)
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{3}")
_SYMBOL_IN_WORD = re.compile(r"[^\W\d_][¡-¿€‚-‰‹Œ×÷¨˜](?<![·’])[^\W\d_]")


def mark(data: bytes) -> str | None:
    """Return the encoding that a byte-order mark names, if there is one."""
    return next((name for bom, name in _MARKS if data.startswith(bom)), None)


def binary(data: bytes) -> str | None:
    """Name the binary format of `data` in a few words; None when it reads as text."""
    head = data[:SAMPLE]
    if name := next((name for magic, name in _MAGIC if head.startswith(magic)), None):
        return name
    if mark(head) or _wide(head):
        return None
    controls = len(_CONTROL.findall(head))
    return "a binary file" if b"\0" in head or controls * 100 > len(head) else None


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of `data` without its byte-order mark, and the name of the encoding.

    Nothing is normalised or stripped. A few broken bytes in what is otherwise UTF-8 (or in the
    encoding found) become U+FFFD instead of turning the whole text into another alphabet.
    """
    if name := mark(data):
        return data.decode(name, errors="replace"), name.removesuffix("-sig")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        name = _guess(data)
        return data.decode(name, errors="replace"), name


def _guess(data: bytes) -> str:
    """Return the likeliest encoding of bytes that are not valid UTF-8."""
    head = data[:SAMPLE]
    if wide := _wide(head):
        return wide
    repaired = data.decode("utf-8", errors="replace")
    broken = repaired.count("\ufffd")
    whole = sum(map(repaired.count, "’“”éèüöäñ–—…")) + len(re.findall(r"[Ā-\ufffc]", repaired))
    if broken * 10 <= whole:
        return "utf-8"
    sample = _with_high_bytes(data)
    if _western(sample):
        return "cp1252"
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def _with_high_bytes(data: bytes) -> bytes:
    """Return a sample that starts shortly before the first byte above 127."""
    found = re.search(rb"[\x80-\xff]", data)
    start = max(0, found.start() - 1024) if found else 0
    return data[start : start + SAMPLE]


def _wide(head: bytes) -> str | None:
    """Tell UTF-16 without a mark by where its zero bytes are (Latin text has one a character)."""
    head = head[: len(head) // 2 * 2]
    if len(head) < 4:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd * 10 >= half * 7 and even * 20 <= half:
        return "utf-16-le"
    if even * 10 >= half * 7 and odd * 20 <= half:
        return "utf-16-be"
    return None


def _western(sample: bytes) -> bool:
    """Judge whether `sample` reads as Windows-1252.

    Charset-normalizer takes short English, French or German texts for Windows-1250. Western text
    has mostly ASCII letters, no long runs of other bytes, and no symbol in the middle of a word
    (as `Za¿ó³æ` has, which is Polish).
    """
    high = sum(byte > 127 for byte in sample)
    letters = sum(chr(byte).isalpha() for byte in sample if byte < 128)
    if high * 2 > letters or _HIGH_RUN.search(sample):
        return False
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return not _SYMBOL_IN_WORD.search(text)
