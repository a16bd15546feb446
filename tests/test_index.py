from __future__ import annotations

import json
import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import (
    EmbedderMismatch,
    IndexBusy,
    IndexDamaged,
    IndexMissing,
    ModelError,
    SourceEmpty,
    SourceError,
    StoreError,
)
from rag.index import Index
from rag.index.lexical import any_of, search_terms
from rag.passages import split
from rag.types import Document, EmbedderIdentity, IndexReport, Mark, Passage, Place
from tests.index_fakes import DIMENSION, HashEmbedder, build, by_line, corpus, expected, matrix

WORDS = ["cartel", "police", "town", "river", "treaty", "engine", "steam", "valley", "über", "1973"]
TEXTS = [
    "The cartel attacked the police.\nPolice fled the town.",
    "Steam engines were built in the valley.\nThe river runs through the valley.",
    "A treaty was signed in 1973.\nImage: Ana Pérez",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build(tmp_path / "index", corpus(*TEXTS))
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[Index]:
    with Index.open(folder) as opened:
        yield opened


def nearest(passages: Sequence[Passage], query: np.ndarray, k: int) -> list[tuple[str, float]]:
    """Brute force, in correctly rounded sums: what `dense` must return."""
    rows = matrix(passages)
    scores = [math.fsum(a * float(b) for a, b in zip(row, query, strict=True)) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: (-round(scores[i], 9), i))[:k]
    return [(passages[i].id, scores[i]) for i in order]


def found(hits: Sequence[tuple[Passage, float]]) -> list[tuple[str, float]]:
    return [(passage.id, pytest.approx(score, abs=1e-6)) for passage, score in hits]


def contents(index: Index) -> tuple[object, ...]:
    return index.documents(), index.passages(), index.identity


# --- what is kept ---------------------------------------------------------------------------


def test_documents_and_passages_come_back_as_they_were(tmp_path: Path) -> None:
    documents = [
        Document("ä/1", "Zeile eins\u0000.\nZwei 😀", "Títle", "a b.txt", {"date": "1", "by": "é"}),
        Document("2", "x", metadata={}),
    ]
    build(tmp_path, documents)
    with Index.open(tmp_path) as index:
        assert index.documents() == tuple(documents)
        assert list(index.documents()[0].metadata) == ["date", "by"]
        assert index.passages() == tuple(expected(documents))
        assert index.passages("2") == tuple(by_line(documents[1]))
        assert index.document("ä/1") == documents[0]
        assert index.identity == HashEmbedder().identity
        assert len(index) == 3
        for passage in index.passages():
            text = index.document(passage.document).text
            assert text[passage.start : passage.end] == passage.text
        with pytest.raises(KeyError):
            index.document("3")
        with pytest.raises(KeyError):
            index.passages("3")


def test_the_embedder_is_given_title_and_text(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    build(tmp_path, [Document("a", "one\ntwo", "Numbers"), Document("b", "three")], embedder)
    assert embedder.seen == ["Numbers\none", "Numbers\ntwo", "three"]


def test_marks_and_places_come_back_and_count_for_what_changed(tmp_path: Path) -> None:
    text = "Returns\n\nSend it back.\n\nNorth: 3."
    marks = (
        Mark("heading", 0, 7, "Returns", 1),
        Mark("page", 0, 22, "ix"),
        Mark("page", 22, len(text), "10"),
        Mark("table", 24, len(text), "Sales"),
    )
    document = Document("a", text, "Shop", marks=marks)
    embedder = HashEmbedder()

    def update(given: Document) -> IndexReport:
        return Index.update(tmp_path, [given], split=split, embedder=embedder)

    assert update(document).added == 1
    assert embedder.seen == ["Shop > Returns > Sales\nReturns\n\nSend it back.\n\nNorth: 3."]
    with Index.open(tmp_path) as index:
        assert index.document("a") == document
        assert index.passages()[0].place == Place(("Returns",), "ix-10", "Sales")
        assert [p.id for p, _ in index.lexical("shop", 5)] == [index.passages()[0].id]
    assert update(document).unchanged == 1
    moved = replace(document, marks=(*marks[:3], replace(marks[3], label="Stock")))
    assert update(moved).updated == 1
    with Index.open(tmp_path) as index:
        assert index.document("a").marks == moved.marks


def test_only_new_and_changed_documents_are_embedded(folder: Path) -> None:
    embedder = HashEmbedder()
    documents = [
        Document("d0", TEXTS[0], source="moved.txt"),  # unchanged, from elsewhere
        Document("d2", TEXTS[2] + "\nMore.", source="2.txt"),  # changed
        Document("new", "Fresh words."),
    ]
    steps: list[tuple[int, int]] = []
    report = Index.update(
        folder,
        documents,
        split=by_line,
        embedder=embedder,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert report == IndexReport(1, 1, 1, 1, passages=6, embedded=4)
    assert embedder.seen == [*(p.text for p in by_line(documents[1])), "Fresh words."]
    assert steps == [(0, 4), (4, 4)]
    with Index.open(folder) as index:
        assert index.documents() == tuple(documents)
        assert index.passages() == tuple(expected(documents))


def test_an_update_without_changes_embeds_nothing_and_changes_nothing(folder: Path) -> None:
    with Index.open(folder) as index:
        before = contents(index)
    embedder = HashEmbedder()
    assert build(folder, corpus(*TEXTS), embedder) == IndexReport(0, 0, 3, 0, 6, 0)
    assert embedder.seen == []
    with Index.open(folder) as index:
        assert contents(index) == before


@pytest.mark.parametrize("change", ["title", "metadata", "recipe", "embedder"])
def test_what_makes_a_document_new(folder: Path, change: str) -> None:
    documents = corpus(*TEXTS)
    first = documents[0]
    if change == "title":
        documents[0] = Document(first.id, first.text, "Other", first.source)
    if change == "metadata":
        documents[0] = Document(first.id, first.text, "", first.source, {"date": "now"})
    embedder = HashEmbedder("2" if change == "embedder" else "1")
    report = Index.update(
        folder,
        documents,
        split=by_line,
        embedder=embedder,
        recipe="cut at lines" if change == "recipe" else "",
    )
    every = change in ("recipe", "embedder")
    assert (report.updated, report.embedded) == ((3, 6) if every else (1, 2))
    with Index.open(folder, embedder.identity) as index:
        rows = matrix(index.passages(), embedder)
        assert found(index.dense(np.float32(rows[3]), 1)) == [(index.passages()[3].id, 1.0)]


document_sets = st.lists(
    st.tuples(st.integers(0, 5), st.lists(st.sampled_from([*WORDS, "\n"]), min_size=1)),
    min_size=1,
    max_size=6,
    unique_by=lambda pair: pair[0],
)


def documents_of(spec: list[tuple[int, list[str]]]) -> list[Document]:
    return [Document(f"d{number}", " ".join(["town", *words])) for number, words in spec]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(document_sets, min_size=2, max_size=4))
def test_updates_in_steps_end_where_one_build_ends(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[tuple[int, list[str]]]]
) -> None:
    stepwise, fresh = tmp_path_factory.mktemp("steps"), tmp_path_factory.mktemp("fresh")
    for spec in history:
        build(stepwise, documents_of(spec))
    build(fresh, documents_of(history[-1]))
    with Index.open(stepwise) as a, Index.open(fresh) as b:
        assert contents(a) == contents(b)
        query = HashEmbedder().query("police in the river valley")
        assert a.dense(query, 99) == b.dense(query, 99)
        assert a.lexical("police town river", 99) == b.lexical("police town river", 99)
        assert a.document_frequency(WORDS) == b.document_frequency(WORDS)
        a.verify()


def test_the_same_document_twice_counts_once(tmp_path: Path) -> None:
    copy = Document("a", "same words", "Copy", "b.txt")
    report = build(tmp_path, [Document("a", "same words", "First", "a.txt"), copy])
    assert (report.added, report.passages) == (1, 1)
    with Index.open(tmp_path) as index:
        assert index.document("a").title == "First"


def test_two_documents_with_one_id_are_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match="two documents have the id 'a'"):
        build(folder, [Document("a", "one"), Document("a", "two")])
    with Index.open(folder) as index:
        assert index.documents() == tuple(corpus(*TEXTS))


