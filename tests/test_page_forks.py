"""What the page asks of the real pipeline beyond answering: copies, other thresholds, readings."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.index import Index
from rag.pipeline import Models, Pipeline, build
from rag.settings import Settings
from rag.types import Entry
from tests.fakes import ScriptedGenerator
from tests.index_fakes import HashEmbedder

ALWAYS = Settings(reader={"min_answerable": 0.0})  # type: ignore[arg-type]
BRIDGE = "The stone bridge at Arta was built by Ana Ruiz in 1931, and it cost forty thousand."
HARBOUR = "Twelve fishing boats sank in the harbour of Corfu during the great storm of 1954."
WHERE = "Where did twelve fishing boats sink?"


@pytest.fixture
def bot(tmp_path: Path) -> Pipeline:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    embedder = HashEmbedder()
    build(docs, tmp_path / "index", ALWAYS, embedder=embedder)
    index = Index.open(tmp_path / "index", embedder.identity)
    return Pipeline(ALWAYS, Models(embedder, ScriptedGenerator("It was.")), index)


def test_what_is_added_to_a_copy_stays_in_the_copy(bot: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "harbour.txt").write_text(HARBOUR, encoding="utf-8")
    before = bot.index.commit
    copy = bot.fork(tmp_path / "copy")
    assert copy.index.commit == before
    assert copy.documents() == bot.documents()
    copy.add([tmp_path / "harbour.txt"])
    assert "Corfu" in copy.ask(WHERE).citations[0].quote
    assert [document.text for document in bot.documents()] == [BRIDGE]
    assert Index.newest(tmp_path / "index") == before
    copy.index.verify()
    copy.remove([copy.documents()[0].id])
    assert [document.text for document in copy.documents()] == [HARBOUR]
    copy.close()
    assert "Arta" in bot.ask("Who built the stone bridge?").citations[0].quote


def test_a_copy_of_a_commit_knows_nothing_of_later_ones(bot: Pipeline, tmp_path: Path) -> None:
    old = bot.index
    (tmp_path / "harbour.txt").write_text(HARBOUR, encoding="utf-8")
    bot.add([tmp_path / "harbour.txt"])
    old.copy(tmp_path / "copy")
    with Index.open(tmp_path / "copy") as copied:
        copied.verify()
        assert [document.text for document in copied.documents()] == [BRIDGE]


def test_a_list_of_documents_leaves_their_texts_out(bot: Pipeline) -> None:
    document = bot.documents()[0]
    assert bot.index.entries() == (
        Entry(document.id, document.title, document.source, len(BRIDGE)),
    )


def test_thresholds_are_one_callers_own(bot: Pipeline) -> None:
    strict = bot.tuned(passages=1, min_answerable=1.0)
    assert strict.ask("Who built the stone bridge?").abstained
    assert not bot.ask("Who built the stone bridge?").abstained
    assert strict.settings.retriever.top_k == 1
    assert bot.settings.retriever.top_k == Settings().retriever.top_k
    assert bot.tuned(passages=None, min_answerable=None).settings == bot.settings


def test_reading_finds_evidence_and_writes_nothing(bot: Pipeline) -> None:
    reading = bot.read("Who built the stone bridge?")
    assert reading.evidence[0].quote == BRIDGE
    assert [hit.text for hit in reading.hits] == [BRIDGE]
