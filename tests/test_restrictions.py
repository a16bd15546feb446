"""Exceptions and conditions that a sentence leaves away."""

from __future__ import annotations

import pytest

from rag.citations import Verifier
from rag.passages import sentences
from rag.restrictions import unrestricted
from rag.settings import VerifierSettings
from rag.types import Evidence, Passage

PETS = "Pets are not allowed, except for fish and caged birds."


@pytest.mark.parametrize(
    ("sentence", "span", "found"),
    [
        ("Caged birds are not allowed.", PETS, ("exception: bird", "exception: cage")),
        ("Pets are not allowed.", PETS, ()),
        ("Pets are not allowed except caged birds.", PETS, ()),
        (PETS, PETS, ()),
        ("He visited Rome.", "Apart from Paris, he visited Rome.", ()),
        ("He visited Paris.", "Apart from Paris, he visited Rome.", ("exception: pari",)),
        ("It runs on Macs.", "It runs on PCs but not on Macs; it is free.", ("exception: mac",)),
        ("It is free.", "It runs on PCs but not on Macs; it is free.", ()),
        ("Fish are allowed.", "Fish are allowed. No pets other than fish may stay.", ()),
        (
            "She may end the lease early.",
            "She may end the lease early only if she needs the flat.",
            ("condition: only if",),
        ),
        ("She may, if she needs it.", "Unless she needs it she may not.", ("condition: unless",)),
        ("She may only if she needs it.", "She may end it only if she needs it.", ()),
        ("It has a boiler.", "The flat was provided with a boiler.", ()),
        ("He won once.", "He won only once.", ()),
    ],
)
def test_what_is_left_away(sentence: str, span: str, found: tuple[str, ...]) -> None:
    assert unrestricted(sentence, span) == found


def test_a_draft_that_turns_an_exception_around_is_replaced_by_the_quote() -> None:
    passage = Passage("lease", "lease", 0, len(PETS), PETS, tuple(sentences(PETS)))
    evidence = [Evidence(passage, 0, len(PETS), 0.9)]
    verifier = Verifier(VerifierSettings(), sentences)
    question = "Are birds allowed?"
    turned = verifier.verify(question, "Caged birds are not allowed.", evidence)
    assert [claim.text for claim in turned.claims] == [PETS]
    assert turned.rejected == 1
    kept = verifier.verify("Which pets may live here?", "Pets are not allowed.", evidence)
    assert kept.rejected == 0