def test_half_a_character_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(SourceError, match="document 'bad' holds half a character"):
        build(folder, [Document("bad", "a\ud800b")])


# --- searching by meaning -------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=1),
    question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    k=st.integers(1, 80),
)
def test_dense_equals_brute_force(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], question: list[str], k: int
) -> None:
    documents = corpus(*(" ".join(words) for words in lines))  # few words: many exact ties
    folder = tmp_path_factory.mktemp("index")
    build(folder, documents)
    query = HashEmbedder().query(" ".join(question))
    with Index.open(folder) as index:
        hits = index.dense(query, k)
        assert found(hits) == nearest(expected(documents), query, k)


def test_ties_across_the_edge_are_in_passage_order(tmp_path: Path) -> None:
    documents = corpus(*["same line"] * 150, "another thing", *["same line"] * 150)
    build(tmp_path, documents)
    with Index.open(tmp_path) as index:
        hits = index.dense(HashEmbedder().query("same line"), 200)
        places = [int(passage.document[1:]) for passage, _ in hits]
        assert places == [*range(150), *range(151, 201)]
        places = [int(passage.document[1:]) for passage, _ in index.lexical("same line", 200)]
        assert places == [*range(150), *range(151, 201)]


def test_random_vectors_rank_as_numpy_ranks_them(tmp_path: Path) -> None:
    rows = np.random.default_rng(7).standard_normal((500, 64)).astype(np.float32) * 3  # not unit

    class Given(HashEmbedder):
        def __init__(self) -> None:
            super().__init__()
            self.identity = EmbedderIdentity("given", "1", 64)

        def passages(self, texts: Sequence[str]) -> np.ndarray:
            return rows[[int(text) for text in texts]]

    build(tmp_path, corpus(*map(str, range(500))), Given())
    unit = rows.astype(np.float64) / np.linalg.norm(rows.astype(np.float64), axis=1)[:, None]
    query = np.random.default_rng(8).standard_normal(64)
    cosines = unit @ (query / np.linalg.norm(query))
    with Index.open(tmp_path) as index:
        for k in (1, 10, 500, 1000):
            hits = index.dense(query.astype(np.float32), k)
            order = np.argsort(-cosines, kind="stable")[:k]
            assert [int(p.text) for p, _ in hits] == order.tolist()
            assert [s for _, s in hits] == pytest.approx(cosines[order].tolist(), abs=1e-6)


