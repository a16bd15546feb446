import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.citations import Claim, Verifier, cite, inert
from rag.prompts import ABSTENTION
from rag.settings import VerifierSettings
from rag.types import Evidence, Passage, Span

TEXT = (
    "The bridge at Arta was built by Ana Ruiz in 1931. It cost 40 million drachmas. "
    "Ana Ruiz said “stone outlives us all” at the opening. Nobody was hurt in the works."
)


def halves(text: str) -> list[Span]:
    """Split where a full stop meets a space: enough for the texts here."""
    ends = [m.end() for m in re.finditer(r"[.?!](?=\s|$)", text)] or [len(text)]
    starts = [0, *(e + 1 for e in ends[:-1])]
    return [Span(s, e) for s, e in zip(starts, ends, strict=True) if text[s:e].strip()]


PASSAGE = Passage("p", "d", 0, len(TEXT), TEXT, tuple(halves(TEXT)))
BUILT, COST, QUOTE, NOBODY = (Evidence(PASSAGE, s.start, s.end, 0.5) for s in PASSAGE.sentences)
VERIFIER = Verifier(VerifierSettings(), halves)


@pytest.mark.parametrize(
    ("sentence", "evidence", "objection"),
    [
        ("Ana Ruiz built it in 1931.", BUILT, None),
        ("It was built in 1932.", BUILT, "number"),
        ("It was built in May 1931.", BUILT, "name"),
        ("It was built by Pedro Ruiz.", BUILT, "name"),
        ("It cost forty million drachmas.", COST, None),
        ("It cost 40 billion drachmas.", COST, "number"),
        ("She said “stone outlives us all”.", QUOTE, None),
        ("She said “stone outlives us”.", QUOTE, None),
        ("She said “stone never lasts”.", QUOTE, "quotation"),
        ("Somebody was hurt in the works.", NOBODY, "negation"),
        ("It was not built by Ana Ruiz.", BUILT, "negation"),
        ("Ana Ruiz painted and sold landscapes.", BUILT, "words"),
        ("In the works Ana Ruiz was hurt.", NOBODY, "negation"),
        ("The bridge was built in 1931 by Ana Ruiz.", BUILT, None),
        ("Ana Ruiz cost 40 million drachmas.", COST, "name"),
        ("Stone opening said Ana.", QUOTE, "binding"),
        ("Ana Ruiz built Ana Ruiz.", BUILT, "answer"),
        ("Who built the bridge at Arta?", BUILT, "answer"),
        ("The bridge at Arta was built.", BUILT, "answer"),
    ],
)
def test_objections(sentence: str, evidence: Evidence, objection: str | None) -> None:
    asked = "Who built the bridge at Arta?" if objection == "answer" else "What of the bridge?"
    found = VERIFIER.objections(asked, sentence, evidence)
    assert (objection is None and not found) or any(f.startswith(f"{objection}:") for f in found)


