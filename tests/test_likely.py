"""Words that a language model expects in the place of others, and what is made of them."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from rag import models, words
from rag.settings import DEFAULT_GENERATOR, ModelSettings
from training import edited, likely
from training.data import Recipe, reader_group
from training.edited import Asked, Vocabulary
from training.exchange import Exchange
from training.mining import Neighbours
from training.near_misses import changes
from training.unanswerable import Changes

PASSAGE = (
    "Arta lies on a river. Ana Ruiz taught music at the university for many years. "
    "She lived in a small house by the harbour."
)
QUESTION = "Who taught music at the university?"
START = PASSAGE.index("Ana")
ASKED = Asked(QUESTION, PASSAGE, (START, START + len("Ana Ruiz")))
AT, BEFORE = QUESTION.index("music"), PASSAGE.index("music")
EXCHANGES = [
    Exchange(BEFORE, BEFORE + 5, ("painting",), True, False),
    Exchange(PASSAGE.index("years"), PASSAGE.index("years") + 5, ("months",), False, False),
    Exchange(AT, AT + 5, ("poetry", "drama"), True, True),
]
KNOWN = {(QUESTION, PASSAGE): EXCHANGES}


@pytest.fixture(scope="module")
def expecting(tmp_path_factory: pytest.TempPathFactory) -> likely.Expecting:
    """Return the language model, with words of a few sentences to choose from."""
    from transformers import AutoTokenizer

    base = models.locate(DEFAULT_GENERATOR, ModelSettings())
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    texts = [
        f"He taught {word} at the school, and {word} at the college." * 2
        for word in ("music", "history", "poetry", "logic", "faith")
    ]
    cache = tmp_path_factory.mktemp("vectors")
    return likely.Expecting(likely.Lexicon.of(tokenizer, texts, cache), base)


@pytest.mark.models
def test_what_is_expected_is_another_word_and_where_the_word_was(
    expecting: likely.Expecting,
) -> None:
    (found,) = expecting.exchanges([ASKED])
    assert any(one.asked for one in found)
    assert any(not one.asked for one in found)
    for one in found:
        old = (QUESTION if one.asked else PASSAGE)[one.start : one.end]
        assert old in ("music", "taught")
        assert one.shared
        assert old == "music"  # nothing else in the lexicon has the form of a past
        assert 0 < len(one.news) <= likely.KEPT
        assert set(one.news) <= {"history", "poetry", "logic", "faith"}


@pytest.mark.models
def test_questions_are_read_together_as_they_are_alone(expecting: likely.Expecting) -> None:
    other = Asked("Who taught at the university for years?", PASSAGE, ASKED.span)
    together = expecting.exchanges([ASKED, other])
    alone = [*expecting.exchanges([ASKED]), *expecting.exchanges([other])]
    assert [[(e.start, e.asked) for e in one] for one in together] == [
        [(e.start, e.asked) for e in one] for one in alone
    ]


def lexicon(**cosines: float) -> likely.Lexicon:
    """Return words by their cosine with "old", each followed by "of" as often as by a mark."""
    said = ["old", *cosines]
    vectors = np.array([[1.0, 0.0]] + [[c, (1 - c * c) ** 0.5] for c in cosines.values()])
    behind = {word: Counter({"of": 5, likely.MARK: 5}) for word in said}
    return likely.Lexicon(range(len(said)), said, vectors, behind)


def test_words_that_may_mean_the_same_stay_out() -> None:
    made = lexicon(elderly=0.8, green=0.1, tall=0.2)
    logits = torch.tensor([9.0, 8.0, 2.0, 3.0])
    assert made.others(logits, "old", "of", frozenset()) == ("tall", "green")
    assert made.others(logits, "old", "of", frozenset({words.stem("tall")})) == ("green",)
    assert made.others(logits, "unknown", "of", frozenset()) == ()


def test_a_word_must_go_with_what_follows() -> None:
    made = lexicon(green=0.1)
    logits = torch.tensor([2.0, 1.0])
    assert made.others(logits, "old", "of", frozenset()) == ("green",)
    assert made.others(logits, "old", "the", frozenset()) == ()
    assert made.others(logits, "old", likely.CONTENT, frozenset()) == ()


@pytest.mark.parametrize(
    ("behind", "what"), [(" of it", "of"), (" Paris", "*"), (", of", "#"), ("", "#"), ("-boy", "#")]
)
def test_what_follows_a_word(behind: str, what: str) -> None:
    assert likely.follower(f"word{behind}", 4) == what


def test_a_question_may_ask_for_what_is_expected() -> None:
    expected = Changes({}, KNOWN)
    drawn = Counter(
        expected.draw(QUESTION, PASSAGE, "Ana Ruiz", Random(seed)) for seed in range(200)
    )
    wanted = {QUESTION.replace("music", word) for word in ("poetry", "drama")}
    assert wanted < set(drawn)
    assert 90 < sum(drawn[one] for one in wanted) < 150  # three in five


def test_a_passage_may_say_what_is_expected() -> None:
    vocabulary = Vocabulary.of(["Tom Berg of Oslo was tired of years."], KNOWN)
    other = edited.other_word(ASKED, vocabulary, Random(0))
    assert other
    assert other.passage == PASSAGE.replace("music", "painting")
    assert other.answer == "Ana Ruiz"
    kept = {edited.besides(ASKED, vocabulary, Random(seed)) for seed in range(40)}
    assert PASSAGE.replace("years", "months") in {one.passage for one in kept if one}
    nowhere = Vocabulary.of(["Two were tired."], {(QUESTION, PASSAGE): []})
    assert edited.other_word(ASKED, nowhere, Random(0)) is None


def test_a_run_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "likely.jsonl.gz"
    row = {
        "question": QUESTION,
        "passage": PASSAGE,
        "exchanges": [asdict(one) for one in EXCHANGES],
    }
    with gzip.open(path, "wt", encoding="utf-8") as file:
        print(json.dumps(row), file=file)
    made = changes(None, path)
    assert made.likely == KNOWN
    recipe = Recipe(near=0, changed=1, withheld=0, edited=1, varied=0, typed=0)
    asked = row | {"answer": "Ana Ruiz", "answer_start": START, "source": "squad"}
    vocabulary = Vocabulary.of([PASSAGE], made.likely)
    found = {
        (one.question, one.passage)
        for seed in range(20)
        for one in reader_group(asked, Neighbours.none(), recipe, Random(seed), made, vocabulary)
    }
    assert (QUESTION.replace("music", "drama"), PASSAGE) in found
    assert (QUESTION, PASSAGE.replace("music", "painting")) in found


def test_what_is_read_is_what_a_run_takes_and_what_is_kept_aside(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "reader.jsonl.gz", "wt", encoding="utf-8") as file:
        for number in range(300):
            passage = f"{PASSAGE} It has number {number}."
            made = {"question": QUESTION, "passage": passage, "source": "squad"}
            print(json.dumps(made | {"answer": "Ana", "answer_start": START}), file=file)
        print(json.dumps(made | {"answer": "", "answer_start": -1}), file=file)
        far = f"{passage} {'Rest. ' * 400}"
        print(json.dumps(made | {"passage": far, "answer": "", "answer_start": START}), file=file)
    every, some = (likely.asked_of(tmp_path, 1, share) for share in (1.0, 0.2))
    assert len(every) == 300
    assert 30 < len(some) < 100
    batches = likely.packed(every)
    assert sorted(index for batch in batches for index in batch) == list(range(300))
    assert len(batches) > 1
