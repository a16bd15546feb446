"""Zip archives that hold a document: looked at before they are opened, and refused when unsafe.

Sizes come from the archive's directory, beyond which Python's zipfile never reads, so nothing has
to be unpacked to tell a bomb. Knows which kind of document an archive is by its members' names.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

from rag.errors import SourceError

MAX_TOTAL = 256 * 1024 * 1024  # bytes of all members
MAX_RATIO = 200  # of all members to the archive, which honest text does not reach ...
FREE = 32 * 1024 * 1024  # ... and what is always allowed
MAX_MEMBERS = 10_000
PROLOG = 4096  # bytes of a part in which a document type would stand

_SIGNATURE = b"PK\x03\x04"
_KINDS = {"word/": "word", "ppt/": "slides", "xl/": "workbook", "mimetype": "epub"}


def kind(head: bytes) -> str:
    """Tell what an archive holds by its first members: word, slides, workbook, epub or nothing."""
    if not head.startswith(_SIGNATURE):
        return ""
    for name in _names(head):
        for start, found in _KINDS.items():
            if name.startswith(start) and (found != "epub" or b"application/epub" in head[:200]):
                return found
    return ""


def _names(head: bytes) -> Iterator[str]:
    """Yield the names of the members whose headers are in the first bytes."""
    at = 0
    while (at := head.find(_SIGNATURE, at)) >= 0 and at + 30 <= len(head):
        (length,) = struct.unpack_from("<H", head, at + 26)
        yield head[at + 30 : at + 30 + length].decode("utf-8", "replace")
        at += 30


def opened(data: bytes, source: str) -> zipfile.ZipFile:
    """Open an archive whose sizes are sane.

    Raises `SourceError` when it is damaged, locked, or would unpack to too much.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise SourceError(f"{source} is damaged or cut off ({error}).") from error
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS:
        raise SourceError(f"{source} holds {len(members)} files; at most {MAX_MEMBERS} are read.")
    if total > MAX_TOTAL or total > max(FREE, MAX_RATIO * len(data)):
        raise SourceError(
            f"{source} would unpack to {total >> 20} MB from {len(data) >> 10} kB: a zip bomb?",
            hint="Save it again with the program it came from.",
        )
    if any(member.flag_bits & 1 for member in members):
        raise SourceError(f"{source} is locked with a password.")
    return archive


def office(data: bytes, source: str) -> None:
    """Check an Office file before its library opens it: sizes, and no part that defines entities.

    Raises `SourceError`. The format allows no document type, and entities are how small XML grows.
    """
    with opened(data, source) as archive:
        for member in archive.infolist():
            if member.filename.endswith((".xml", ".rels")):
                with archive.open(member) as part:
                    head = part.read(PROLOG).replace(b"\0", b"").upper()
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise SourceError(f"{source} defines XML entities, which no Office file does.")


def xml(data: bytes) -> Any:
    """Parse XML without entities, network or outsized trees; return its root element."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, recover=True
    )
    root = etree.fromstring(data, parser)
    if root is None:
        raise ValueError("not XML")
    return root
