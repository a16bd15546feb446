"""Questions asked of the training passages as the product would ask them.

Every question is asked of all passages, and of a few that are near the right one, as in a folder on
one subject. Both times as it is, and of the same without the passages that hold its answer; and in
one of the two ways with a name, number or word changed, that of several changes which the trained
reader falls for most. Beside them are questions in people's manner that were written over a passage
(`training.written`) or over a document (`training.documents`): those that it just misses and those
that it answers. Only passages are taken that the trained reader never saw; yes-or-no questions,
whose passage is known and no more, are among the others.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
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
from training.mining import bm25_top, dense_top, embed
from training.unanswerable import change
from training.written import Question, Questions, key

DEPTH, TOP = 50, 10
FEW = 40  # passages beside the right one
CHANGES = 12  # are drawn of a question; the hardest of them is kept
YES_OR_NO = 60  # questions, of which it is only known which passage answers them
FAIRY_TALES = 40  # questions; they are many, and like little that people ask of documents
CHANGED = "changed"
"""The kind of a case whose question was changed by rule."""
WRITTEN = "written"
"""The kind of a case whose question was written to be just missed by a passage."""
OTHERWISE = "otherwise"
"""The same, where it was written in a manner that no network was trained on."""


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
    def of(
        cls, sources: Sequence[Sequence[str]], cache: Path, *, below_titles: bool = False
    ) -> Corpus:
        """Cut every text as an index would, and embed it; vectors of a source are kept together.

        With `below_titles` each stands below its document's title, which is no passage here.
        """
        texts = [text for source in sources for text in source]
        return cls(
            texts,
            [cut(f"d{i}", text, below_title=below_titles) for i, text in enumerate(texts)],
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


def cut(name: str, text: str, *, below_title: bool) -> list[Passage]:
    """Cut a text into passages, but for the title that it stands below."""
    title = text.partition("\n\n")[0] if below_title else ""
    parts = split(Document(name, text, title), PassageSettings())
    return [part for part in parts if not below_title or part.kind != "title"]


@dataclass(frozen=True)
class Case:
    """A question and what was found for it; `gold` is the answer's span in its document, or None.

    `answer` is empty where its place in the passage is not known: `gold` is the whole text then.
    `kind` is answerable, removed, changed, written, otherwise or left_out (`training.retold`);
    `few` says that only passages near the right one were searched, and `statistics` counts words
    among what was searched. `home` numbers the right passage, or that of which the right one was
    written.
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


Ask = tuple[Mapping[str, object], str, str, tuple[bool, ...]]
"""A row, its question, the kind of its cases, and whether of few: once or both times."""


def cases(
    cache: Path,
    corpus: Corpus,
    asked_of: Sequence[dict[str, object]],
    written: Questions,
    missed: str = WRITTEN,
    twice: bool = True,
    judge: Judge | None = None,
    seed: int = 0,
) -> list[Case]:
    """Return every question as answerable and with its answer's passages removed, then `written`.

    Of all texts and of a few; a question's cases follow each other. Of the `written` questions
    those that are answered are asked of all and of few in turn, and the others, whose cases are of
    the kind `missed`, too unless it is `twice`. With a `judge` there are changed ones, too.
    """
    asks: list[Ask] = [
        (row, str(row["question"]), kind, (False, True))
        for row in asked_of
        for kind in ("answerable", "removed")
    ]
    asks += changed(asked_of, judge, random.Random(seed))
    for text in corpus.texts:
        asks += over(text, written.get(key(text), ()), missed, twice)
    place = {text: i for i, text in enumerate(corpus.texts)}
    asked = list(dict.fromkeys(text for _, text, _, _ in asks))
    vectors = dict(zip(asked, embed(asked, base_folder(), cache, 40), strict=True))
    lexical = dict(zip(asked, bm25_top(asked, corpus.texts, DEPTH), strict=True))
    order = dense_top(np.stack([*vectors.values()]), corpus.vectors, DEPTH)
    dense = dict(zip(asked, order, strict=True))
    near = lru_cache(1)(corpus.near)  # those over one text follow each other
    made: list[Case] = []
    for row, text, kind, times in asks:
        home = place[str(row["passage"])]
        for few in times:
            among, found = corpus, [dense[text], lexical[text]]
            if few:
                among = near(home)
                nearest = dense_top(vectors[text][None], among.vectors, DEPTH)[0]
                found = [nearest, bm25_top([text], among.texts, DEPTH)[0]]
            ranked = fused(among, vectors[text], found)
            made += case(row, text, kind, home, among, ranked, few=few)
    return made


def changed(
    asked_of: Sequence[Mapping[str, object]], judge: Judge | None, rng: random.Random
) -> list[Ask]:
    """Return for each question that change of several which a judge is surest is answered."""
    asks: list[Ask] = []
    for row in asked_of if judge else ():
        question, passage, answer = (str(row[name]) for name in ("question", "passage", "answer"))
        drawn = {change(question, passage, answer, rng): None for _ in range(CHANGES)}
        if answer and judge and (changes := [text for text in drawn if text]):
            hardest = max(changes, key=partial(answerable, judge, passage))
            asks.append((row, hardest, CHANGED, (len(asks) % 2 > 0,)))
    return asks


def answerable(judge: Judge, passage: str, question: str) -> float:
    """Return the log-odds that a judge gives a passage to answer a question."""
    return judge.judge(question, [passage], [""], [()])[0].answerable


def over(passage: str, written: Sequence[Question], missed: str, twice: bool) -> list[Ask]:
    """Return how the questions written over a passage are asked: see `cases`."""
    asks: list[Ask] = []
    for i, one in enumerate(written):
        start, end = one.span or (0, 0)
        row = {"passage": passage, "answer": passage[start:end], "answer_start": start}
        kind = "answerable" if one.span else missed
        times = (False, True) if twice and not one.span else (i % 2 > 0,)
        asks.append((row, one.text, kind, times))
    return asks


def case(
    row: Mapping[str, object],
    question: str,
    kind: str,
    home: int,
    corpus: Corpus,
    ranked: Sequence[Found],
    *,
    few: bool,
) -> list[Case]:
    """Return a question's case, none where what should be read was not found.

    `home` numbers the right text, and `ranked` are the texts found, best first.
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
    hits = tuple(
        Hit(passage, one.score, one.cosine, None)
        for one in ranked[:TOP]
        for passage in corpus.documents[one.text]
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