def test_odd_sizes_of_k_and_queries(index: Index) -> None:
    query = HashEmbedder().query("police")
    assert index.dense(query, 0) == index.dense(query, -1) == []
    assert len(index.dense(query, 10**6)) == 6
    zeros = index.dense(np.zeros(DIMENSION, dtype=np.float32), 6)
    assert found(zeros) == [(passage.id, 0.0) for passage in index.passages()]
    with pytest.raises(EmbedderMismatch):
        index.dense(np.zeros(3, dtype=np.float32), 1)


# --- searching by words ---------------------------------------------------------------------


def bm25(lines: list[str], terms: list[str]) -> dict[int, float]:
    """The scores of Robertson's formula as SQLite documents it, for titleless lines."""
    bags = [Counter(line.split()) for line in lines]
    mean = sum(bag.total() for bag in bags) / len(bags)
    scores: dict[int, float] = {}
    for place, bag in enumerate(bags):
        for term in terms:
            holders = sum(term in other for other in bags)
            if term in bag:
                idf = math.log((len(bags) - holders + 0.5) / (holders + 0.5))
                length = 1 - 0.75 + 0.75 * bag.total() / mean
                part = max(idf, 1e-6) * bag[term] * 2.2 / (bag[term] + 1.2 * length)
                scores[place] = scores.get(place, 0.0) + part
    return scores


