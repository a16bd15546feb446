"""What a sentence of a passage shares with a question, as numbers.

`Features` makes them, and the verdict's, from words and vectors, and from a trained judge's scores
where there is one. How the numbers are weighed is not known here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag import words
from rag.candidate import Candidate
from rag.embedder import Embedder
from rag.questions import Question, asks_yes_or_no, defines, offers
from rag.rereading import REREAD
from rag.types import Hit, Judgement, Passage, Span

LONGEST_UNIT = 600  # characters
CREDIT_WORDS = "photo, photograph or picture taken by the photographer, image credit, caption"
CREDIT_STEMS = words.stems(CREDIT_WORDS)  # what a line of names and agencies leaves unsaid

SENTENCE = (
    *("cosine", "cosine_passage", "covered", "covered_window", "covered_passage"),
    *("names_covered", "numbers_covered", "offers", "offers_not", "retrieval", "first_hit"),
    *("pairs", "novel", "defines"),
)
VERDICT = (
    *("best", "second", "cosine", "covered", "covered_passage", "covered_hits"),
    *("names_missing", "names_missing_sentence", "numbers_missing", "offers_not", "unknown"),
    *("dense_first", "short", "yes_or_no", "size"),
)
JUDGED_SENTENCE = ("relevance", "answerable", "span", "span_behind", "relevance_behind")
JUDGED_VERDICT = (
    *("answerable", "answerable_most", "span_most", "relevance"),
    *("unknown", "names_missing"),
)
"""Instead of all others: what words share adds nothing to trained scores but chance."""
PASSAGE = ("retrieval", "first_hit", "dense", "best", "best_behind")
JUDGED_PASSAGE = ("relevance", "answerable", "span")
SMALL, LARGE = 1.6, 4.1  # powers of ten of passages: between them it is known what size changes
NO_SPAN = -12.0  # stands for a score of -inf


class Statistics(Protocol):
    """How common words are among the passages searched; an index is one."""

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """Return for each term in how many passages it occurs."""
        ...

    def __len__(self) -> int:
        """Return the number of passages."""
        ...


class Judge(Protocol):
    """A trained reader of a question with a passage."""

    def judge(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] = (),
        parts: Sequence[Sequence[tuple[int, int]]] = (),
    ) -> list[Judgement]:
        """Return what it makes of each passage, in order, and of each part of it."""
        ...


class Features:
    """Makes the features; their names are `sentence`, `passage` and `verdict`, in order."""

    def __init__(
        self,
        embedder: Embedder,
        statistics: Statistics,
        judge: Judge | None = None,
        *,
        rereads: bool = False,
    ) -> None:
        self.sentence = SENTENCE + (JUDGED_SENTENCE if judge else ())
        self.passage = PASSAGE + (JUDGED_PASSAGE if judge else ())
        self.verdict: tuple[str, ...] = JUDGED_VERDICT if judge else VERDICT
        self.verdict += ("yes_or_no", *REREAD) if rereads else ()
        self.embedder = embedder
        self._statistics = statistics
        self._judge = judge
        self._vectors: dict[str, NDArray[np.float32]] = {}  # passage id -> (units, d)

    def rereading(self) -> Features:
        """Return the same with a second reading in the verdict."""
        return Features(self.embedder, self._statistics, self._judge, rereads=True)

    def candidates(self, question: Question, hits: Sequence[Hit]) -> list[Candidate]:
        """Return every unit of the hits with its features, in hit order."""
        if not hits:
            return []
        rarity = self._rarity(question)
        asked = self.embedder.query(question.text)
        vectors = self._unit_vectors([hit.passage for hit in hits])
        judged = self._judged(question, hits)
        top = max(hit.score for hit in hits) or 1.0
        best = Best.of([j for j in judged if j is not None])
        found = []
        for rank, (hit, judgement) in enumerate(zip(hits, judged, strict=True)):
            ranked = [hit.score / top, 1.0 / (1 + rank)]
            cosines = vectors[hit.passage.id] @ asked
            spans = units(hit.passage)
            for i, span in enumerate(spans):
                numbers = [float(cosines[i]), hit.dense or 0.0]
                numbers += _shared(question, hit.passage, spans, i, rarity, ranked)
                answer = None
                if judgement is not None:
                    answer = answer_in(judgement, hit.passage, i)
                    numbers += best.beside(judgement, i)
                features = np.array(numbers, dtype=np.float64)
                found.append(Candidate(hit, span, hit.passage.sentence(span), features, answer))
        return found

    def of_passages(
        self, candidates: Sequence[Candidate], logits: NDArray[np.float64], hits: Sequence[Hit]
    ) -> NDArray[np.float64]:
        """Return what tells the order of the hits (n, f), given the candidates' log-odds."""
        most = float(logits.max())
        at = {name: i for i, name in enumerate(self.sentence)}
        rows = []
        for hit in hits:
            own = [i for i, c in enumerate(candidates) if c.hit.passage.id == hit.passage.id]
            if not own:  # a passage without a sentence
                rows.append([0.0] * len(self.passage))
                continue
            best = candidates[max(own, key=lambda i: float(logits[i]))].features
            logit = max(float(logits[i]) for i in own)
            row = [float(best[at["retrieval"]]), float(best[at["first_hit"]]), hit.dense or 0.0]
            row += [logit, most - logit]
            if self._judge:
                spans = [float(candidates[i].features[at["span"]]) for i in own]
                row += [float(best[at[name]]) for name in ("relevance", "answerable")]
                row.append(max(spans))
            rows.append(row)
        return np.array(rows, dtype=np.float64)

    def of_verdict(
        self,
        question: Question,
        candidates: Sequence[Candidate],
        logits: NDArray[np.float64],
        hits: Sequence[Hit],
        reread: Mapping[str, float] | None = None,
    ) -> NDArray[np.float64]:
        """Return what tells an answerable question, given the candidates' log-odds (n,).

        `reread` is what a second reading adds, by the names `REREAD`, where there was one.
        """
        order = np.argsort(-logits, kind="stable")
        best = candidates[int(order[0])]
        f = dict(zip(self.sentence, best.features, strict=True))
        rarity = self._rarity(question)
        everything = frozenset().union(
            *(bag(hit.passage, f"{hit.passage.context} {hit.text}") for hit in hits)
        )
        covered = _covered(question.content, everything, rarity)
        missing = _absent(question.names, everything)
        found = {"unknown": 1 - covered, "names_missing": missing}
        found |= {"yes_or_no": float(asks_yes_or_no(question.text)), **dict.fromkeys(REREAD, 0.0)}
        found |= reread or {}
        if self._judge:
            every = np.stack([c.features for c in candidates])
            found |= {name: f[name] for name in ("answerable", "relevance")}
            for name in ("answerable", "span"):
                found[f"{name}_most"] = float(every[:, self.sentence.index(name)].max())
        else:
            numbers = frozenset().union(*(words.numbers(hit.text) for hit in hits))
            around = bag(best.hit.passage, f"{best.hit.passage.context} {best.hit.text}")
            found |= {name: f[name] for name in ("cosine", "covered", "covered_passage")}
            found |= {
                "best": float(logits[order[0]]),
                "second": float(logits[order[1]]) if len(order) > 1 else -5.0,
                "covered_hits": covered,
                "names_missing_sentence": _absent(question.names, around),
                "numbers_missing": float(bool(question.numbers - numbers)),
                "offers_not": f["offers_not"],
                "dense_first": max((hit.dense for hit in hits if hit.dense is not None), default=0),
                "short": float(len(question.content) <= 2),
                "size": min(LARGE, max(SMALL, math.log10(1 + len(self._statistics)))),
            }
        return np.array([found[name] for name in self.verdict], dtype=np.float64)

    def _judged(self, question: Question, hits: Sequence[Hit]) -> Sequence[Judgement | None]:
        if self._judge is None:
            return [None] * len(hits)
        passages = [hit.passage for hit in hits]
        parts = [
            [(span.start - p.start, span.end - p.start) for span in units(p)] for p in passages
        ]
        return self._judge.judge(
            question.text, [p.text for p in passages], [p.context for p in passages], parts
        )

    def _rarity(self, question: Question) -> dict[str, float]:
        """Return for each content stem how rare it is among all passages, in [0.05, 1].

        log((n + 1) / (df + 0.5)) over its greatest value: Robertson's inverse document frequency
        without the odds, so that it stays positive for common words.
        """
        count = len(self._statistics)
        frequency = self._statistics.document_frequency(question.content)
        top = math.log((count + 1) / 0.5)
        return {
            term: max(0.05, math.log((count + 1) / (frequency.get(term, 0) + 0.5)) / top)
            for term in question.content
        }

    def _unit_vectors(self, passages: Sequence[Passage]) -> dict[str, NDArray[np.float32]]:
        """Return unit vectors (units, d) a passage, embedding only what is new."""
        known = self._vectors if len(self._vectors) < 2_000 else {}
        new = [p for p in {p.id: p for p in passages}.values() if p.id not in known]
        cut = [units(passage) for passage in new]
        rows = self.embedder.passages(
            [_spoken(p, span) for p, spans in zip(new, cut, strict=True) for span in spans]
        )
        ends = list(itertools.accumulate(len(spans) for spans in cut))
        for passage, spans, end in zip(new, cut, ends, strict=True):
            known[passage.id] = rows[end - len(spans) : end]
        self._vectors = known
        return {p.id: known[p.id] for p in passages}


