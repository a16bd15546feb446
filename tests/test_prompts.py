"""Prompts fit their budget, whatever is put into them, and lose the right things first."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import QuestionError
from rag.generator import TransformersGenerator
from rag.prompts import EXAMPLES, SYSTEM, TURN_TOKENS, Message, answer_prompt, cut, fit


def words(text: str) -> int:
    """A count that can be done by hand: words, and each mark by itself."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def total(messages: list[Message]) -> int:
    return sum(words(message.content) + TURN_TOKENS for message in messages)


EVIDENCE = ["The mill burned in 1904. Nobody was hurt.", "It was rebuilt by Ida Holm."]


def test_with_room_everything_is_there_in_order() -> None:
    prompt = answer_prompt(
        " Who rebuilt\n the mill? ", EVIDENCE, budget=900, count=words, history=[("a?", "b.")]
    )
    assert [message.role for message in prompt] == ["system", *["user", "assistant"] * 4, "user"]
    assert prompt[0].content == SYSTEM
    assert prompt[1].content == f"Text: {EXAMPLES[0][0]}\n\nQuestion: {EXAMPLES[0][1]}"
    assert prompt[2].content == EXAMPLES[0][2]
    assert [message.content for message in prompt[7:9]] == ["a?", "b."]
    assert prompt[-1].content == (
        "Text: The mill burned in 1904. Nobody was hurt. It was rebuilt by Ida Holm.\n\n"
        "Question: Who rebuilt the mill?"
    )


def test_what_comes_before_the_last_message_does_not_depend_on_the_question() -> None:
    first, second = (
        answer_prompt(question, EVIDENCE, budget=512, count=words)[:-1]
        for question in ("Who?", "When did the mill burn?")
    )
    assert first == second


def test_without_examples_the_rest_is_the_same() -> None:
    whole = answer_prompt("Who?", EVIDENCE, budget=900, count=words, history=[("a?", "b.")])
    bare = answer_prompt(
        "Who?", EVIDENCE, budget=900, count=words, history=[("a?", "b.")], examples=()
    )
    assert bare == [whole[0], *whole[7:]]


def test_history_goes_first_then_examples_then_evidence() -> None:
    full = answer_prompt("Who?", EVIDENCE, budget=900, count=words)
    turns = [(f"question {i}?", f"answer {i}.") for i in range(40)]
    squeezed = answer_prompt("Who?", EVIDENCE, budget=total(full), count=words, history=turns)
    assert squeezed == full
    roomier = answer_prompt("Who?", EVIDENCE, budget=total(full) + 50, count=words, history=turns)
    assert [message.content for message in roomier[7:-1]] == [
        text for turn in turns[-2:] for text in turn
    ]
    tight = answer_prompt("Who?", EVIDENCE, budget=60, count=words)
    assert [message.role for message in tight] == ["system", "user"]
    assert EVIDENCE[0] in tight[-1].content
    tighter = answer_prompt("Who?", EVIDENCE, budget=47, count=words)
    assert tighter[-1].content == "Text: The mill burned in 1904.\n\nQuestion: Who?"


def test_a_question_is_whole_up_to_half_the_room_and_then_loses_its_middle() -> None:
    long = "Who built " + "the very old mill " * 50 + "by the river?"
    prompt = answer_prompt(long, EVIDENCE, budget=1000, count=words)
    assert f"Question: {long}" in prompt[-1].content
    prompt = answer_prompt(long, EVIDENCE, budget=150, count=words)
    question = prompt[-1].content.split("Question: ")[1]
    assert question.startswith("Who built the very")
    assert " … " in question
    assert question.endswith("by the river?")
    assert "The mill burned in 1904." in prompt[-1].content


def test_no_room_for_a_question_is_an_error() -> None:
    with pytest.raises(QuestionError):
        answer_prompt("Who built the mill?", EVIDENCE, budget=20, count=words)


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (100, "One two. Three “four!” Five"),
        (9, "One two. Three “four!”"),
        (8, "One two. Three “four!”"),
        (7, "One two."),
        (3, "One two."),
        (2, "One"),
        (1, "One"),
        (0, ""),
        (-5, ""),
    ],
)
def test_cut_prefers_sentences_then_words(room: int, expected: str) -> None:
    if room == 100:
        assert fit(["One two. Three “four!” Five"], room, words) == expected
    else:
        assert cut("One two. Three “four!” Five six seven", room, words) == expected


@given(
    question=st.text(min_size=1, max_size=400).filter(lambda text: text.strip()),
    evidence=st.lists(st.text(max_size=300), max_size=5),
    history=st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), max_size=4),
    budget=st.integers(64, 600),
)
def test_never_over_budget(
    question: str, evidence: list[str], history: list[tuple[str, str]], budget: int
) -> None:
    try:
        prompt = answer_prompt(question, evidence, budget=budget, count=words, history=history)
    except QuestionError:
        return
    assert total(prompt) <= budget
    assert prompt[-1].role == "user"


@pytest.mark.models
def test_the_real_tokenizer_finds_the_prompt_within_the_budget(
    generator: TransformersGenerator,
) -> None:
    evidence = ["Ærø’s ferry — № 7 — crossed twice, 漢字 and all. " * 6] * 3
    for budget in (80, 150, 300, 512):
        prompt = answer_prompt("Who? " * 40, evidence, budget=budget, count=generator.count)
        ids, _ = generator.encode(prompt)
        assert budget * 0.6 < len(ids) <= budget
