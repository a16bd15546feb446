"""Searching only the documents whose metadata match: as exact as searching all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.index import Index
from rag.pipeline import Models, Pipeline, build
from rag.settings import Settings
from rag.types import Document
from tests.fakes import ScriptedGenerator
from tests.index_fakes import HashEmbedder
from tests.index_fakes import build as index_of

WORDS = ["river", "town", "police", "treaty", "engine", "valley"]
ALWAYS = Settings(reader={"min_answerable": 0.0})  # type: ignore[arg-type]


def brute(index: Index, ids: set[str], query: np.ndarray, k: int) -> list[tuple[str, float]]:
    every = index.dense(query, 10_000)
    return [(p.id, score) for p, score in every if p.document in ids][:k]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(
        st.tuples(
            st.lists(st.sampled_from([*WORDS, "\n"]), min_size=1, max_size=9),
            st.sampled_from(["Ann", "Bob", ""]),
        ),
        min_size=1,
        max_size=30,
    ),
    question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    k=st.integers(0, 40),
)
def test_a_selection_is_the_whole_without_the_others(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[tuple[list[str], str]],
    question: list[str],
    k: int,
) -> None:
    documents = [
        Document(f"d{n}", "a " + " ".join(words), metadata={"author": name} if name else {})
        for n, (words, name) in enumerate(texts)
    ]
    folder = tmp_path_factory.mktemp("index")
    index_of(folder, documents)
    asked = " ".join(question)
    query = HashEmbedder().query(asked)
    with Index.open(folder) as index:
        for name in ("Ann", "Bob", "Nobody"):
            ids = {d.id for d in documents if d.metadata.get("author") == name}
            some = index.matching({"author": name})
            assert [d.id for d in some.documents()] == [d.id for d in documents if d.id in ids]
            assert [(p.id, score) for p, score in some.dense(query, k)] == brute(
                index, ids, query, k
            )
            every = [(p.id, s) for p, s in index.lexical(asked, 10_000) if p.document in ids]
            assert [(p.id, s) for p, s in some.lexical(asked, k)] == every[:k]


def test_ties_across_the_edge_of_a_selection(tmp_path: Path) -> None:
    documents = [
        Document(f"d{n}", "same line", metadata={"side": "odd" if n % 2 else "even"})
        for n in range(300)
    ]
    index_of(tmp_path, documents)
    with Index.open(tmp_path) as index:
        odd = index.matching({"side": "odd"})
        wanted = [f"d{n}" for n in range(1, 300, 2)][:100]
        query = HashEmbedder().query("same line")
        assert [p.document for p, _ in odd.dense(query, 100)] == wanted
        assert [p.document for p, _ in odd.lexical("same line", 100)] == wanted
        assert len(odd.dense(query, 1000)) == 150
        assert [p.document for p in odd.passages()] == [f"d{n}" for n in range(1, 300, 2)]
        with pytest.raises(KeyError):
            odd.passages("d0")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Pipeline]:
    rows = [
        ("a1", "The stone bridge at Arta was built by Ana Ruiz in 1931.", "Ann", "2020-01-01"),
        ("a2", "The harbour of Arta lies two miles below the old bridge.", "Ann", "2021-01-01"),
        ("b1", "The stone bridge at Arta was built by Pedro Lopez in 1850.", "Bob", "2020-01-01"),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(
            json.dumps({"doc_id": id, "title": id, "text": text, "author": author, "date": date})
            + "\n"
            for id, text, author, date in rows
        )
    )
    embedder = HashEmbedder()
    build(path, tmp_path / "index", ALWAYS, embedder=embedder)
    index = Index.open(tmp_path / "index")
    with Pipeline(ALWAYS, Models(embedder, ScriptedGenerator("unsupported")), index) as opened:
        yield opened


@pytest.mark.parametrize(
    ("where", "cited", "found"),
    [
        ({"author": "Ann"}, "a1", {"a1", "a2"}),
        ({"author": "Bob"}, "b1", {"b1"}),
        ({"author": "Ann", "date": "2021-01-01"}, "a2", {"a2"}),
    ],
)
def test_answers_come_from_the_documents_asked_for(
    bot: Pipeline, where: dict[str, str], cited: str, found: set[str]
) -> None:
    question = "Who built the stone bridge at Arta?"
    answer = bot.ask(question, where=where)
    assert {hit.document for hit in answer.passages} == found
    assert answer.citations[0].document == cited
    events = list(bot.stream(question, where=where))
    assert events[-1].answer is not None
    assert events[-1].answer.text == answer.text
    assert {hit.document for hit in bot.search(question, 9, where=where)} == found
    overview = bot.ask("What is it about?", where=where)
    assert {hit.document for hit in overview.passages} <= found
    number = len(found)
    assert f"{number} document" in bot.ask("Which documents do you have?", where=where).text


@pytest.mark.parametrize("where", [{"author": "ann"}, {"author": ""}, {"colour": "Ann"}])
def test_where_nothing_matches_it_abstains(bot: Pipeline, where: dict[str, str]) -> None:
    answer = bot.ask("Who built the stone bridge at Arta?", where=where)
    assert (answer.abstained, answer.passages, answer.citations) == (True, (), ())


def test_no_condition_is_all(bot: Pipeline) -> None:
    answer = bot.ask("Who built the stone bridge at Arta?", where={})
    assert {hit.document for hit in answer.passages} == {"a1", "a2", "b1"}
