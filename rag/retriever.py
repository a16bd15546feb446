"""Question to hits: dense and lexical search, fused by rank.

It asks an index for candidates and orders them. It knows nothing of how vectors are made, how
passages are stored, or what is done with the hits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from rag import words
from rag.errors import SettingsError
from rag.questions import about_pictures
from rag.types import Hit, Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.embedder import Embedder
    from rag.settings import RetrieverSettings

Ranked = Sequence[tuple[Passage, float]]

ASIDES = frozenset(
    """photo photos photograph photographs photographed photographer picture pictures pictured
    image images credit credits credited caption captions camera took taken author authors byline
    wrote written writer journalist reporter editor published publisher follow twitter facebook
    instagram newsletter newsletters sign signup subscribe subscription series dispatch dispatches
    advertisement contact email copyright""".split()
)
"""Words of a question about what surrounds an article: its pictures, makers and notices."""

PICTURE_BONUS = 0.5  # of a score in [0, 1]: enough to pass most, not a perfect match

_WORD = re.compile(r"[^\W\d_]+")


class Searchable(Protocol):
    """What is searched: two rankings of the same passages, best first."""

    def dense(self, query: NDArray[np.float32], k: int) -> list[tuple[Passage, float]]:
        """Rank by the cosine with a vector (d,)."""
        ...

    def lexical(self, question: str, k: int) -> list[tuple[Passage, float]]:
        """Rank by BM25."""
        ...


class Retriever:
    """Find the passages for a question by both searches of an index."""

    def __init__(self, index: Searchable, embedder: Embedder, settings: RetrieverSettings) -> None:
        self.index = index
        self.embedder = embedder
        self.settings = settings

    def retrieve(self, question: str, more: int = 0) -> tuple[Hit, ...]:
        """Return at most `top_k` hits, best first, the same ones every time.

        With `more`, so many of the others that were found follow.

        The score is `fuse`'s, in [0, 1], times `furniture_weight` for furniture and credits,
        unless the question asks about such things (`about_asides`) or about this one (`demoted`);
        a credit gains `PICTURE_BONUS` when the question is about a picture.
        Hits below `min_score` are left out. Where there are more
        than fit, the last `hop_hits` places go to a second search that starts from the best hits.
        A search with weight 0 is not run. Equal scores: the
        nearer vector first, then the better BM25, then document and place.

        Raises:
            SettingsError: both weights are 0.
        """
        settings = self.settings
        if settings.dense_weight + settings.lexical_weight == 0:
            raise SettingsError(
                "both rankings have the weight 0",
                hint="set RAG_RETRIEVER__DENSE_WEIGHT or RAG_RETRIEVER__LEXICAL_WEIGHT",
            )
        dense: Ranked = []
        if settings.dense_weight:
            dense = self.index.dense(self.embedder.query(question), settings.candidates)
        lexical: Ranked = []
        if settings.lexical_weight:
            lexical = self.index.lexical(question, settings.candidates)
        scores = fuse(
            [(dense, settings.dense_weight), (lexical, settings.lexical_weight)], settings.rrf_k
        )
        hits = [
            replace(hit, score=self._weighed(hit, question))
            for hit in _hits(dense, lexical, scores)
        ]
        kept = sorted((hit for hit in hits if hit.score >= settings.min_score), key=_order)
        room = min(settings.hop_hits, settings.top_k - 1)
        if len(kept) <= settings.top_k or not (settings.hop_from and room > 0):
            return tuple(kept[: settings.top_k + more])
        stay, rest = kept[: settings.top_k - room], kept[settings.top_k - room :]
        reached = self._hop(question, stay, rest)[:room]
        taken = {hit.passage.id for hit in reached}
        others = [hit for hit in rest if hit.passage.id not in taken]
        return (*stay, *reached, *others[:more])

    def _hop(self, question: str, stay: Sequence[Hit], rest: Sequence[Hit]) -> list[Hit]:
        """Search again from the best hits, for what a question reaches only through them.

        "Where was the author of X born?" needs the passage on the author, whom only the passage
        on X names. So the question is searched together with each of the `hop_from` best texts
        (as in multi-hop dense retrieval, Xiong et al. 2021), and the names in them are searched as
        words. These rankings are fused as the first ones were; where they find too little, the
        `rest` of the first search follows. Scores are below those of the hits that stay.
        """
        settings = self.settings
        rankings: list[tuple[Ranked, float]] = []
        for hit in stay[: settings.hop_from]:
            if settings.dense_weight:
                vector = self.embedder.query(f"{question} {hit.passage.context} {hit.text}")
                near = self.index.dense(vector, settings.candidates)
                rankings.append((near, settings.dense_weight))
            known = words.stems(f"{hit.passage.context} {question}")
            names = [name for name in words.names(hit.text) if words.stem(name) not in known]
            if names and settings.lexical_weight:
                named = self.index.lexical(" ".join(names), settings.candidates)
                rankings.append((named, settings.lexical_weight))
        scores = fuse(rankings, settings.rrf_k) if rankings else {}
        known_hits = {hit.passage.id: hit for hit in rest}
        taken = {hit.passage.id for hit in stay}
        below = min(hit.score for hit in stay)
        found = {p.id: p for ranking, _ in rankings for p, _ in ranking if p.id not in taken}
        reached = [
            replace(known_hits.get(id, Hit(passage, 0.0)), score=below * scores[id])
            for id, passage in found.items()
            if not demoted(passage, question) and below * scores[id] >= settings.min_score
        ]
        unfound = [hit for hit in rest if hit.passage.id not in found]
        return [*sorted(reached, key=_order), *unfound]

    def _weighed(self, hit: Hit, question: str) -> float:
        """Return the fused score, less for an aside not asked about, more for a credit that is."""
        if hit.passage.kind == "credit" and about_pictures(question):
            return min(1.0, hit.score + PICTURE_BONUS)
        if about_asides(question) or not demoted(hit.passage, question):
            return hit.score
        return hit.score * self.settings.furniture_weight


def fuse(rankings: Sequence[tuple[Ranked, float]], k: int) -> dict[str, float]:
    """Score passages by reciprocal rank fusion, by passage id, in [0, 1].

    score(p) = sum over rankings r of w_r / (k + rank_r(p)), with ranks from 1 and nothing added by
    a ranking that lacks p (Cormack, Clarke & Büttcher 2009, "Reciprocal rank fusion outperforms
    Condorcet and individual rank learning methods", SIGIR, with k = 60 there; a smaller k gives
    the first ranks more, and 10 recalls more here). Divided by its greatest value, sum of
    w_r / (k + 1): 1 means first in every ranking, and with equal weights 1/2 first in one of two
    and absent from the other. It speaks of ranks only, not of relevance.
    """
    best = sum(weight for _, weight in rankings) / (k + 1)
    scores: dict[str, float] = {}
    for ranking, weight in rankings:
        for rank, (passage, _) in enumerate(ranking, start=1):
            scores[passage.id] = scores.get(passage.id, 0.0) + weight / (k + rank)
    return {id: min(1.0, score / best) for id, score in scores.items()}


def about_asides(question: str) -> bool:
    """Tell whether a question asks about pictures, makers or notices: it holds one of `ASIDES`.

    "Who took the photograph?" does. So does "Who wrote the constitution?", for which furniture
    merely ranks on its merits.
    """
    return not ASIDES.isdisjoint(word.lower() for word in _WORD.findall(question))


def demoted(passage: Passage, question: str) -> bool:
    """Tell whether a passage is furniture or a credit that the question does not name.

    It names one that holds all its content words, two at least: "What is Cartel Chronicles?" and
    the line that says what that series is.
    """
    if passage.kind not in ("furniture", "credit"):
        return False
    wanted = set(words.content(question))
    return len(wanted) < 2 or not wanted <= words.stems(passage.text)


def _hits(dense: Ranked, lexical: Ranked, scores: dict[str, float]) -> list[Hit]:
    passages = {passage.id: passage for passage, _ in (*dense, *lexical)}
    cosines = {passage.id: score for passage, score in dense}
    matches = {passage.id: score for passage, score in lexical}
    return [
        Hit(passage, scores[id], cosines.get(id), matches.get(id))
        for id, passage in passages.items()
    ]


def _order(hit: Hit) -> tuple[float, float, float, str, int, str]:
    dense = -2.0 if hit.dense is None else hit.dense
    lexical = -1.0 if hit.lexical is None else hit.lexical
    return (-hit.score, -dense, -lexical, hit.document, hit.start, hit.passage.id)