def test_bm25_by_hand(tmp_path: Path) -> None:
    # N = 4, average length 3; "river" is in one line of 4 words, twice:
    # idf = ln((4 - 1 + .5) / (1 + .5)) = 0.847298; tf = 2 * 2.2 / (2 + 1.2 * (.25 + .75 * 4 / 3))
    # = 4.4 / 3.5 = 1.257143; together 1.065175.
    lines = ["river town river valley", "town hall", "steam engine town", "old town hall"]
    build(tmp_path, corpus(*lines))
    with Index.open(tmp_path) as index:
        (hit,) = index.lexical("Which river?", 9)
        assert (hit[0].text, hit[1]) == (lines[0], pytest.approx(1.065175, abs=1e-6))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(
        st.lists(st.sampled_from(WORDS[:7]), min_size=1, max_size=6), min_size=1, max_size=12
    ),
    terms=st.lists(st.sampled_from(WORDS[:7]), min_size=1, max_size=4, unique=True),
)
def test_bm25_equals_the_formula(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], terms: list[str]
) -> None:
    texts = [" ".join(words) for words in lines]
    folder = tmp_path_factory.mktemp("index")
    build(folder, corpus(*texts))
    scores = bm25(texts, terms)
    best = sorted(scores, key=lambda place: (-round(scores[place], 9), place))
    with Index.open(folder) as index:
        hits = index.lexical(" ".join(terms), 99)
        assert found(hits) == [(f"d{place}:0", scores[place]) for place in best]
        frequency = {term: sum(term in words for words in lines) for term in terms}
        assert index.document_frequency(terms) == frequency


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(question=st.text() | st.text(alphabet="\"*^():{}-+ANDORNEAR \x00'%_;é"))
def test_any_text_is_a_safe_question(folder: Path, question: str) -> None:
    with Index.open(folder) as index:
        assert all(score > 0 for _, score in index.lexical(question, 5))
        assert set(index.document_frequency([question])) == {question}


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("POLICE fleeing", "Police fled the town."),  # folded; another form of the word
        ("perez?", "Image: Ana Pérez"),  # without its accent
        ("Pe\u0301rez", "Image: Ana Pérez"),  # in two code points
        ('"engine" OR (', "Steam engines were built in the valley."),
        ("engines " + "x" * 100_000, "Steam engines were built in the valley."),
        ("1973 " + "word " * 20_000, "A treaty was signed in 1973."),
        ("which was the", "A treaty was signed in 1973."),  # nothing but stop words
    ],
)
def test_lexical_finds(index: Index, question: str, first: str) -> None:
    assert index.lexical(question, 5)[0][0].text == first


@pytest.mark.parametrize("question", ["", "  ", "😀", "zebra", "\x00", "—", "\ud800"])
def test_no_known_word_finds_nothing(index: Index, question: str) -> None:
    assert index.lexical(question, 5) == []


def test_a_title_is_searched_with_its_passages(tmp_path: Path) -> None:
    build(tmp_path, [Document("a", "It is hot.", "Etna"), Document("b", "Snow on a hill.")])
    with Index.open(tmp_path) as index:
        assert [passage.document for passage, _ in index.lexical("etna", 5)] == ["a"]


def test_document_frequency_folds_stems_and_joins(index: Index) -> None:
    terms = ["engine", "ENGINES", "perez", "the police", "police the", "", "😀", "zebra", 'a"b']
    assert index.document_frequency(terms) == {
        "engine": 1,
        "ENGINES": 1,
        "perez": 1,
        "the police": 1,
        "police the": 0,
        "": 0,
        "😀": 0,
        "zebra": 0,
        'a"b': 0,
    }


def test_stop_words_are_left_out_unless_alone() -> None:
    assert search_terms("Who was the Chief of Police?") == ["chief", "police"]
    assert search_terms("Who are they?") == ["who", "are", "they"]
    assert search_terms("snake_case U.N. café") == ["snake", "case", "u", "n", "café"]
    assert any_of(["a", "b c"]) == '"a" OR "b c"'


# --- threads, readers and writers -----------------------------------------------------------


def test_threads_get_what_one_thread_gets(index: Index) -> None:
    embedder = HashEmbedder()
    questions = [f"{a} {b}" for a in WORDS for b in WORDS]

    def ask(question: str) -> object:
        query = embedder.query(question)
        return index.dense(query, 3), index.lexical(question, 3), index.document("d1")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, questions)) == [ask(question) for question in questions]


