"""Questions written over training passages: the file, and the groups they make."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random

import pytest

from training import plan as planning
from training.data import Recipe, held_out
from training.mining import Neighbours
from training.plan import plan
from training.written import MANNERS, WRITTEN, Question, key, questions, written_groups

PASSAGE = "Ana Ruiz built the bridge at Arta in 1931. The mayor, Tom Berg, paid for it."
KNOWN = {
    key(PASSAGE): [
        Question("Whose work is the crossing at Arta?", (0, 8)),
        Question("Who gave the money for the bridge in 1930?", None),
    ]
}


def test_the_shipped_file_has_both_kinds_over_each_passage() -> None:
    known = questions()
    every = [one for some in known.values() for one in some]
    assert len(known) > 2_000
    assert len(every) == len({(where, one.text) for where, some in known.items() for one in some})
    assert 0.3 < sum(one.span is not None for one in every) / len(every) < 0.6
    for one in every:
        assert one.text == " ".join(one.text.split())
        assert one.span is None or 0 <= one.span[0] < one.span[1]
    assert WRITTEN.stat().st_size < 3_000_000


def test_neither_kind_is_told_by_how_long_it_is() -> None:
    every = [one for some in questions().values() for one in some]
    means = [
        sum(lengths) / len(lengths)
        for answered in (True, False)
        if (lengths := [len(one.text) for one in every if (one.span is not None) == answered])
    ]
    assert abs(means[0] - means[1]) < 8


def test_those_in_other_manners_are_over_other_passages() -> None:
    known, trained = questions(MANNERS), questions()
    assert len(known) > 100
    assert not set(known) & set(trained)
    for some in known.values():
        assert sum(one.span is not None for one in some) == 2
        assert len({one.text for one in some}) == len(some) == 4


def test_a_passage_is_a_group_of_its_questions() -> None:
    (group,) = written_groups([PASSAGE, "Another.", PASSAGE], KNOWN, 0.0, Random(0))
    first, second = group
    assert (first.question, first.passage) == ("Whose work is the crossing at Arta?", PASSAGE)
    assert first.span is not None
    assert PASSAGE[slice(*first.span)] == "Ana Ruiz"
    assert (first.answerable, first.null) == (1.0, False)
    assert (second.answerable, second.null, second.span) == (0.0, True, None)
    assert first.relevance is second.relevance is None


def test_they_may_be_mistyped() -> None:
    (group,) = written_groups([PASSAGE], KNOWN, 1.0, Random(0))
    assert all(
        one.question != asked.text for one, asked in zip(group, KNOWN[key(PASSAGE)], strict=True)
    )


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert questions(tmp_path / "none.jsonl.gz") == {}


@pytest.mark.usefixtures("no_documents")
def test_a_run_takes_all_that_may_be_trained_on_and_measures_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passages = [f"{PASSAGE} It has number {n}." for n in range(400)]
    for name in ("reader", "rerank", "nli"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            for passage in passages if name == "reader" else ():
                row = {"question": "Who?", "passage": passage, "source": "squad"}
                print(json.dumps(row | {"answer": "Ana Ruiz", "answer_start": 0}), file=file)
    known = {key(passage): KNOWN[key(PASSAGE)] for passage in passages}
    monkeypatch.setattr(planning, "questions", lambda: known)
    recipe = Recipe(reader=(), written=2.0, stated=0, titled=0)
    trained, kept = (
        plan(tmp_path, Neighbours.none(), recipe, 1, kept=kept, share=0.1) for kept in (False, True)
    )
    aside = {passage for passage in passages if held_out(passage)}
    assert aside
    assert {group[0].passage for group in kept} == aside
    assert sorted(group[0].passage for group in trained) == sorted(
        2 * [passage for passage in passages if passage not in aside]
    )
