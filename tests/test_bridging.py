"""The last step to an answer: taken where the best answer only leads on, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.bridging import bridged, is_asked_for
from rag.passages import sentences
from rag.questions import analyse
from rag.types import Evidence, Hit, Judgement, Passage, Place, Span

SALT = "Salt is a book of poems by Ada Berg, who sold it in the streets."
BERG = "Ada Berg (born 1901) was a poet. She was raised in Lund, a town of 800 people."
QUESTION = "In which year was the author of Salt born?"


def passage(title: str, text: str) -> Passage:
    return Passage(title, title, 0, len(text), text, tuple(sentences(text)), title=title)


def evidence(of: Passage, answer: str) -> Evidence:
    at = of.text.index(answer)
    span = next(s for s in of.sentences if s.start <= at < s.end)
    return Evidence(of, span.start, span.end, 0.7, Span(at, at + len(answer)))


class Judge:
    """Finds some words where they stand, and holds each passage as answerable as it was told."""

    def __init__(self, words: str, **answerable: float) -> None:
        self.words = words
        self.answerable = answerable
        self.asked: list[str] = []

    def judge(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] = (),
        parts: Sequence[Sequence[tuple[int, int]]] = (),
    ) -> list[Judgement]:
        self.asked.append(question)
        (text,), (title,) = passages, titles
        at = text.find(self.words)
        found = (at, at + len(self.words)) if at >= 0 else (0, 0)
        spans = tuple(
            (*found, 1.0) if start <= found[0] < end else (0, 0, -9.0)
            for start, end in (parts[0] if parts else ())
        )
        return [Judgement(0.0, self.answerable[title.split()[0]], *found, 1.0, spans)]


BOOK, POET = passage("Salt", SALT), passage("Ada Berg", BERG)
HITS = (Hit(BOOK, 0.9), Hit(POET, 0.5), Hit(passage("Brine", "Brine is salt water."), 0.1))
FIRST = evidence(BOOK, "Ada Berg")


def after(question: str = QUESTION, judge: Judge | None = None, hits=HITS, first=FIRST):
    judge = judge or Judge("1901", Salt=1.0, Ada=0.5)
    return bridged(analyse(question), (first, evidence(POET, "Lund")), hits, judge)


def test_what_the_next_passage_answers_comes_first_and_what_led_to_it_second() -> None:
    judge = Judge("1901", Salt=1.0, Ada=0.5)
    found = after(judge=judge)
    assert [e.answer_text for e in found] == ["1901", "Ada Berg", "Lund"]
    assert found[0].quote == "Ada Berg (born 1901) was a poet."
    assert judge.asked == [QUESTION, f"Ada Berg: {QUESTION}"]


def test_a_heading_names_a_passage_as_a_title_does() -> None:
    headed = replace(POET, title="Poets", place=Place(("Ada Berg",)))
    judge = Judge("1901", Salt=1.0, Poets=0.5)
    assert after(judge=judge, hits=(HITS[0], Hit(headed, 0.5)))[0].answer_text == "1901"


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote Salt?",  # nothing is left for the next passage
        "Which poet born in a town wrote Salt?",  # she is a poet
        "Who was raised by people and wrote Salt?",  # she is a person
        "Who was born first, the author of Salt or Karl Marx?",
    ],
)
def test_an_answer_that_may_be_what_is_asked_for_stays(question: str) -> None:
    assert after(question)[0] == FIRST


def test_a_passage_that_answers_much_less_is_not_followed() -> None:
    question = "Which town was the author of Salt raised in?"
    assert after(question, Judge("Lund", Salt=1.0, Ada=0.5))[0].answer_text == "Lund"
    assert after(question, Judge("Lund", Salt=3.0, Ada=0.5))[0] == FIRST


@pytest.mark.parametrize("question", ["When did the author die?", "In what year was it sold?"])
def test_no_name_answers_when(question: str) -> None:
    assert after(question, Judge("1901", Salt=9.0, Ada=0.5))[0].answer_text == "1901"
    asked_of_a_person = "Who sold it when the author died?"
    assert after(asked_of_a_person, Judge("1901", Salt=1.0, Ada=0.5))[0] == FIRST


def test_what_is_not_titled_by_a_new_answer_leads_nowhere() -> None:
    assert after(judge=Judge("Ada Berg", Salt=1.0, Ada=0.5))[0] == FIRST
    assert after(hits=HITS[:1])[0] == FIRST
    assert after(first=evidence(BOOK, SALT[:-1]))[0].answer_text == SALT[:-1]


def test_nothing_leads_nowhere() -> None:
    assert bridged(analyse(QUESTION), (), HITS, Judge("x")) == ()


@pytest.mark.parametrize(
    ("question", "text", "may"),
    [
        ("Which school did she leave?", "Lark Hall is a school in Lund.", True),
        ("What Swedish town is it in?", "Lark Hall is a school in Lund.", False),
        ("Where is it?", "Lund is a town.", True),
        ("Where is it?", "Lark Hall is a school.", False),
        ("Who owned it?", "Ada Berg was born in 1901.", True),
        ("Who owned it?", "Salt is a book of poems.", False),
        ("What is it called?", "Salt is a book of poems.", True),
    ],
)
def test_what_may_be_asked_for(question: str, text: str, may: bool) -> None:
    assert is_asked_for(analyse(question), passage("", text)) is may