def test_an_open_index_stays_at_its_commit(folder: Path) -> None:
    after = corpus("Everything is new.", "River.")
    query = HashEmbedder().query("police river")
    with Index.open(folder) as reader:
        before = contents(reader), reader.dense(query, 9), reader.lexical("police river", 9)
        seen: list[object] = []

        class Looking(HashEmbedder):
            def passages(self, texts: Sequence[str]) -> np.ndarray:
                with Index.open(folder) as other:  # a reader that arrives during the write
                    seen.append(other.documents())
                return super().passages(texts)

        build(folder, after, Looking())
        assert seen == [before[0][0]]
        now = contents(reader), reader.dense(query, 9), reader.lexical("police river", 9)
        assert now == before
        with Index.open(folder) as fresh:
            assert fresh.documents() == tuple(after)
        build(folder, corpus("And again."))
        assert contents(reader) == before[0]


def test_a_second_writer_is_told_to_wait(folder: Path) -> None:
    with FileLock(folder / "index.lock"):
        ready: list[BaseException] = []

        def write() -> None:
            try:
                build(folder, corpus("x"))
            except IndexBusy as error:
                ready.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert isinstance(ready[0], IndexBusy)
    assert "wait" in ready[0].hint


def test_an_update_leaves_nothing_behind(folder: Path) -> None:
    (folder / ".vectors-0123.faiss.99.tmp").write_bytes(b"left by a killed writer")
    (folder / "vectors-0123.faiss").write_bytes(b"of no commit")
    build(folder, corpus("Only this."))
    names = sorted(path.name for path in folder.iterdir() if path.name != "index.lock")
    assert [name for name in names if not name.startswith("vectors-")] == ["index.sqlite"]
    assert len(names) == 2


# --- refusing -------------------------------------------------------------------------------


def test_no_documents_touch_nothing(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(SourceEmpty):
        build(tmp_path / "never", [])
    assert not (tmp_path / "never").exists()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SourceEmpty):
        build(folder, [])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_documents_without_text_leave_the_old_index(tmp_path: Path, folder: Path) -> None:
    for place in (folder, tmp_path / "new"):
        with pytest.raises(SourceEmpty):
            build(place, corpus(" \n "))
    assert not Index.exists(tmp_path / "new")
    with Index.open(folder) as index:
        assert index.documents() == tuple(corpus(*TEXTS))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_update_changes_nothing(
    tmp_path: Path, folder: Path, error: type[BaseException]
) -> None:
    class Failing(HashEmbedder):
        def passages(self, texts: Sequence[str]) -> np.ndarray:
            raise error

    for place in (folder, tmp_path / "new"):
        with pytest.raises(error):
            build(place, corpus("New words."), Failing())
    assert [p.name for p in (tmp_path / "new").iterdir() if p.name != "index.lock"] == []
    with Index.open(folder) as index:
        assert index.documents() == tuple(corpus(*TEXTS))
        index.verify()


@pytest.mark.parametrize("rows", [np.ones((1, 3)), np.full((1, DIMENSION), np.nan)])
def test_an_embedder_that_breaks_its_word_is_refused(tmp_path: Path, rows: np.ndarray) -> None:
    class Broken(HashEmbedder):
        def passages(self, texts: Sequence[str]) -> np.ndarray:
            return rows

    with pytest.raises(ModelError):
        build(tmp_path, corpus("words"), Broken())
    assert not Index.exists(tmp_path)


def test_another_embedder_is_named_with_what_to_run(folder: Path) -> None:
    with pytest.raises(EmbedderMismatch, match="hashed-words") as caught:
        Index.open(folder, EmbedderIdentity("other", "9", 384))
    assert f"rag index SOURCES... --index {folder}" in caught.value.hint


