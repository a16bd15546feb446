from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SettingsError
from rag.retriever import Retriever, about_asides, demoted, fuse
from rag.settings import RetrieverSettings
from rag.types import Hit, Kind, Passage
from tests.index_fakes import HashEmbedder


def passage(name: str, kind: Kind = "body") -> Passage:
    return Passage(id=name, document=f"doc-{name}", start=0, end=len(name), text=name, kind=kind)


class Scripted:
    """Two rankings, whatever is asked; what was asked is kept."""

    def __init__(self, dense: Sequence[str], lexical: Sequence[str], **kinds: Kind) -> None:
        self.rankings = {
            name: [(passage(p, kinds.get(p, "body")), 1 - i / 10) for i, p in enumerate(ranking)]
            for name, ranking in (("dense", dense), ("lexical", lexical))
        }
        self.asked: list[tuple[str, object, int]] = []

    def dense(self, query: np.ndarray, k: int) -> list[tuple[Passage, float]]:
        self.asked.append(("dense", query.tolist(), k))
        return self.rankings["dense"][:k]

    def lexical(self, question: str, k: int) -> list[tuple[Passage, float]]:
        self.asked.append(("lexical", question, k))
        return self.rankings["lexical"][:k]


def retrieve(index: Scripted, question: str = "why", **settings: float) -> tuple[Hit, ...]:
    chosen = RetrieverSettings.model_validate({"rrf_k": 60, **settings})
    return Retriever(index, HashEmbedder(), chosen).retrieve(question)


def names(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.id for hit in hits]


def test_fusion_by_hand() -> None:
    # Best possible: 2 / 61. b: 1/62 + 1/61 = 0.0325225 -> 0.991935; a: 1/61 + 1/63 -> 0.984127;
    # c: 1/63 -> 0.484127; d: 1/62 -> 0.491935.
    hits = retrieve(Scripted("abc", "bda"))
    assert names(hits) == ["b", "a", "d", "c"]
    scores = [hit.score for hit in hits]
    assert scores == pytest.approx([0.991935, 0.984127, 0.491935, 0.484127], abs=1e-6)
    assert [(hit.dense, hit.lexical) for hit in hits] == [
        (0.9, 1.0),
        (1.0, 0.8),
        (None, 0.9),
        (0.8, None),
    ]


def test_fusion_with_weights_by_hand() -> None:
    ranking = [(passage("a"), 9.0), (passage("b"), 1.0)]
    # k = 1: best = 3/2 + 1/2 = 2; a: 3/2 + 1/3 = 11/6; b: 3/3 + 1/2 = 3/2.
    scores = fuse([(ranking, 3.0), (ranking[::-1], 1.0)], k=1)
    assert scores == pytest.approx({"a": 11 / 12, "b": 3 / 4})


@given(
    st.lists(st.permutations("abcdef"), min_size=1, max_size=3),
    st.integers(1, 100),
    st.floats(0.1, 10),
)
def test_fused_scores_stay_in_range_and_first_everywhere_is_one(
    orders: list[list[str]], k: int, weight: float
) -> None:
    rankings = [([(passage(name), 0.0) for name in order], weight) for order in orders]
    scores = fuse(rankings, k)
    assert all(0 < score <= 1 for score in scores.values())
    if len({order[0] for order in orders}) == 1:
        assert scores[orders[0][0]] == pytest.approx(1)


def test_both_searches_are_asked_for_candidates() -> None:
    index = Scripted("abc", "cba")
    retrieve(index, "river town", candidates=2)
    query = HashEmbedder().query("river town").tolist()
    assert index.asked == [("dense", query, 2), ("lexical", "river town", 2)]


def test_equal_scores_put_the_nearer_vector_first() -> None:
    assert names(retrieve(Scripted("ab", "ba"))) == ["a", "b"]
    assert names(retrieve(Scripted("ba", "ab"))) == ["b", "a"]


def test_a_search_of_weight_zero_is_not_run() -> None:
    index = Scripted("abc", "xyz")
    hits = retrieve(index, lexical_weight=0)
    assert [(hit.passage.id, hit.lexical) for hit in hits] == [
        ("a", None),
        ("b", None),
        ("c", None),
    ]
    assert hits[0].score == pytest.approx(1)
    assert names(retrieve(index, dense_weight=0)) == ["x", "y", "z"]
    with pytest.raises(SettingsError):
        retrieve(index, dense_weight=0, lexical_weight=0)


