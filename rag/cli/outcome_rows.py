"""JSON lines of an evaluation: a row a question, written with `--rows` and read with `--from`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rag.cli import rows as lines
from rag.dataset import Dataset, Item
from rag.errors import FormatUnknown, SourceEmpty, SourceMissing
from rag.outcomes import Outcome
from rag.types import Answer, Citation, Place

HINT = "--from takes the file that --rows wrote for the same dataset"


def row(one: Outcome) -> dict[str, Any]:
    """Return one question's outcome as JSON can hold it."""
    made: dict[str, Any] = {
        "id": one.item.id,
        "question": one.item.question,
        "answerable": one.item.answerable,
        "answers": list(one.item.answers),
        "gold": dict(one.item.gold),
        "ranked": list(one.ranked),
        "seconds": one.seconds,
    }
    if one.answer is not None:
        made |= {"right": one.right, "answer": lines.answer_row(one.answer, one.item.id)}
        made |= {"short": one.answer.short}
        made |= {"draft": one.answer.draft, "rejected": one.answer.rejected}
        made |= {"exact": one.exact, "dangling": one.dangling}
    if one.judged is not None:
        made |= {"sentences": [asdict(sentence) for sentence in one.judged]}
    return made


def read(path: Path, dataset: Dataset) -> tuple[Dataset, tuple[Outcome, ...]]:
    """Return the outcomes that rows tell of, and the dataset with just their questions.

    What is right comes from the dataset, what was said from the rows; sentences are not read, they
    are judged again.

    Raises:
        SourceMissing: there is no such file.
        SourceEmpty: it has no row.
        FormatUnknown: a line is no such row, or is about a question that the dataset lacks.
    """
    if not path.is_file():
        raise SourceMissing(f"no such file: {path}", hint=HINT)
    known = {item.id: item for item in dataset.items}
    outcomes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found = json.loads(line)
            item = known.get(found["id"])
            if item is None:
                where = f"{path}:{number}"
                raise FormatUnknown(f"{where} is about a question not in the dataset", hint=HINT)
            outcomes.append(_outcome(found, item))
        except KeyError as error:
            raise FormatUnknown(f"{path}:{number} has no {error}", hint=HINT) from None
        except (TypeError, ValueError) as error:
            raise FormatUnknown(f"{path}:{number} is no such row: {error}", hint=HINT) from None
    if not outcomes:
        raise SourceEmpty(f"no row in {path}", hint=HINT)
    return replace(dataset, items=tuple(one.item for one in outcomes)), tuple(outcomes)


def _outcome(found: Mapping[str, Any], item: Item) -> Outcome:
    ranked, seconds = tuple(found["ranked"]), float(found["seconds"])
    if "answer" not in found:
        return Outcome(item, ranked, seconds)
    said = found["answer"]
    answer = Answer(
        question=said["question"],
        text=said["text"],
        abstained=said["abstained"],
        confidence=said["confidence"],
        citations=tuple(_citation(one) for one in said["citations"]),
        timings=said["timings"],
        draft=found["draft"],
        rejected=found["rejected"],
        short=found["short"],
    )
    return Outcome(item, ranked, seconds, answer, found["exact"], found["dangling"])


def _citation(row: Mapping[str, Any]) -> Citation:
    place = Place(tuple(row.get("headings", ())), row.get("page", ""), row.get("table", ""))
    return Citation(row["marker"], row["document"], row["start"], row["end"], row["quote"], place)
