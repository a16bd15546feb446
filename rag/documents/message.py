"""E-mail messages (`.eml`): who wrote to whom and when, the body, and what is attached.

The header is written into the text as a row, so that it can be asked about. An attachment that some
loader reads follows under a heading with its name; of others only the name is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import PurePath

from rag.documents import numbers
from rag.documents.encoding import binary
from rag.documents.manuscript import Manuscript, one_line
from rag.documents.markup import write
from rag.errors import SourceError
from rag.types import Document

HEADER = "Message header"
MAX_ATTACHMENTS = 50  # that are read; of more only the names are kept
_FIELD = re.compile(rb"^([A-Za-z][\w-]{1,60}):[ \t]?", re.MULTILINE)
_FIELDS = frozenset(
    b"from to cc bcc subject date message-id mime-version received return-path delivered-to "
    b"content-type reply-to sender in-reply-to references".split()
)

Read = Callable[[bytes, str], Document]
"""Reads the bytes of a named file as one document; raises `SourceError`."""


class Message:
    """Load a message as one document; `read` loads its attachments."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept what begins with the header of a message: a sender and two more fields of one."""
        if binary(data):
            return False
        head = re.split(rb"\r?\n\r?\n", data.lstrip(), maxsplit=1)[0]
        found = {field.lower() for field in _FIELD.findall(head)} & _FIELDS
        starts = bool(_FIELD.match(head))
        enough = 1 if PurePath(name).suffix.lower() == ".eml" else 3
        return starts and len(found) >= enough and (enough == 1 or b"from" in found)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the message, with its subject as title."""
        found = BytesParser(policy=policy.default).parsebytes(data.lstrip())
        assert isinstance(found, EmailMessage)
        facts = {name: _field(found, name) for name in ("from", "to", "cc")}
        date, written = _date(found)
        attached = [(_name(part, n), part) for n, part in enumerate(found.iter_attachments(), 1)]
        names = ", ".join(name for name, _ in attached)
        subject = _field(found, "subject")
        manuscript = Manuscript()
        header = {
            "From": facts["from"],
            "To": facts["to"],
            "Cc": facts["cc"],
            "Date": written,
            "Subject": subject,
            "Attachments": names,
        }
        said = "; ".join(f"{key}: {words}" for key, words in header.items() if words)
        if said:
            manuscript.rows([f"{said}."], HEADER)
        _body(found, manuscript)
        unread = self._attachments(attached, manuscript)
        facts |= {"author": facts["from"], "date": date}
        facts |= {"attachments": names, "unread": ", ".join(unread)}
        return [manuscript.document(source, subject, facts)]

    def _attachments(
        self, attached: Sequence[tuple[str, MIMEPart]], manuscript: Manuscript
    ) -> list[str]:
        """Write the attachments that can be read; return the names of the others."""
        unread = []
        for number, (name, part) in enumerate(attached):
            try:
                if number >= MAX_ATTACHMENTS:
                    raise SourceError("too many attachments")
                document = self._read(_bytes(part), name)
            except Exception:  # a damaged attachment must not cost the message
                unread.append(name)
                continue
            manuscript.heading(f"Attachment: {name}", 1)
            manuscript.include(document)
        return unread


def _field(message: EmailMessage, name: str) -> str:
    """Return a field of the header in words; "" where it is missing or broken."""
    try:
        return one_line(str(message.get(name, "")))
    except Exception:  # the library's parsers raise many things on what spammers write
        return ""


def _date(message: EmailMessage) -> tuple[str, str]:
    """Return the date as ISO 8601 and in words; what is no date as it stands."""
    given = _field(message, "date")
    try:
        found = parsedate_to_datetime(given)
    except (ValueError, TypeError, IndexError):
        return given, given
    return found.date().isoformat(), numbers.shown(found.replace(tzinfo=None))


def _name(part: MIMEPart, number: int) -> str:
    return one_line(part.get_filename() or "") or f"attachment {number}"


def _bytes(part: MIMEPart) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0)
        assert isinstance(inner, EmailMessage)
        return inner.as_bytes()
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _body(message: EmailMessage, manuscript: Manuscript) -> None:
    """Write the body: the plain one, else what a reader would see of the HTML one."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return
    try:
        words = str(part.get_content())
    except (LookupError, UnicodeError, KeyError):  # an alphabet that Python does not know
        words = _bytes(part).decode("utf-8", "replace")
    if part.get_content_type() == "text/html":
        write(words, manuscript)
        return
    for paragraph in re.split(r"\n\s*\n", words.replace("\r\n", "\n")):
        manuscript.paragraph(paragraph)