class Doubting:
    """A judge that supports nothing but what speaks of 1931, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def support(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        self.asked += pairs
        return np.array([[0.9, 0, 0.1] if "1931" in h else [0.2, 0.3, 0.5] for _, h in pairs])


def test_what_the_judge_does_not_find_supported_gives_way_to_the_quote() -> None:
    judge = Doubting()
    verifier = Verifier(VerifierSettings(), halves, judge)
    question = "Who built the bridge at Arta?"
    kept = verifier.verify(question, "Ana Ruiz built it in 1931.", [BUILT])
    assert [c.text for c in kept.claims] == ["Ana Ruiz built it in 1931."]
    replaced = verifier.verify(question, "Ana Ruiz built it.", [BUILT])
    assert [c.text for c in replaced.claims] == [BUILT.quote]
    assert verifier.objections(question, "Ana Ruiz built it.", BUILT) == ("support: 0.20",)
    assert judge.asked[0] == (BUILT.quote, "Ana Ruiz built it in 1931.")


def test_the_judge_is_not_asked_about_the_span_itself_nor_of_what_is_refused_already() -> None:
    judge = Doubting()
    verifier = Verifier(VerifierSettings(), halves, judge)
    assert verifier.supports("Who built the bridge?", BUILT.quote, BUILT)
    assert not verifier.supports("Who built the bridge?", "Pedro Lopez built it.", BUILT)
    assert judge.asked == []


def test_names_of_the_question_may_be_used_when_the_passage_has_them() -> None:
    question = "What did the Arta bridge at Corfu cost?"
    assert VERIFIER.supports(question, "The Arta bridge cost 40 million drachmas.", COST)
    assert not VERIFIER.supports(question, "The Corfu bridge cost 40 million drachmas.", COST)


def test_what_is_said_of_one_is_not_said_of_another() -> None:
    other = "Bo Falk sells green bicycles in Malmo."
    falk = Evidence(Passage("q", "e", 0, len(other), other), 0, len(other), 0.5)
    mixed = "Ana Ruiz was born in Malmo."
    assert VERIFIER.objections("Where was Ana Ruiz born?", mixed, falk) == (
        *("name: Ana", "name: Ruiz", "words: 0.25 covered", "binding: malmo"),
    )


def test_a_supported_sentence_cites_the_evidence_it_was_written_from() -> None:
    verified = VERIFIER.verify("Who built it?", "Ana Ruiz built the bridge.", [BUILT, COST])
    assert verified.claims == (Claim("Ana Ruiz built the bridge.", (BUILT,)),)
    assert verified.rejected == 0


def test_a_sentence_is_attributed_to_another_span_that_supports_it() -> None:
    verified = VERIFIER.verify("What was paid?", "It cost 40 million drachmas.", [BUILT, COST])
    assert verified.claims[0].evidence == (COST,)


def test_an_unsupported_sentence_gives_way_to_the_quote() -> None:
    verified = VERIFIER.verify("Who built it?", "Pedro Lopez built it in 1850.", [BUILT, COST])
    assert verified.claims == (Claim(BUILT.quote, (BUILT,)),)
    assert verified.rejected == 1


def test_markers_written_by_the_model_count_for_nothing() -> None:
    verified = VERIFIER.verify("Who built it?", "Ana Ruiz built the bridge [7] [2, 3].", [BUILT])
    assert cite(verified.claims)[0] == "Ana Ruiz built the bridge. [1]"


def test_no_evidence_no_claims() -> None:
    assert VERIFIER.verify("Who?", "Ana. Ruiz.", []).claims == ()


def test_an_empty_draft_gives_the_quote() -> None:
    assert VERIFIER.verify("Who?", "  ", [BUILT]).claims == (Claim(BUILT.quote, (BUILT,)),)


def test_markers_count_in_order_of_use_and_equal_spans_share_one() -> None:
    text, citations = cite(
        [Claim("One.", (COST,)), Claim("Two.", (BUILT, COST)), Claim("Three [4].", (COST,))]
    )
    assert text == "One. [1] Two. [2][1] Three (4). [1]"
    assert [(c.marker, c.quote) for c in citations] == [(1, COST.quote), (2, BUILT.quote)]


def test_what_looks_like_a_marker_is_made_unlike_one() -> None:
    assert inert("see [1], [2, 3] and [ref]") == "see (1), (2, 3) and [ref]"


@given(st.lists(st.text(max_size=60), max_size=4), st.text(max_size=40))
def test_every_marker_resolves_to_an_exact_span(drafts: list[str], question: str) -> None:
    verified = VERIFIER.verify(question, " ".join(drafts), [BUILT, COST, QUOTE])
    text, citations = cite(verified.claims)
    shown = {int(n) for n in re.findall(r"\[(\d+)\]", text)}
    assert shown == {c.marker for c in citations}
    assert citations
    for citation in citations:
        assert TEXT[citation.start : citation.end] == citation.quote


def test_a_draft_must_have_the_answer_that_the_reader_points_at() -> None:
    at = TEXT.index("Ana Ruiz")
    pointed = Evidence(PASSAGE, BUILT.start, BUILT.end, 0.5, Span(at, at + len("Ana Ruiz")))
    question = "By whom was the bridge at Arta built?"
    kept = VERIFIER.verify(question, "The bridge was built by Ana Ruiz.", [pointed])
    assert kept.claims[0].text == "The bridge was built by Ana Ruiz."
    lost = VERIFIER.verify(question, "The bridge was built in 1931.", [pointed])
    assert (lost.claims[0].text, lost.rejected) == (BUILT.quote, 1)


@pytest.mark.parametrize("before", ["", "Ana Ruiz built it. ", "Nobody knows. "])
@pytest.mark.parametrize("question", ["Who built it?", "What does the text not say?", "?"])
@pytest.mark.parametrize("best", [BUILT, COST, QUOTE, NOBODY])
def test_a_drafted_abstention_is_never_shown(before: str, question: str, best: Evidence) -> None:
    verified = VERIFIER.verify(question, before + ABSTENTION, [best, BUILT, COST, QUOTE, NOBODY])
    assert verified.claims
    assert verified.rejected
    assert ABSTENTION not in [claim.text for claim in verified.claims]


def test_not_even_evidence_with_its_words_supports_an_abstention() -> None:
    text = "The text does not say who built it."
    said = Evidence(Passage("q", "e", 0, len(text), text), 0, len(text), 0.5)
    verified = VERIFIER.verify("What does the text not say?", ABSTENTION, [said])
    assert verified.claims == (Claim(text, (said,)),)


def test_how_many_men_is_not_answered_by_how_many_ships() -> None:
    text = "More than 30 ships attacked a group of sailors on the coast, killing 14."
    said = Evidence(Passage("q", "e", 0, len(text), text), 0, len(text), 0.5)
    question = "How many sailors were killed in the attack?"
    wrong = VERIFIER.objections(question, "More than 30 ships were killed in the attack.", said)
    assert wrong == ("answer: not in it",)
    assert not VERIFIER.objections(question, "14 sailors were killed in the attack.", said)
