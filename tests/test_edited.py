"""Passages edited so that they no longer answer, and so that they still do."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from rag import words
from training import edited
from training.claim_questions import claim_group
from training.data import Recipe, reader_group
from training.edited import Asked, Vocabulary
from training.encoding import Encoder
from training.mining import Neighbours

PASSAGE = (
    "Arta lies on a river. In 1931 the engineer Ana Ruiz was hired and built the oldest bridge "
    "of Arta in two years. Later Tom Berg was the mayor, and the first mill was opened."
)
VOCABULARY = Vocabulary.of(
    [
        "The singer Eva Lind of Oslo sold the greatest house to Max Frei. Two women were tired.",
        "In Lisbon the painters Ida Holm and Jon Moe carried seven barrels over the meadow.",
    ]
)


def ask(question: str, answer: str = "Ana Ruiz", passage: str = PASSAGE) -> Asked:
    start = passage.index(answer)
    return Asked(question, passage, (start, start + len(answer)))


def changed(one: Asked, other: Asked) -> tuple[set[str], set[str]]:
    """Return the words that only one of two passages has."""
    old, new = (set(words.tokens(a.passage)) for a in (one, other))
    return old - new, new - old


@pytest.mark.parametrize(
    ("way", "question", "gone"),
    [
        (edited.other_name, "Who built the bridge of Arta?", {"Arta"}),
        (edited.other_number, "Who built a bridge in 1931?", {"1931"}),
        (edited.other_number, "What took two years, or fourteen?", {"two"}),
        (edited.opposite, "Who built the oldest bridge?", {"oldest"}),
        (edited.other_word, "Who made the bridge?", {"bridge"}),
    ],
)
def test_what_question_and_sentence_share_is_changed(
    way: edited.Way, question: str, gone: set[str]
) -> None:
    asked = ask(question)
    for seed in range(20):
        other = way(asked, VOCABULARY, Random(seed))
        assert other is not None
        assert (other.question, other.answer) == (question, "Ana Ruiz")
        lost, _ = changed(asked, other)
        assert lost <= gone
        start, end = other.home()
        assert not gone & set(words.tokens(other.passage[start:end]))
        before, after = asked.home()
        assert other.passage[:start] == asked.passage[:before]
        assert other.passage[end:] == asked.passage[after:]


def test_the_verb_before_a_shared_word_is_negated() -> None:
    other = edited.negated(ask("Who was hired as an engineer?"), VOCABULARY, Random(0))
    assert other
    assert "Ana Ruiz was not hired" in other.passage
    assert edited.negated(ask("Who was not hired?"), VOCABULARY, Random(0)) is None
    denied = ask("What was not found?", "mill", "The mill was never found.")
    other = edited.negated(denied, VOCABULARY, Random(0))
    assert other
    assert (other.passage, other.answer) == ("The mill was found.", "mill")
    assert edited.negated(ask("Who lives by the river?"), VOCABULARY, Random(0)) is None


def test_an_answer_is_never_touched() -> None:
    asked = ask("Who is Ana Ruiz of Arta, and what did the engineer Ana Ruiz build?")
    for seed in range(100):
        for make in (edited.edited, edited.varied):
            other = make(asked, VOCABULARY, Random(seed))
            assert other is not None
            if other.question == asked.question and other.answer != asked.answer:
                assert make is edited.varied  # another answer, of the same kind
                assert other.answer in VOCABULARY.names


def test_what_no_question_asks_for_may_change() -> None:
    asked = ask("Who built the oldest bridge of Arta in 1931?")
    shared = {"built", "oldest", "bridge", "1931"}
    ways: set[str] = set()
    for seed in range(200):
        other = edited.varied(asked, VOCABULARY, Random(seed))
        assert other is not None
        start, end = other.home()
        assert shared <= set(words.tokens(other.passage[start:end]))
        lost, _ = changed(asked, other)
        if other.question != asked.question:
            ways.add("renamed")
            assert "Arta" not in other.passage + other.question
        elif other.answer != "Ana Ruiz":
            ways.add("other answer")
        elif other.passage[start:end] != asked.passage[slice(*asked.home())]:
            ways.add("at home")
            assert lost
        else:
            ways.add("elsewhere")
    assert ways == {"renamed", "other answer", "at home", "elsewhere"}


def test_a_name_with_a_part_elsewhere_keeps_its_name() -> None:
    passage = "Ana Ruiz built a bridge. Ruiz came from Oslo."
    asked = ask("What did Ana Ruiz build?", "bridge", passage)
    assert all(edited.renamed(asked, VOCABULARY, Random(seed)) is None for seed in range(20))


def test_a_group_holds_its_passage_with_edits() -> None:
    row: dict[str, Any] = {
        "question": "Who built the bridge of Arta?",
        "passage": PASSAGE,
        "answer": "Ana Ruiz",
        "answer_start": PASSAGE.index("Ana"),
        "source": "x",
    }
    recipe = Recipe(near=0, changed=0, withheld=0, edited=1, varied=1, typed=0)
    right, without, still = reader_group(
        row, Neighbours.none(), recipe, Random(3), vocabulary=VOCABULARY
    )
    assert right.passage == PASSAGE
    assert (without.answerable, without.null, without.relevance) == (0.0, True, None)
    assert (still.answerable, still.null, still.relevance) == (1.0, False, None)
    assert len({right.passage, without.passage, still.passage}) == 3
    assert without.region is not None
    assert "Ana Ruiz" in without.passage[slice(*without.region)]
    assert (right,) == reader_group(row, Neighbours.none(), recipe, Random(3))


def test_a_claims_premise_is_edited_where_it_answers() -> None:
    recipe = Recipe(edited=1, varied=1, typed=0)
    premise = "In 1931 the engineer Ana Ruiz built a bridge for the town of Arta."
    row = {
        "hypothesis": "Ana Ruiz built a bridge in Arta.",
        "premise": premise,
        "label": "supported",
        "source": "fever-x",
    }
    right, without, still = claim_group(row, Random(5), recipe, VOCABULARY)
    assert (right.answerable, without.answerable, still.answerable) == (1.0, 0.0, 1.0)
    assert (right.question, without.question) == ("What built a bridge in Arta?",) * 2
    refuted = claim_group(row | {"label": "refuted"}, Random(5), recipe, VOCABULARY)
    assert len(refuted) == 1


class Words:
    """A tokenizer with a token a word."""

    class Encoded:
        def __init__(self, text: str) -> None:
            at = [i for i in range(len(text)) if text[i] != " " and (i == 0 or text[i - 1] == " ")]
            self.offsets = [(i, i + len(text[i:].split()[0])) for i in at]
            self.ids = list(range(10, 10 + len(at)))

    def token_to_id(self, token: str) -> int:
        return {"[CLS]": 1, "[SEP]": 2}[token]

    def encode(self, text: str, add_special_tokens: bool) -> Words.Encoded:
        return self.Encoded(text)


def test_an_edit_is_within_the_window_and_has_no_span() -> None:
    asked = ask("Who built the bridge of Arta?", passage=f"{'So it was. ' * 60}{PASSAGE}")
    recipe = Recipe(edited=1, varied=0, typed=0)
    row = {"question": asked.question, "passage": asked.passage, "answer": asked.answer}
    row |= {"answer_start": asked.span[0], "source": "x"}
    made = reader_group(row, Neighbours.none(), recipe, Random(0), vocabulary=VOCABULARY)
    without = next(one for one in made if one.region)
    encoder = Encoder(Words(), 60)
    assert without.region
    place = len(without.passage[: without.region[0]].split())
    for seed in range(20):
        encoded = encoder.row(without, Random(seed))
        assert (encoded.span, encoded.region) == ((0, 0), False)
        assert 10 + place in encoded.ids
