"""An index that lives: files come, change and go while questions are answered over it."""

from __future__ import annotations

import gc
import json
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.errors import EmbedderMismatch, IndexBusy, IndexMissing, SourceMissing
from rag.index import Index
from rag.index.transaction import locked
from rag.pipeline import Models, Pipeline, build
from rag.settings import Settings
from rag.types import FileOutcome, Passage
from tests.fakes import ScriptedGenerator
from tests.index_fakes import HashEmbedder

ALWAYS = Settings(reader={"min_answerable": 0.0})  # type: ignore[arg-type]
BRIDGE = "The stone bridge at Arta was built by Ana Ruiz in 1931, and it cost forty thousand."
HARBOUR = "Twelve fishing boats sank in the harbour of Corfu during the great storm of 1954."
TOWER = "The lamp in the tower on Gull Rock was first lit by Marta Lindqvist in 1874."


class Counting(HashEmbedder):
    """Remembers which passages of the index it embedded, apart from sentences of an answer."""

    def taken(self) -> list[str]:
        seen, self.seen = self.seen, []
        return [text.split("\n", 1)[-1] for text in seen]


@pytest.fixture
def embedder() -> Counting:
    return Counting()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    return folder


@pytest.fixture
def bot(tmp_path: Path, docs: Path, embedder: Counting) -> Pipeline:
    build(docs, tmp_path / "index", ALWAYS, embedder=embedder)
    index = Index.open(tmp_path / "index", embedder.identity)
    embedder.taken()
    return Pipeline(ALWAYS, Models(embedder, ScriptedGenerator("It was.")), index)


def texts(bot: Pipeline) -> list[str]:
    return [document.text for document in bot.documents()]


def states(outcomes: Sequence[FileOutcome]) -> dict[str, str]:
    return {Path(one.source).name: one.state for one in outcomes}


def test_adding_embeds_what_is_new_and_keeps_what_was(
    bot: Pipeline, docs: Path, embedder: Counting
) -> None:
    (docs / "harbour.txt").write_text(HARBOUR)
    report, skipped = bot.add([docs])
    assert states(report.files) == {"bridge.txt": "unchanged", "harbour.txt": "indexed"}
    assert (report.added, report.unchanged, report.removed, report.embedded) == (1, 1, 0, 1)
    assert skipped == ()
    assert embedder.taken() == [HARBOUR]
    assert texts(bot) == [BRIDGE, HARBOUR]
    assert "Corfu" in bot.ask("Where did twelve fishing boats sink?").citations[0].quote
    bot.index.verify()


def test_adding_leaves_other_sources_alone(bot: Pipeline, tmp_path: Path) -> None:
    other = tmp_path / "tower.md"
    other.write_text(TOWER)
    report, _ = bot.add(other)
    assert texts(bot) == [BRIDGE, TOWER]
    assert [one.source for one in report.files] == [str(other)]
    assert report.unchanged == 1


def test_a_changed_file_replaces_its_document(
    bot: Pipeline, docs: Path, embedder: Counting
) -> None:
    (docs / "bridge.txt").write_text(TOWER)
    report, _ = bot.add(docs / "bridge.txt")
    assert report.files == (FileOutcome(str(docs / "bridge.txt"), "updated", documents=1),)
    assert (report.added, report.removed, report.passages) == (1, 1, 1)
    assert texts(bot) == [TOWER]
    assert embedder.taken() == [TOWER]


def test_rows_are_embedded_one_by_one(bot: Pipeline, docs: Path, embedder: Counting) -> None:
    path = docs / "rows.jsonl"

    def write(*values: tuple[str, str]) -> None:
        path.write_text("".join(json.dumps({"doc_id": i, "text": t}) + "\n" for i, t in values))

    write(("a", HARBOUR), ("b", TOWER), ("c", "A line that goes away again soon enough."))
    assert bot.add(path)[0].added == 3
    embedder.taken()
    write(("a", HARBOUR), ("b", TOWER + " It never went out."), ("d", BRIDGE + " Today."))
    report, _ = bot.add(path)
    assert (report.added, report.updated, report.removed) == (1, 1, 1)
    assert report.files == (FileOutcome(str(path), "updated", documents=3),)
    assert embedder.taken() == [TOWER + " It never went out.", BRIDGE + " Today."]
    assert [document.id for document in bot.documents()][1:] == ["a", "b", "d"]
    bot.index.verify()


