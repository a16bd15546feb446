"""SHA-256 of files and folders, and seals that spare hashing the same files at every start.

A seal remembers the size and modification time of every file of a folder at the moment all their
hashes were right. It protects against damage, not against an attacker who can write both. This
module knows nothing of models.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

BLOCK = 1 << 20  # bytes read at a time


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def folder_hashes(folder: Path, suffixes: Iterable[str] = ()) -> dict[str, str]:
    """Hash every file below `folder`: relative path with `/` -> SHA-256, sorted by path.

    With `suffixes`, only files ending in one of them.
    """
    wanted = tuple(suffixes)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in files
        if not wanted or path.name.endswith(wanted)
    }


def combined(hashes: Mapping[str, str]) -> str:
    """Return one SHA-256 for a whole folder, from the paths and hashes of its files."""
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def mismatch(folder: Path, hashes: Mapping[str, str]) -> str:
    """Hash the named files; return "" when all are right, else what is wrong with the first."""
    for name, expected in hashes.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if sha256(path) != expected:
            return f"{name} does not match its checksum"
    return ""


def seal(path: Path, folder: Path, hashes: Mapping[str, str]) -> None:
    """Write down that `folder` was just found right. A seal that cannot be written is left out."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        temporary.write_text(json.dumps(_witness(folder, hashes)), encoding="utf-8")
        temporary.replace(path)


def sealed(path: Path, folder: Path, hashes: Mapping[str, str]) -> bool:
    """Say whether the seal at `path` still fits: same folder, hashes, sizes and times."""
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == _witness(folder, hashes))
    except (OSError, ValueError):
        return False


def _witness(folder: Path, hashes: Mapping[str, str]) -> dict[str, object]:
    """Describe the files as they are now, in plain JSON values."""
    stats = {name: (folder / name).stat() for name in hashes}
    files = {name: [hashes[name], stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}
    return {"folder": str(folder), "files": files}
