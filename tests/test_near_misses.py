"""Near misses to learn from: changes of a question that a reader falls for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rag.reader_network import ReaderNetwork
from tests.tiny_bert import write_base
from training import export, near_misses
from training.data import Recipe, held_out, reader_group
from training.mining import Neighbours
from training.unanswerable import Changes

PREMISE = "In 1931 the engineer Ana Ruiz built a bridge for the town of Arta."
ROW: dict[str, Any] = {
    "question": "Who built a bridge for Arta in 1931?",
    "passage": PREMISE,
    "answer": "Ana Ruiz",
    "answer_start": PREMISE.index("Ana"),
    "source": "squad",
}


def test_known_changes_come_first_and_the_hardest_most() -> None:
    known = {(ROW["question"], ROW["passage"]): ["hardest?", "easier?"]}
    recipe = Recipe(near=0, changed=1, withheld=0, typed=0)
    drawn = [
        reader_group(ROW, Neighbours.none(), recipe, Random(seed), Changes(known))[1].question
        for seed in range(200)
    ]
    assert set(drawn) == {"hardest?", "easier?"}
    assert 150 < drawn.count("hardest?") < 190
    other = reader_group(ROW, Neighbours.none(), recipe, Random(1), Changes())[1].question
    assert other not in ("hardest?", "easier?", ROW["question"])


def test_changes_are_put_in_the_order_of_a_readers_odds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = write_base(tmp_path / "base")
    monkeypatch.setattr(near_misses, "base_folder", lambda: base)
    weights = tmp_path / "reader.safetensors"
    network = ReaderNetwork.start(base, 1)
    export.export({n: p.detach() for n, p in network.changed().items()}, base, weights, {})
    with gzip.open(tmp_path / "reader.jsonl.gz", "wt") as file:
        for year in range(1900, 1990):
            row = ROW | {
                "question": ROW["question"].replace("1931", str(year)),
                "passage": f"When was it founded? {PREMISE.replace('1931', str(year))}",
                "answer_start": ROW["answer_start"] + len("When was it founded? "),
            }
            print(json.dumps(row), file=file)
    every = near_misses.drawn(tmp_path, 0)
    assert 70 < len(every) < 90  # a few passages are held out
    found = near_misses.surest(weights, every)
    for one, changes in zip(every, found, strict=True):
        assert sorted(text for _, text in changes) == sorted(one.changes)
        assert [odds for odds, _ in changes] == sorted((o for o, _ in changes), reverse=True)
        assert one.question not in one.changes


def test_texts_in_other_words_have_changes_too(tmp_path: Path) -> None:
    source = "squad-flan-x/partial"
    told = "The bridge of Arta was the work of Ana Ruiz, who came in 1931."
    texts = (
        (told, ROW["question"]),
        (told, "Who came to Arta in 1950?"),  # not known shortly, its answer not word for word
    )
    free = [
        {"source": source, "question": q, "passages": [text], "answer": "A certain engineer."}
        for text, q in texts
    ]
    free.append(free[0] | {"source": f"{source}-abstain"})
    for name, rows in (("reader", [ROW]), ("generative", free)):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    assert not held_out(told)
    assert not held_out(PREMISE)
    found = near_misses.drawn(tmp_path, 0)
    assert [(one.question, one.passage) for one in found] == [
        (ROW["question"], PREMISE),
        (ROW["question"], told),
    ]
    assert told[slice(*found[1].answer)] == "Ana Ruiz"


def test_a_file_of_changes_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "near.jsonl.gz"
    with gzip.open(path, "wt") as file:
        kept = {"question": "q", "passage": "p", "changes": [[1.5, "a"], [-2.0, "b"], [-5.0, "c"]]}
        print(json.dumps(kept), file=file)
    assert near_misses.changes(path).known == {("q", "p"): ["a", "b"]}
    assert near_misses.changes(None).known == {}