def test_a_text_of_another_file_is_not_taken_twice(bot: Pipeline, docs: Path) -> None:
    copy = docs / "copy.txt"
    copy.write_text(BRIDGE)
    report, skipped = bot.add(copy)
    assert [s.reason for s in skipped] == [f"same text as {docs / 'bridge.txt'}"]
    assert states(report.files) == {"copy.txt": "skipped"}
    rows = docs / "rows.jsonl"
    rows.write_text(json.dumps({"doc_id": bot.documents()[0].id, "text": TOWER}))
    assert "belongs to another text" in bot.add(rows)[1][0].reason
    assert texts(bot) == [BRIDGE]
    (docs / "bridge.txt").write_text(HARBOUR)  # the copy is the only one with that text now
    now = states(bot.add(docs / "bridge.txt")[0].files)
    assert (now["bridge.txt"], now["copy.txt"]) == ("updated", "indexed")
    assert {(d.source, d.text) for d in bot.documents()} == {
        (str(docs / "bridge.txt"), HARBOUR),
        (str(copy), BRIDGE),
    }


def test_a_missing_source_changes_nothing(bot: Pipeline, docs: Path) -> None:
    with pytest.raises(SourceMissing):
        bot.add([docs, docs / "none.txt"])
    assert texts(bot) == [BRIDGE]


def test_removing_to_the_last_document(bot: Pipeline, docs: Path) -> None:
    (docs / "harbour.txt").write_text(HARBOUR)
    bot.add(docs)
    first, second = (document.id for document in bot.documents())
    with pytest.raises(KeyError):
        bot.remove([first, "unknown"])
    assert len(texts(bot)) == 2
    assert bot.remove([first, first]) == 1
    assert texts(bot) == [HARBOUR]
    assert bot.remove([second]) == 1
    assert (texts(bot), len(bot.index)) == ([], 0)
    bot.index.verify()
    assert bot.index.passages() == ()
    for question in ("Where did the boats sink?", "What is it about?", "anything on boats?"):
        answer = bot.ask(question)
        assert (answer.abstained, answer.citations, answer.passages) == (True, (), ())
    assert bot.search("boats") == ()
    assert not bot.ask("Which documents do you have?").citations
    bot.warm_up()
    report, _ = bot.add(docs)  # removed, not forbidden
    assert states(report.files) == {"bridge.txt": "indexed", "harbour.txt": "indexed"}
    assert len(texts(bot)) == 2


def test_an_answer_goes_on_with_the_commit_it_began_with(bot: Pipeline, docs: Path) -> None:
    events = bot.stream("Who built the stone bridge at Arta?")
    assert next(events).text == "search"
    (docs / "bridge.txt").write_text(HARBOUR)
    bot.add(docs / "bridge.txt")
    old = next(event.answer for event in events if event.answer)
    assert "Ana Ruiz" in old.citations[0].quote
    new = bot.ask("Who built the stone bridge at Arta?")
    assert all("Ana Ruiz" not in citation.quote for citation in new.citations)


def test_an_old_commit_is_closed_when_nobody_uses_it(bot: Pipeline, docs: Path) -> None:
    old, connection = weakref.ref(bot.index), bot.index._connection
    events = bot.stream("Who built the stone bridge at Arta?")
    next(events)
    (docs / "harbour.txt").write_text(HARBOUR)
    bot.add(docs)
    connection.execute("SELECT count(*) FROM documents")
    list(events)
    del events
    gc.collect()
    assert old() is None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT count(*) FROM documents")


def test_threads_ask_while_files_come_and_go(bot: Pipeline, docs: Path) -> None:
    done = threading.Event()

    def ask(_: int) -> int:
        count = 0
        while not done.is_set() or not count:
            answer = bot.ask("Who built the stone bridge at Arta?")
            assert "Ana Ruiz" in answer.citations[0].quote
            assert {hit.text for hit in answer.passages} <= {BRIDGE, HARBOUR, TOWER}
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, number) for number in range(3)]
        try:
            for text in (HARBOUR, TOWER, HARBOUR, TOWER):
                (docs / "other.txt").write_text(text)
                bot.add(docs)
                assert texts(bot) == [BRIDGE, text]
            bot.remove([bot.documents()[1].id])
        finally:
            done.set()
        assert sum(future.result() for future in asking) >= 3