def units(passage: Passage) -> tuple[Span, ...]:
    """Return the passage's sentences, those inside one quotation joined.

    A quotation of several sentences names its speaker once, often at its end: cut apart, its
    sentences would say who spoke of none. Joined up to `LONGEST_UNIT` characters.
    """
    joined: list[Span] = []
    open_since: int | None = None
    for span in passage.sentences:
        if open_since is not None and span.end - open_since <= LONGEST_UNIT:
            joined[-1] = Span(open_since, span.end)
        else:
            joined.append(span)
        text = passage.sentence(joined[-1])
        straight = text.count('"') % 2 == 1
        open_since = joined[-1].start if text.count("“") > text.count("”") or straight else None
    return tuple(joined)


@dataclass(frozen=True, slots=True)
class Best:
    """The greatest scores that a judge gave for a question."""

    relevance: float
    span: float

    @classmethod
    def of(cls, judged: Sequence[Judgement]) -> Best:
        """Return the greatest of all judgements; zeros for none."""
        spans = [part[2] for j in judged for part in j.parts]
        return cls(
            max((j.relevance for j in judged), default=0.0),
            max(NO_SPAN, max(spans, default=0.0)),
        )

    def beside(self, judgement: Judgement, part: int) -> list[float]:
        """Return the features `JUDGED_SENTENCE` of a part of a passage."""
        span = max(NO_SPAN, judgement.parts[part][2])
        return [
            judgement.relevance,
            judgement.answerable,
            span,
            self.span - span,
            self.relevance - judgement.relevance,
        ]


