"""Which version of the loaders this is: another one may read the same file differently."""

from __future__ import annotations

import functools
import hashlib
from importlib import metadata
from pathlib import Path

PARSERS = (
    *("charset-normalizer", "lxml", "openpyxl", "pypdf", "pypdfium2", "python-docx"),
    *("python-pptx", "trafilatura"),
)
BESIDE = ("blocks.py", "layout.py", "lines.py", "types.py")  # modules that the loaders stand on


@functools.cache
def version() -> str:
    """Return 16 hex digits that change with the loaders' code and the libraries they parse with."""
    total = hashlib.sha256()
    here = Path(__file__).parent
    for path in (*sorted(here.glob("*.py")), *(here.parent / name for name in BESIDE)):
        total.update(path.read_bytes())
    for name in PARSERS:
        total.update(f"{name} {_installed(name)}\n".encode())
    return total.hexdigest()[:16]


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
