"""How many of the questions to the mixed folder are answered, and cited at the right place.

python -m tests.mixed.scoring
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag import Pipeline
from rag.types import Answer, Document
from tests.mixed import broken, whole
from tests.mixed.questions import MORE, QUESTIONS, Asked


def right(asked: Asked, answer: Answer, document: Document | None) -> bool:
    """Judge an answer: its words, and a citation of the file at the right place."""
    if answer.abstained or not any(w.lower() in answer.text.lower() for w in asked.answers):
        return False
    for citation in answer.citations:
        place = citation.place
        if (
            document is not None
            and citation.document == document.id
            and asked.page in ("", place.page)
            and any(asked.heading in name for name in (*place.headings, ""))
            and (not asked.heading or asked.heading in "\n".join(place.headings))
            and (not asked.table or asked.table in place.table)
        ):
            return True
    return False


def answered(
    folder: Path, index: Path, questions: Sequence[Asked] = QUESTIONS
) -> Iterator[tuple[Asked, Answer, bool]]:
    """Yield each question with its answer, and whether that is right."""
    with Pipeline.open(sources=[folder], index=index) as bot:
        files = {Path(one.source).name: one for one in bot.documents()}
        for asked in questions:
            answer = bot.ask(asked.question)
            yield asked, answer, right(asked, answer, files.get(asked.file))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Ask, and print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "files"
        whole.write(folder, whole.files() | broken.files())
        total = [0, 0]
        for at, (asked, answer, good) in enumerate(
            answered(folder, Path(temporary) / "index", (*QUESTIONS, *MORE))
        ):
            total[at >= len(QUESTIONS)] += good
            _say(f"{'right' if good else 'WRONG'}  {asked.question}\n       {answer.text}")
            for one in answer.citations:
                _say(f"       [{one.marker}] {one.place} {one.quote!r}")
        _say(f"{total[0]} of {len(QUESTIONS)}, and {total[1]} of {len(MORE)} more")


if __name__ == "__main__":
    main()