def test_two_threads_add_one_after_the_other(bot: Pipeline, tmp_path: Path) -> None:
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"n{number}.txt")
        paths[-1].write_text(f"Note number {number} tells of the weather on day {number}.")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(bot.add, paths))
    assert len(texts(bot)) == 7
    bot.index.verify()


def test_another_writer_is_an_error(bot: Pipeline, docs: Path) -> None:
    with locked(bot.index.folder), pytest.raises(IndexBusy):
        bot.add(docs)


def test_refresh_moves_to_what_others_wrote(
    bot: Pipeline, docs: Path, tmp_path: Path, embedder: Counting
) -> None:
    assert bot.refresh() is False
    (docs / "harbour.txt").write_text(HARBOUR)
    build(docs, tmp_path / "index", ALWAYS, embedder=embedder)
    assert texts(bot) == [BRIDGE]
    assert bot.refresh() is True
    assert texts(bot) == [BRIDGE, HARBOUR]
    assert bot.refresh() is False
    build(docs, tmp_path / "index", ALWAYS, embedder=HashEmbedder("2"))
    with pytest.raises(EmbedderMismatch):
        bot.refresh()
    assert texts(bot) == [BRIDGE, HARBOUR]


def test_a_pipeline_over_another_index_shares_the_models(
    bot: Pipeline, docs: Path, tmp_path: Path, embedder: Counting
) -> None:
    with pytest.raises(IndexMissing):
        bot.over(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
    with bot.over(tmp_path / "mine", create=True) as mine:
        assert mine.ask("Who built the bridge at Arta?").abstained
        (tmp_path / "tower.txt").write_text(TOWER)
        mine.add(tmp_path / "tower.txt")
        assert texts(mine) == [TOWER]
    with bot.over(tmp_path / "mine", create=True) as again:
        assert texts(again) == [TOWER]
    assert texts(bot) == [BRIDGE]
    assert "Ana Ruiz" in bot.ask("Who built the stone bridge at Arta?").citations[0].quote


def test_passages_cut_otherwise_are_all_cut_anew(
    bot: Pipeline, docs: Path, tmp_path: Path, embedder: Counting
) -> None:
    long = "\n\n".join(
        f"Paragraph {n} says that the weather of day {n} was fair." for n in range(9)
    )
    (docs / "long.txt").write_text(long)
    bot.add(docs)
    small = ALWAYS.model_copy(
        update={"passages": ALWAYS.passages.model_copy(update={"min_chars": 10})}
    )
    other = Pipeline(small, Models(embedder, ScriptedGenerator("x")), Index.open(bot.index.folder))
    (docs / "tower.txt").write_text(TOWER)
    report, _ = other.add(docs / "tower.txt")
    assert (report.added, report.updated) == (1, 2)

    def cut(passages: Sequence[Passage]) -> list[str]:
        return [passage.text for passage in passages]

    fresh = tmp_path / "fresh"
    build([docs / "bridge.txt", docs / "long.txt", docs / "tower.txt"], fresh, small,
          embedder=embedder)  # fmt: skip
    with Index.open(fresh) as built:
        assert cut(other.index.passages()) == cut(built.passages())
        query = embedder.query("weather of day 3")
        assert np.allclose(
            [score for _, score in other.index.dense(query, 9)],
            [score for _, score in built.dense(query, 9)],
        )
    other.index.verify()


def test_the_example_in_the_docs_runs(
    bot: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    page = (Path(__file__).parent.parent / "docs" / "indexing.md").read_text(encoding="utf-8")
    example = page.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    for name, text in (("notes/a.md", f"---\nauthor: Ann\n---\n\n{TOWER}"),
                       ("notes/draft.txt", HARBOUR), ("letters/b.txt", HARBOUR)):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    known: dict[str, object] = {"bot": bot}
    exec(compile(example, "docs/indexing.md", "exec"), known)
    assert capsys.readouterr().out.splitlines() == [
        "indexed notes/a.md 1 ",
        "indexed notes/draft.txt 1 ",
    ]
    assert "Marta Lindqvist" in known["answer"].citations[0].quote  # type: ignore[attr-defined]
    assert [Path(d.source).name for d in bot.documents()] == ["bridge.txt", "a.md"]
    with bot.over("private") as mine:
        assert texts(mine) == [HARBOUR]
