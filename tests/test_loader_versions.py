from __future__ import annotations

import re
from pathlib import Path

import pytest

from rag import documents
from rag.documents.versions import BESIDE, version


def test_the_version_covers_every_module_the_loaders_stand_on() -> None:
    package = Path(documents.__file__).parent.parent
    todo = [*(package / "documents").glob("*.py")]
    known: set[Path] = set()
    while todo:
        path = todo.pop()
        known.add(path)
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^(?:from|import) rag\.([\w.]+)", text, re.MULTILINE):
            found = (package / name.replace(".", "/")).with_suffix(".py")
            if found.is_file() and found not in known:
                todo.append(found)
    beside = {path.name for path in known if path.parent == package}
    assert beside - {"errors.py"} == set(BESIDE)


def test_the_version_changes_with_a_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    before = version()
    assert re.fullmatch("[0-9a-f]{16}", before)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    version.cache_clear()
    assert version() != before
    monkeypatch.undo()
    version.cache_clear()
    assert version() == before
