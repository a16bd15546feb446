"""A folder of files of every format, some of them broken: what becomes of each, and of questions.

python -m tests.test_mixed [FOLDER]      # asks the questions and prints what came of each
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.documents import read
from rag.types import Document, Skipped
from tests.mixed import broken, whole
from tests.mixed.questions import MORE, QUESTIONS
from tests.mixed.scoring import answered

LEAST = 0.85  # of the questions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mixed") / "files"
    whole.write(made, whole.files() | broken.files())
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> list[Document | Skipped]:
    return list(read([folder]))


def test_there_are_forty_files_in_ten_formats(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) >= 40
    assert len({name.rsplit(".", 1)[1] for name in whole.files()}) >= 10


def test_every_good_file_is_read(found: list[Document | Skipped]) -> None:
    read_ones = [Path(one.source).name for one in found if isinstance(one, Document)]
    assert sorted(set(read_ones)) == sorted(whole.files())
    assert len(read_ones) == len(whole.files()) + 1  # two rows of questions in one file


def test_every_broken_file_says_what_is_wrong(found: list[Document | Skipped]) -> None:
    reasons = {Path(one.source).name: one.reason for one in found if isinstance(one, Skipped)}
    assert sorted(reasons) == sorted(broken.REASONS)
    for name, reason in broken.REASONS.items():
        assert reason in reasons[name], reasons[name]


def test_marks_stand_where_the_text_says(found: list[Document | Skipped]) -> None:
    for document in found:
        if not isinstance(document, Document):
            continue
        starts = [mark.start for mark in document.marks]
        assert starts == sorted(starts)
        for mark in document.marks:
            words = document.text[mark.start : mark.end]
            assert words.strip(), (document.source, mark)
            if mark.kind == "heading" and not document.source.endswith(".md"):
                assert mark.label == words


@pytest.mark.models
def test_questions_are_answered_and_cited_at_the_right_place(folder: Path, tmp_path: Path) -> None:
    judged = [good for _, _, good in answered(folder, tmp_path / "index", (*QUESTIONS, *MORE))]
    first, more = judged[: len(QUESTIONS)], judged[len(QUESTIONS) :]
    assert len(first) == 20
    assert sum(first) >= LEAST * len(first)
    assert sum(more) >= LEAST * len(more)