@pytest.mark.parametrize("left", ["nothing", "no folder", "an empty file", "an empty database"])
def test_missing_says_what_to_run(tmp_path: Path, left: str) -> None:
    folder = tmp_path / "index"
    if left != "no folder":
        folder.mkdir()
    if left == "an empty file":
        (folder / "index.sqlite").touch()
    if left == "an empty database":
        connection = sqlite3.connect(folder / "index.sqlite")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    with pytest.raises(IndexMissing) as caught:
        Index.open(folder)
    assert f"rag index SOURCES... --index {folder}" in caught.value.hint
    assert not Index.exists(folder)


def test_another_version_is_built_anew_by_an_update(folder: Path) -> None:
    with sqlite3.connect(folder / "index.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(IndexMissing, match="99"):
        Index.open(folder)
    assert build(folder, corpus(*TEXTS)).added == 3
    with Index.open(folder) as index:
        index.verify()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    for attempt in (lambda: Index.open(tmp_path), lambda: build(tmp_path, corpus("x"))):
        with pytest.raises(IndexDamaged, match="not written by this program"):
            attempt()
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    connection.close()


# --- damage ---------------------------------------------------------------------------------


def answers(index: Index) -> tuple[object, ...]:
    query = HashEmbedder().query("police valley")
    return (
        index.documents(),
        index.passages(),
        index.dense(query, 9),
        index.lexical("police valley town treaty", 9),
        index.document_frequency(WORDS),
    )


def test_a_damaged_faiss_file_is_built_again(folder: Path) -> None:
    (path,) = folder.glob("vectors-*.faiss")
    good = path.read_bytes()
    with Index.open(folder) as index:
        right = answers(index)
    damages = [good[:place] for place in range(0, len(good), 23)]
    for place in range(0, len(good), 7):
        damages.append(good[:place] + bytes([good[place] ^ 0x41]) + good[place + 1 :])
    damages += [good + b"\0", os.urandom(len(good))]
    for damage in damages:
        path.write_bytes(damage)
        with Index.open(folder) as index:
            assert answers(index) == right
        assert path.read_bytes() == good
    path.unlink()
    with Index.open(folder) as index:
        assert answers(index) == right
    assert path.read_bytes() == good


def test_a_faiss_file_of_another_commit_is_not_used(folder: Path) -> None:
    (path,) = folder.glob("vectors-*.faiss")
    other = faiss.IndexFlatIP(DIMENSION)
    other.add(np.eye(6, DIMENSION, dtype=np.float32))
    faiss.write_index(other, str(path))
    with Index.open(folder) as index:
        query = HashEmbedder().query("police")
        assert found(index.dense(query, 9)) == nearest(index.passages(), query, 9)


def outcome(folder: Path) -> object:
    """What a user gets: the answers, or one of the errors that are meant for this."""
    try:
        with Index.open(folder) as index:
            return answers(index)
    except StoreError as error:
        return type(error) if error.hint else error


@pytest.mark.parametrize("cached", [True, False])
def test_a_damaged_database_is_never_silently_wrong(
    tmp_path: Path, folder: Path, cached: bool
) -> None:
    right = outcome(folder)
    good = (folder / "index.sqlite").read_bytes()
    dice = random.Random(11)
    verdicts: Counter[str] = Counter()
    for round_ in range(150):
        copy = tmp_path / f"copy{round_}"
        shutil.copytree(folder, copy)
        if not cached:
            next(copy.glob("vectors-*.faiss")).unlink()
        data = bytearray(good)
        for _ in range(dice.choice([1, 1, 4, 64])):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        if dice.random() < 0.2:
            del data[dice.randrange(len(data)) :]
        (copy / "index.sqlite").write_bytes(data)
        verdict = outcome(copy)
        assert verdict in (right, IndexDamaged, IndexMissing)
        verdicts["right" if verdict == right else "refused"] += 1
        shutil.rmtree(copy)
    assert min(verdicts["right"], verdicts["refused"]) > 10


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE passages SET text = 'The police attacked the cartel.' WHERE key = 1",
        'UPDATE passages SET start = 1, "end" = 9 WHERE key = 1',
        "UPDATE passages SET kind = 'furniture' WHERE key = 1",
        "UPDATE passages SET sentences = '[[0,3]]' WHERE key = 1",
        'UPDATE passages SET place = \'[["Towns"], "9", ""]\' WHERE key = 1',
        "UPDATE passages SET context = 'Towns' WHERE key = 1",
        "UPDATE passages SET checksum = x'00' WHERE key = 1",
        "UPDATE documents SET text = replace(text, '1973', '1793')",
        "UPDATE documents SET metadata = 'x'",
        'UPDATE documents SET marks = \'[["page", 0, 9, "9", 0]]\'',
        "UPDATE documents SET position = 3 - position",
        "UPDATE vectors SET vector = (SELECT vector FROM vectors WHERE passage = 2)",
        "UPDATE vectors SET vector = x'00'",
        "DELETE FROM vectors WHERE passage = 4",
        "DELETE FROM documents WHERE id = 'd1'",
        "DELETE FROM passages WHERE key = 2",
        "UPDATE commits SET passages = 'many'",
        "UPDATE commits SET content = 'x'",
        "DELETE FROM commits",
        "INSERT INTO terms (terms, rowid, context, text) VALUES ('delete', 2, '', 'Police fled')",
        "INSERT INTO terms (rowid, context, text) VALUES (99, '', 'police')",
        "DROP TABLE passages",
    ],
)
def test_changed_rows_are_noticed(folder: Path, damage: str) -> None:
    with sqlite3.connect(folder / "index.sqlite") as connection:
        connection.execute(damage)
    connection.close()
    next(folder.glob("vectors-*.faiss")).unlink()
    assert outcome(folder) is IndexDamaged
    assert Index.exists(folder)
    before = (folder / "index.sqlite").read_bytes()
    with pytest.raises(IndexDamaged) as caught:  # an update does not bless it either
        build(folder, [*corpus(*TEXTS), Document("new", "words")])
    assert str(folder / "index.sqlite") in caught.value.hint
    assert (folder / "index.sqlite").read_bytes() == before


