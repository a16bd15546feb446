"""Suggested questions: what is drawn, and that only what the reader answers is shown."""

from __future__ import annotations

import threading
import time

import pytest
from page_fake import SECOND, TEXT, FakeBot

from rag.errors import QuestionError
from rag.page.candidates import candidates
from rag.page.suggestions import SHOWN, TRIED, Suggestions, answerable, drawn, following
from rag.types import Passage, Reading, Span


def passages(*texts: str) -> list[Passage]:
    return [
        Passage(f"p{i}", "d", 0, len(text), text, (Span(0, len(text)),))
        for i, text in enumerate(texts)
    ]


def settled(suggestions: Suggestions, bot: FakeBot) -> tuple[str, ...]:
    until = time.monotonic() + 10
    while suggestions.of(bot)[1] and time.monotonic() < until:
        time.sleep(0.01)
    found, looking = suggestions.of(bot)
    assert not looking
    return found


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Dara Okafor, a senior analyst, agreed.", "Who is Dara Okafor?"),
        ("The old bridge was built by monks in 1412.", "When was the old bridge built?"),
        ("Port Ellery was founded in 1790.", "When was Port Ellery founded?"),
        ("The Lamp Keepers Guild (LKG) met there.", "What does LKG stand for?"),
        ("## How does a lamp burn?", "How does a lamp burn?"),
        ("It fell to the Iron Company.", "What is the Iron Company?"),
    ],
)
def test_a_question_is_drawn_from_what_a_text_says(text, question):
    assert next(candidates(passages(text))) == question


@pytest.mark.parametrize(
    "text",
    ["It was built in 1412.", "there was rain", "The bridge was built.", "", "NASA (NASA) is."],
)
def test_nothing_is_drawn_from_what_names_nothing(text):
    assert list(candidates(passages(text))) == []


def test_each_question_comes_once_and_the_kinds_take_turns():
    bot = FakeBot()
    found = list(candidates(bot.index.passages()))
    assert found[0] == "Who is Marta Lindqvist?"
    assert len(found) == len(set(found))
    assert all(name in TEXT + SECOND for name in ("Marta Lindqvist", "Port Ellery"))


def test_only_what_the_reader_is_sure_of_is_shown():
    class Picky(FakeBot):
        def read(self, question):
            sure = "Marta" in question
            return Reading((), (), 0.9 if sure else 0.79, 0.9)

    assert settled(Suggestions(lambda: False), Picky()) == ("Who is Marta Lindqvist?",)

    class Unsure(FakeBot):
        def read(self, question):
            return Reading((), (), 0.99, 0.5)

    assert settled(Suggestions(lambda: False), Unsure()) == ()


def test_few_are_shown_and_few_are_tried():
    many = [(f"T{n}", f"Anna Voss{'abcdefghijklmnopqrstuvwxyz'[n]}, a pilot.") for n in range(26)]
    assert len(settled(Suggestions(lambda: False), FakeBot(many))) == SHOWN

    class No(FakeBot):
        tried = 0

        def read(self, question):
            No.tried += 1
            return Reading((), (), 0.0, 0.0)

    settled(Suggestions(lambda: False), No(many))
    assert No.tried <= TRIED


def test_one_content_is_looked_at_once_and_a_new_one_anew(tmp_path):
    class Counting(FakeBot):
        read_times = 0

        def read(self, question):
            Counting.read_times += 1
            return super().read(question)

    bot, suggestions = Counting(), Suggestions(lambda: False)
    first = settled(suggestions, bot)
    times = Counting.read_times
    assert settled(suggestions, bot) == first
    assert Counting.read_times == times
    (tmp_path / "a.txt").write_text("Ib Holm, a rope maker, came.", encoding="utf-8")
    bot.add([tmp_path / "a.txt"])
    mine = bot.index.entries()[-1].id
    suggestions.of(bot, [mine])
    assert settled(suggestions, bot)[0] == "Who is Ib Holm?"


def test_answers_go_first():
    answering = threading.Event()
    answering.set()
    bot, suggestions = FakeBot(), Suggestions(answering.is_set)
    suggestions.of(bot)
    time.sleep(0.3)
    assert suggestions.of(bot) == ((), True)
    answering.clear()
    assert settled(suggestions, bot) != ()


def test_an_index_that_closes_meanwhile_hurts_nobody():
    class Closed(FakeBot):
        def read(self, question):
            raise ZeroDivisionError

    suggestions = Suggestions(lambda: False)
    assert settled(suggestions, Closed()) == ()
    assert settled(suggestions, FakeBot([("T", "Ib Holm, a rope maker.")])) == ("Who is Ib Holm?",)


def test_a_large_library_is_sampled():
    bot = FakeBot([(f"T{n}", f"Word{n}") for n in range(500)])
    looked = []

    class Index(type(bot.index)):
        def passages(self, document=None):
            looked.append(document)
            return super().passages(document)

    bot.index.__class__ = Index
    assert list(drawn(bot, ["doc-499"])) == []
    assert looked[0] == "doc-499"
    assert len(looked) == len(set(looked)) == 30


def test_a_question_that_cannot_be_asked_is_passed_over():
    class Short(FakeBot):
        def read(self, question):
            if len(question) > 5:
                raise QuestionError("too long")
            return super().read("lamp")

    found = answerable(Short(), iter(["much too long", "lamp?"]), 9, lambda: None)
    assert list(found) == ["lamp?"]


def test_what_follows_is_about_what_was_not_cited_nor_asked():
    bot = FakeBot()
    answer = bot.answer("Who lit the lamp?")
    found = following(bot, answer, ["Who lit the lamp?"], lambda: None)
    assert found
    assert all("Lindqvist" not in question for question in found)
    again = following(bot, answer, [*found, "Who lit the lamp?"], lambda: None)
    assert not set(again) & set(found)
    assert following(bot, bot.answer("moon"), [], lambda: None) == ()
