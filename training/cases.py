"""Questions asked of the training passages as the product would ask them.

Every question is asked of all passages, and of a few that are near the right one, as in a folder on
one subject. Both times in these ways: as it is; of the same without the passages that hold its
answer; with a name, number or word changed, so that the passage is there and its answer is to
another question; with that of several such changes which the trained reader falls for most,
since people find harder ones than chance does; and as it is where the answering sentence was
edited, so that it answers no longer (`training.edited`). Only questions are taken whose passages
the trained reader never saw; yes-or-no questions, whose passage is known and no more, are among
them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag import words
from rag.embedder import Embedder
from rag.features import Judge
from rag.passages import split
from rag.settings import PassageSettings, RetrieverSettings
from rag.types import Document, EmbedderIdentity, Hit, Judgement, Passage
from training.base import base_folder
from training.data import held_out, rows
from training.edited import Asked, Vocabulary, edited
from training.mining import bm25_top, dense_top, embed
from training.unanswerable import change

DEPTH, TOP = 50, 10
FEW = 40  # passages beside the right one
YES_OR_NO = 60  # questions, of which it is only known which passage answers them
FAIRY_TALES = 40  # questions; they are many, and like little that people ask of documents
CHANGES = 12  # are drawn of a question; the hardest of them is kept


class Remembering:
    """An embedder that embeds the same text once: corpora share their passages."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        """The identity of the embedder within."""
        return self._embedder.identity

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows (n, d)."""
        if not texts:
            return self._embedder.passages(texts)
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        self._known.update(zip(new, self._embedder.passages(new), strict=True))
        return np.stack([self._known[t] for t in texts])

    def query(self, text: str) -> NDArray[np.float32]:
        """Return a unit vector (d,)."""
        if "?" + text not in self._known:
            self._known["?" + text] = self._embedder.query(text)
        return self._known["?" + text]


class RememberingJudge:
    """A judge that reads the same question and passage once."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[tuple[str, str], Judgement] = {}

    def judge(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] = (),
        parts: Sequence[Sequence[tuple[int, int]]] = (),
    ) -> list[Judgement]:
        """See `rag.features.Judge`."""
        new = [i for i, text in enumerate(passages) if (question, text) not in self._known]
        judged = self._judge.judge(
            question,
            [passages[i] for i in new],
            [titles[i] for i in new],
            [parts[i] for i in new],
        )
        for i, judgement in zip(new, judged, strict=True):
            self._known[question, passages[i]] = judgement
        return [self._known[question, text] for text in passages]


@dataclass(frozen=True, slots=True)
class Counted:
    """How common a question's words are in a corpus of `size` texts: `rag.features.Statistics`."""

    frequency: Mapping[str, int]
    size: int

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """Return in how many texts each term occurs."""
        return {term: self.frequency.get(term, 0) for term in terms}

    def __len__(self) -> int:
        return self.size


@dataclass(frozen=True)
class Corpus:
    """Texts, the passages that each is cut into, its stems, and its vector (d,)."""

    texts: Sequence[str]
    documents: Sequence[Sequence[Passage]]
    stems: Sequence[frozenset[str]]
    vectors: NDArray[np.float32]  # (n, d)

    @classmethod
    def of(cls, sources: Sequence[Sequence[str]], cache: Path) -> Corpus:
        """Cut every text as an index would, and embed it; vectors of a source are kept together."""
        settings = PassageSettings()
        texts = [text for source in sources for text in source]
        return cls(
            texts,
            [split(Document(f"d{i}", text), settings) for i, text in enumerate(texts)],
            [words.stems(text) for text in texts],
            np.concatenate([embed(source, base_folder(), cache, 160) for source in sources]),
        )

    def among(self, these: Sequence[int]) -> Corpus:
        """Return the corpus of some of the texts; documents keep their names."""
        return Corpus(
            [self.texts[i] for i in these],
            [self.documents[i] for i in these],
            [self.stems[i] for i in these],
            self.vectors[list(these)],
        )

    def near(self, home: int) -> Corpus:
        """Return the corpus of a text and the `FEW` nearest to it, in their order here."""
        order = dense_top(self.vectors[home : home + 1], self.vectors, FEW + 1)[0].tolist()
        return self.among(sorted({home, *order}))

    def counted(self, question: str) -> Counted:
        """Count the question's words."""
        wanted = words.content(question)
        found = {stem: sum(stem in known for known in self.stems) for stem in wanted}
        return Counted(found, len(self.texts))


@dataclass(frozen=True)
class Case:
    """A question and what was found for it; `gold` is the answer's span in its document, or None.

    `answer` is empty where its place in the passage is not known: `gold` is the whole text then.
    `kind` is answerable, removed, changed, edited, hard or left_out (`training.retold`); `few` says
    that only passages near the right one were searched, and `statistics` counts words among what
    was searched. `home` numbers the right passage, or that of which the right one was written.
    """

    question: str
    hits: tuple[Hit, ...]
    document: str
    gold: tuple[int, int] | None
    answer: str
    kind: str
    few: bool
    statistics: Counted
    home: int


def sample(data: Path, seed: int) -> list[dict[str, object]]:
    """Return the answerable rows whose passages were never trained on, in a seeded order."""
    found = [
        row
        for row in rows(data / "reader.jsonl.gz")
        if row["answer_start"] >= 0 and held_out(row["passage"])
    ]
    random.Random(seed).shuffle(found)
    tales = [row for row in found if row["source"].startswith("fairytaleqa")]
    left_out = {id(row) for row in tales[FAIRY_TALES:]}
    return [row for row in found if id(row) not in left_out]