def test_a_file_that_is_no_database(folder: Path) -> None:
    (folder / "index.sqlite").write_bytes(b"not a database at all" * 999)
    assert outcome(folder) is IndexDamaged
    with pytest.raises(IndexDamaged):
        build(folder, corpus("x"))


# --- places that cannot be written ----------------------------------------------------------

READ_ONLY = """
import json, os, sys
from pathlib import Path
import numpy as np
from rag.index import Index
if os.geteuid() == 0:  # rights mean nothing to root: ask as nobody
    os.setuid(65534)
with Index.open(Path(sys.argv[1])) as index:
    hits = index.dense(np.array(json.loads(sys.argv[2]), dtype=np.float32), 3)
    print(json.dumps([[p.id for p, _ in hits], [p.id for p, _ in index.lexical("police", 3)]]))
"""


@pytest.mark.skipif(os.name != "posix", reason="folders have no such rights here")
@pytest.mark.parametrize("cached", [True, False])
def test_a_read_only_folder_can_be_searched(index: Index, cached: bool) -> None:
    query = HashEmbedder().query("police")
    wanted = [
        [passage.id for passage, _ in index.dense(query, 3)],
        [passage.id for passage, _ in index.lexical("police", 3)],
    ]
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "index"
        build(folder, corpus(*TEXTS))
        if not cached:
            next(folder.glob("vectors-*.faiss")).unlink()
        names = sorted(path.name for path in folder.iterdir())
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder), json.dumps(query.tolist())],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent.parent,
            check=False,
        )
        after = sorted(path.name for path in folder.iterdir())
        folder.chmod(0o755)
    assert (done.stderr, json.loads(done.stdout or "null"), after) == ("", wanted, names)


def test_vocabulary_counts_passages_by_stem(tmp_path: Path) -> None:
    build(tmp_path, corpus("Boats sank.\nThe boat sails, boats sail.", "Élan and bread", title=""))
    with Index.open(tmp_path) as index:
        assert index.vocabulary("b") == {"boat": 2, "bread": 1}
        assert index.vocabulary("e") == {"elan": 1}
        assert index.vocabulary("boa") == {"boat": 2}
        assert index.vocabulary("x") == index.vocabulary("boatx") == {}
        assert set(index.vocabulary("")) == {"and", "boat", "bread", "elan", "sail", "sank", "the"}
