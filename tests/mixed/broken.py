"""The files of the mixed folder that are broken, locked, empty or something else than they say."""

from __future__ import annotations

import io
import random
import zipfile

from tests.mixed import whole

REASONS = {  # of each file that gives no document: what its reason says
    "cut.pdf": "damaged or cut off",
    "locked.pdf": "locked with a password",
    "scan.pdf": "3 pages that look scanned",
    "blank.pdf": "holds no text",
    "cut.docx": "damaged or cut off",
    "bomb.docx": "zip bomb",
    "entities.docx": "defines XML entities",
    "blank.docx": "holds no text",
    "other.docx": "no Word document",
    "cut.xlsx": "damaged or cut off",
    "bomb.xlsx": "zip bomb",
    "empty.txt": "holds no text",
    "noise.txt": "a binary file",
    "archive.zip": "a zip archive",
    "no-book.epub": "no book",
    "roof.png": "a PNG picture",
    "old.doc": "an old Office file",
    "commas.csv": "holds no text",
    "empty.html": "holds no text",
    "feed.txt": "XML",
    "same-handbook.md": "same text as",
}


def zipped(members: dict[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def bomb(kind: str) -> bytes:
    """An Office file of 300 kB that would unpack to 300 MB."""
    types = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    zeros = b"\0" * (60 << 20)
    return zipped({"[Content_Types].xml": types} | {f"{kind}/{n}.xml": zeros for n in range(5)})


def entities() -> bytes:
    """A Word document whose body is made of entities that name each other."""
    laughs = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>'
    with zipfile.ZipFile(io.BytesIO(whole.letter())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["word/document.xml"] = b'<?xml version="1.0"?>' + laughs
    return zipped(members)


def locked() -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption

    return whole.pdf([[("Secret words", 72, 72, 11)]], encrypt=StandardEncryption("key", "owner"))


def blank() -> bytes:
    import docx

    out = io.BytesIO()
    docx.Document().save(out)
    return out.getvalue()


def files() -> dict[str, bytes]:
    """The files by their names."""
    return {
        "cut.pdf": whole.columns()[:700],
        "locked.pdf": locked(),
        "scan.pdf": whole.scanned(0, 3),
        "blank.pdf": whole.pdf([[]]),
        "cut.docx": whole.policy()[:9000],
        "bomb.docx": bomb("word"),
        "entities.docx": entities(),
        "blank.docx": blank(),
        "other.docx": zipped({"readme.txt": b"not a document"}),
        "cut.xlsx": whole.sales()[:3000],
        "bomb.xlsx": bomb("xl"),
        "empty.txt": b"",
        "noise.txt": random.Random(7).randbytes(5_000),
        "archive.zip": zipped({"a.txt": b"words"}),
        "no-book.epub": zipped({"mimetype": b"application/epub+zip"}, zipfile.ZIP_STORED),
        "roof.png": whole.picture(),
        "old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "commas.csv": b",,,\n,,,\n",
        "empty.html": b"<!doctype html><html><head><script>x = 1</script></head><body></html>",
        "feed.txt": b'<?xml version="1.0"?><feed><entry>words</entry></feed>',
        "same-handbook.md": whole.HANDBOOK.encode(),
    }
