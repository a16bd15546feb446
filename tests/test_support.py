"""Citation recall and precision against a judge whose every verdict is written down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.support import Judged, Statement, judged, stands, statements
from rag.types import Answer, Citation

QUOTES = {1: "Ann was born\nin Rome in 1931.", 2: "She painted ships.", 3: "Rome is old."}
CITED = {m: Citation(m, "d", 10 * m, 10 * m + len(q), q) for m, q in QUOTES.items()}
FLAT = {m: " ".join(q.split()) for m, q in QUOTES.items()}


class Table:
    """Supports the (premise, claim) pairs it was given; remembers what it was asked."""

    def __init__(self, *supported: tuple[str, str]) -> None:
        self.supported = set(supported)
        self.asked: list[tuple[str, str]] = []

    def supports(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        self.asked += pairs
        return np.array([0.5 if pair in self.supported else 0.49 for pair in pairs])


def said(text: str, *, abstained: bool = False, markers: Sequence[int] = (1, 2, 3)) -> Answer:
    return Answer("?", text, abstained, 0.9, tuple(CITED[m] for m in markers))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann paints. [1] Bo sings. [2]", [("Ann paints.", [1]), ("Bo sings.", [2])]),
        ("Ann paints [1]. Bo sings [2][3].", [("Ann paints.", [1]), ("Bo sings.", [2, 3])]),
        ("Ann [2] paints [1].", [("Ann paints.", [1, 2])]),
        ("Ann paints. [1] [1] [9]", [("Ann paints.", [1])]),
        # a quotation of several sentences has its marker at its end
        (
            "“Ann paints. She sings.” [1] Bo left. [2]",
            [("“Ann paints.", [1]), ("She sings.”", [1]), ("Bo left.", [2])],
        ),
        ("Ann paints. [1] Bo  left.", [("Ann paints.", [1]), ("Bo left.", [])]),
        # without a full stop, a capital after the marker tells
        ("How Ann paints [1] Bo sings [2]", [("How Ann paints", [1]), ("Bo sings", [2])]),
        ("Ann paints [1] and sings [2].", [("Ann paints and sings.", [1, 2])]),
        ("Ann paints.", [("Ann paints.", [])]),
        ("[1]", []),
        ("", []),
    ],
)
def test_sentences_have_the_markers_inside_and_after_them(
    text: str, expected: list[tuple[str, list[int]]]
) -> None:
    got = [(one.text, [c.marker for c in one.citations]) for one in statements(said(text))]
    assert got == expected


def test_statements_hold_the_citations_themselves() -> None:
    assert statements(said("Ann paints. [2]")) == (Statement("Ann paints.", (CITED[2],)),)


@pytest.mark.parametrize(
    ("sentence", "quote", "expected"),
    [
        ("Ann was born in Rome in 1931.", QUOTES[1], True),
        ("“Ann was born in Rome”", QUOTES[1], True),
        ("She painted ships.", "Then: “She painted ships.”", True),
        ("Ann was born in Rom", QUOTES[1], False),
        ("ann was born in Rome", QUOTES[1], False),
        ("Ann was born in Rome in 1931!", QUOTES[1], False),
        ("“”", QUOTES[1], False),
    ],
)
def test_a_sentence_stands_in_a_quote(sentence: str, quote: str, expected: bool) -> None:
    assert stands(sentence, quote) is expected


def test_verbatim_sentences_are_supported_without_asking() -> None:
    judge = Table()
    got = judged(said("Ann was born in Rome in 1931. [1]"), judge)
    assert got == (Judged("Ann was born in Rome in 1931.", True, True, (True,)),)
    assert judge.asked == []


def test_a_sentence_without_a_citation_is_not_supported() -> None:
    judge = Table()
    assert judged(said("Ann paints."), judge) == (Judged("Ann paints.", False, False, ()),)
    assert judge.asked == []


def test_one_citation_is_as_precise_as_its_sentence_is_supported() -> None:
    judge = Table((FLAT[1], "Ann is Roman."))
    got = judged(said("Ann is Roman. [1] Ann is Greek. [1]"), judge)
    assert got == (
        Judged("Ann is Roman.", False, True, (True,)),
        Judged("Ann is Greek.", False, False, (False,)),
    )


def test_a_citation_that_is_neither_needed_nor_supporting_is_imprecise() -> None:
    # 1 alone does it; 3 alone does not, and 1 does without it
    claim = "Ann is Roman."
    judge = Table((f"{FLAT[1]} {FLAT[3]}", claim), (FLAT[1], claim))
    assert judged(said("Ann is Roman. [1][3]"), judge) == (
        Judged(claim, False, True, (True, False)),
    )


def test_citations_that_only_do_it_together_are_both_precise() -> None:
    claim = "Ann was born in an old town and painted ships."
    judge = Table((f"{FLAT[1]} {FLAT[2]}", claim))
    assert judged(said(f"{claim} [1][2]"), judge) == (Judged(claim, False, True, (True, True)),)


def test_citations_that_do_it_alone_are_precise_even_if_one_would_do() -> None:
    claim = "Ann is Roman."
    joint = f"{FLAT[1]} {FLAT[3]}"
    judge = Table((joint, claim), (FLAT[1], claim), (FLAT[3], claim))
    (got,) = judged(said("Ann is Roman. [1][3]"), judge)
    assert got.precise == (True, True)


def test_of_three_citations_one_is_spare() -> None:
    # 1 and 2 do it together, and only together; 3 does nothing
    claim = "Ann of Rome painted."
    joint = (f"{FLAT[1]} {FLAT[2]} {FLAT[3]}", claim)
    judge = Table(joint, (f"{FLAT[1]} {FLAT[2]}", claim))
    (got,) = judged(said(f"{claim} [1][2][3]"), judge)
    assert (got.supported, got.precise) == (True, (True, True, False))


def test_no_citation_of_an_unsupported_sentence_is_precise() -> None:
    # as in ALCE, although 1 alone would do: together they do not
    claim = "Ann is Roman."
    (got,) = judged(said(f"{claim} [1][2]"), Table((FLAT[1], claim)))
    assert (got.supported, got.precise) == (False, (False, False))


def test_a_verbatim_sentence_with_a_spare_citation() -> None:
    (got,) = judged(said("She painted ships. [2][3]"), Table())
    assert got == Judged("She painted ships.", True, True, (True, False))


def test_of_a_declined_part_only_its_quote_is_judged() -> None:
    text = "Ann won. [1] To “Where is Lima?”: the documents don't say. They do not mention “Lima”. "
    found = statements(said(f"{text}The nearest they come: “It rained.” [2]"))
    assert [(one.text, [c.marker for c in one.citations]) for one in found] == [
        ("Ann won.", [1]),
        ("“It rained.”", [2]),
    ]


def test_an_abstention_is_not_judged() -> None:
    judge = Table()
    assert judged(said("The documents don't say. [1]", abstained=True), judge) == ()
    assert judge.asked == []