def yes_or_no(data: Path, seed: int) -> list[dict[str, object]]:
    """Return yes/no search questions over titled passages that were never trained on."""
    found = {
        row["premise"]: row
        for row in rows(data / "nli.jsonl.gz")
        if row["source"].startswith("boolq") and " -- " in row["premise"]
    }
    kept = [row for premise, row in sorted(found.items()) if held_out(premise)]
    random.Random(seed).shuffle(kept)
    return [
        {
            "question": row["hypothesis"],
            "passage": row["premise"].replace(" -- ", "\n\n", 1),
            "answer": "",
            "answer_start": 0,
        }
        for row in kept[:YES_OR_NO]
    ]


def cases(
    cache: Path,
    corpus: Corpus,
    asked_of: Sequence[dict[str, object]],
    seed: int,
    judge: Judge | None = None,
) -> list[Case]:
    """Return every question as answerable, with its answer's passages removed, and changed.

    Of all texts and of a few; a question's cases follow each other. Hard ones need a `judge`.
    """
    rng = random.Random(seed)
    editing, vocabulary = random.Random(f"{seed}/edited"), Vocabulary.of(corpus.texts)
    place = {text: i for i, text in enumerate(corpus.texts)}
    made: list[Case] = []
    every = []
    for row in asked_of:
        question, answer = str(row["question"]), str(row["answer"])
        passage = str(row["passage"])
        asks = {"answerable": question, "removed": question}
        if changed := change(question, passage, answer, rng):
            asks["changed"] = changed
        if edit := edit_of(row, vocabulary, editing):
            asks["edited"] = question
        drawn = {change(question, passage, answer, rng): None for _ in range(CHANGES)}
        if judge and (changes := [text for text in drawn if text]):
            asks["hard"] = max(changes, key=partial(answerable, judge, passage))
        every.append((row, asks, edit))
    asked = list(dict.fromkeys(text for _, asks, _ in every for text in asks.values()))
    vectors = dict(zip(asked, embed(asked, base_folder(), cache, 40), strict=True))
    lexical = dict(zip(asked, bm25_top(asked, corpus.texts, DEPTH), strict=True))
    order = dense_top(np.stack([*vectors.values()]), corpus.vectors, DEPTH)
    dense = dict(zip(asked, order, strict=True))
    for row, asks, edit in every:
        home = place[str(row["passage"])]
        near = corpus.near(home)
        for kind, text in asks.items():
            ranked = fused(corpus, vectors[text], [dense[text], lexical[text]])
            instead = edit if kind == "edited" else None
            made += case(row, text, kind, home, corpus, ranked, few=False, instead=instead)
        words_of = bm25_top(list(asks.values()), near.texts, DEPTH)
        for (kind, text), found in zip(asks.items(), words_of, strict=True):
            nearest = dense_top(vectors[text][None], near.vectors, DEPTH)[0]
            ranked = fused(near, vectors[text], [nearest, found])
            instead = edit if kind == "edited" else None
            made += case(row, text, kind, home, near, ranked, few=True, instead=instead)
    return made


def edit_of(row: Mapping[str, object], vocabulary: Vocabulary, rng: random.Random) -> str | None:
    """Return a row's passage edited so that it does not answer; None where it cannot be."""
    answer, start = str(row["answer"]), int(str(row["answer_start"]))
    if not answer:
        return None
    span = (start, start + len(answer))
    made = edited(Asked(str(row["question"]), str(row["passage"]), span), vocabulary, rng)
    return made and made.passage


def answerable(judge: Judge, passage: str, question: str) -> float:
    """Return the log-odds that a judge gives a passage to answer a question."""
    return judge.judge(question, [passage], [""], [()])[0].answerable


def case(
    row: Mapping[str, object],
    question: str,
    kind: str,
    home: int,
    corpus: Corpus,
    ranked: Sequence[Found],
    *,
    few: bool,
    instead: str | None = None,
) -> list[Case]:
    """Return a question's case, none where what should be read was not found.

    `home` numbers the right text, and `ranked` are the texts found, best first. `instead` is what
    stands in the right text's place.
    """
    answer, name = str(row["answer"]), f"d{home}"
    if kind == "removed":
        folded = words.flat(answer)
        ranked = [
            one
            for one in ranked
            if corpus.documents[one.text][0].document != name
            and not (folded and folded in words.flat(corpus.texts[one.text]))
        ]
    elif name not in [corpus.documents[one.text][0].document for one in ranked[:TOP]]:
        return []
    documents = [corpus.documents[one.text] for one in ranked[:TOP]]
    if instead is not None:
        other = split(Document(name, instead), PassageSettings())
        documents = [other if parts[0].document == name else parts for parts in documents]
    hits = tuple(
        Hit(passage, one.score, one.cosine, None)
        for one, parts in zip(ranked[:TOP], documents, strict=True)
        for passage in parts
    )
    start = int(str(row["answer_start"]))
    end = start + len(answer) if answer else len(str(row["passage"]))
    gold = (start, end) if kind == "answerable" else None
    counted = corpus.counted(question)
    return [Case(question, hits, name, gold, answer, kind, few, counted, home)]


@dataclass(frozen=True, slots=True)
class Found:
    """A text of a corpus that was found: its number there, fused score and cosine."""

    text: int
    score: float
    cosine: float


def fused(
    corpus: Corpus, vector: NDArray[np.float32], rankings: Sequence[NDArray[np.int64]]
) -> list[Found]:
    """Fuse rankings of a corpus's texts by reciprocal rank as `rag.retriever` does, best first."""
    k = RetrieverSettings().rrf_k
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, i in enumerate(ranking.tolist(), start=1):
            scores[i] = scores.get(i, 0.0) + (k + 1) / 2 / (k + rank)
    best = sorted(scores.items(), key=lambda item: -item[1])[: 2 * TOP]
    return [Found(i, score, float(corpus.vectors[i] @ vector)) for i, score in best]