def answer_in(judgement: Judgement, passage: Passage, part: int) -> Span | None:
    """Return the best span of a part of the passage as characters of the document."""
    start, end, _ = judgement.parts[part]
    return Span(passage.start + start, passage.start + end) if start < end else None


def bag(passage: Passage, text: str) -> frozenset[str]:
    """Return the stems of a text; a credit's also hold what such lines leave unsaid."""
    found = words.stems(text)
    return found | CREDIT_STEMS if passage.kind == "credit" else found


def _shared(
    question: Question,
    passage: Passage,
    spans: Sequence[Span],
    i: int,
    rarity: dict[str, float],
    ranked: Sequence[float],
) -> list[float]:
    """Return the features that are about words, from `covered` on."""
    text = passage.sentence(spans[i])
    around = " ".join(passage.sentence(span) for span in spans[max(0, i - 1) : i + 2])
    own = bag(passage, text)
    meant = own | _meant(passage, spans, i)
    offered = offers(question, text)
    return [
        _covered(question.content, meant, rarity),
        _covered(question.content, bag(passage, around), rarity),
        _covered(question.content, bag(passage, f"{passage.context} {passage.text}"), rarity),
        words.coverage(question.names, meant) if question.names else 0.5,
        float(question.numbers <= words.numbers(text)) if question.numbers else 0.5,
        float(offered and question.expected != "other"),
        float(not offered),
        *ranked,
        _pairs(question.content, words.content(text)),
        min(1.0, len(own - set(question.content) - words.STOP_WORDS) / 10),
        float(defines(question, text)),
    ]


def _spoken(passage: Passage, span: Span) -> str:
    text = passage.sentence(span)
    return f"{CREDIT_WORDS}: {text}" if passage.kind == "credit" else text


def _meant(passage: Passage, spans: Sequence[Span], i: int) -> frozenset[str]:
    """Return the names that the i-th unit's pronouns may stand for: those of the unit before."""
    said = map(words.fold, words.tokens(passage.sentence(spans[i])))
    if i == 0 or words.PRONOUNS.isdisjoint(said):
        return frozenset()
    return frozenset(words.stem(name) for name in words.names(passage.sentence(spans[i - 1])))


def _covered(content: Sequence[str], by: frozenset[str], rarity: dict[str, float]) -> float:
    """Return the share in [0, 1] of the question's words met, rare ones counting more."""
    total = sum(rarity[t] for t in content)
    met = sum(rarity[t] for t in content if t in by or words.near(t, by))
    return met / total if total else 0.0


def _absent(names: Sequence[str], text: frozenset[str]) -> float:
    return sum(not words.near(n, text) for n in names) / len(names) if names else 0.0


def _pairs(asked: Sequence[str], said: Sequence[str]) -> float:
    """Return the share in [0, 1] of neighbouring question words that are near in the sentence."""
    wanted = list(itertools.pairwise(asked))
    near = {(a, b) for i, a in enumerate(said) for b in said[i + 1 : i + 4]}
    return sum(p in near or p[::-1] in near for p in wanted) / len(wanted) if wanted else 0.0