def test_top_k_and_min_score() -> None:
    index = Scripted("abcd", "abce")
    assert names(retrieve(index, top_k=2)) == ["a", "b"]
    assert names(retrieve(index, min_score=0.6)) == ["a", "b", "c"]
    assert retrieve(Scripted("", "")) == ()


class Linked(Scripted):
    """The first search finds a to f; a's text, or a name in it, leads to z."""

    def __init__(self) -> None:
        super().__init__("abcdef", "abcdef")
        self.text = "The novel was printed by Zeta Press"
        for ranking in self.rankings.values():
            ranking[0] = (replace(ranking[0][0], text=self.text), 1.0)

    def lexical(self, question: str, k: int) -> list[tuple[Passage, float]]:
        found = super().lexical(question, k)
        return [(passage("z"), 2.0)] if question == "Zeta Press" else found


def test_the_last_places_go_to_what_the_best_hits_lead_to() -> None:
    index = Linked()
    asked = {"top_k": 4, "hop_from": 1, "hop_hits": 1}
    hits = retrieve(index, "where was the novel printed", **asked)
    assert names(hits) == ["a", "b", "c", "z"]
    assert hits[3].score < hits[2].score
    texts = [what for search, what, _ in index.asked if search == "lexical"]
    assert texts == ["where was the novel printed", "Zeta Press"]
    together = HashEmbedder().query(f"where was the novel printed  {index.text}").tolist()
    assert [what for search, what, _ in index.asked if search == "dense"][1] == together


def test_more_of_what_was_found_follows() -> None:
    chosen = RetrieverSettings(rrf_k=60, top_k=4, hop_from=1, hop_hits=1)
    retriever = Retriever(Linked(), HashEmbedder(), chosen)
    assert names(retriever.retrieve("where was it printed", more=2)) == [
        "a",
        "b",
        "c",
        "z",
        "d",
        "e",
    ]
    assert names(retriever.retrieve("where was it printed", more=9))[4:] == ["d", "e", "f"]


def test_no_second_search_where_all_hits_fit_or_none_is_wanted() -> None:
    for settings in ({"top_k": 6}, {"top_k": 4, "hop_from": 0}, {"top_k": 4, "hop_hits": 0}):
        index = Linked()
        found = names(retrieve(index, "where was it printed", **settings))
        assert found == list("abcdef")[: settings["top_k"]]
        assert len(index.asked) == 2


@pytest.mark.parametrize("kind", ["furniture", "credit"])
def test_furniture_ranks_lower_unless_asked_about(kind: Kind) -> None:
    index = Scripted("ab", "ab", a=kind)
    plain, asked = retrieve(index, "what happened"), retrieve(index, "Who took the photograph?")
    assert [(hit.passage.id, hit.score) for hit in plain] == [
        ("b", pytest.approx(61 / 62)),
        ("a", pytest.approx(0.5)),
    ]
    assert [(hit.passage.id, hit.score) for hit in asked] == [
        ("a", pytest.approx(1)),
        ("b", pytest.approx(61 / 62)),
    ]
    assert names(retrieve(index, furniture_weight=1)) == ["a", "b"]
    assert names(retrieve(index, furniture_weight=0, min_score=0.1)) == ["b"]


@pytest.mark.parametrize(
    ("question", "asides"),
    [
        ("Who took the photograph?", True),
        ("WHO WROTE this?", True),
        ("How do I sign up for the newsletter?", True),
        ("Which series is it part of?", True),
        ("Who founded the Zetas?", False),
        ("How many were imaged?", False),
        ("", False),
    ],
)
def test_what_a_question_is_about(question: str, asides: bool) -> None:
    assert about_asides(question) is asides


@pytest.mark.parametrize(
    ("question", "low"),
    [
        ("What is Cartel Chronicles?", False),  # all its words are there
        ("Which dispatch chronicles cartels?", False),  # in other forms, too
        ("What is the Sinaloa cartel?", True),
        ("cartel", True),  # one word names nothing
        ("What is it?", True),
    ],
)
def test_furniture_a_question_names_is_not_demoted(question: str, low: bool) -> None:
    text = "CARTEL CHRONICLES is an ongoing series of dispatches on the drug war."
    blurb = Passage("f", "d", 0, len(text), text, kind="furniture")
    body = Passage("b", "d", 0, len(text), text, kind="body")
    assert demoted(blurb, question) is low
    assert demoted(body, question) is False
