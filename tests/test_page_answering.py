from __future__ import annotations

import dataclasses
import threading
import time
from itertools import pairwise

import pytest
from page_fake import FakeBot

from rag.errors import ModelMissing, QuestionError, RagError
from rag.page.answering import INTERVAL, Step, checked, converse, steps
from rag.page.bot import Opening
from rag.page.sessions import HISTORY_TURNS, MAX_SESSIONS, MAX_TURNS, Session, Sessions, Turn, plain
from rag.public import answer_keys
from rag.types import Event


class Clock:
    """Time that moves a fixed step at each look."""

    def __init__(self, step: float) -> None:
        self.step, self.now = step, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def opened(bot=None) -> Opening:
    opening = Opening(lambda progress: bot or FakeBot())
    opening.wait()
    return opening


def test_a_stream_becomes_stages_a_growing_draft_and_one_turn():
    values = list(steps(FakeBot(), "Who lit the lamp?", [], threading.Event(), Clock(2 * INTERVAL)))
    *shown, last = values
    assert isinstance(last, Turn)
    assert last.answer == FakeBot().answer("Who lit the lamp?")
    assert [s.stage for s in shown][:3] == ["search", "read", "write"]
    drafts = [s.draft for s in shown]
    assert all(later.startswith(earlier) for earlier, later in pairwise(drafts))
    assert shown[-1] == Step("Who lit the lamp?", "verify", last.answer.draft + " ")


def test_tokens_are_thinned_to_one_update_an_interval():
    class Chatty(FakeBot):
        def stream(self, question, history=(), *, stop=None):
            for _ in range(1000):
                yield Event("token", "x")
            yield Event("answer", answer=self.answer(question))

    values = list(steps(Chatty(), "q", [], threading.Event(), Clock(INTERVAL / 100)))
    assert 8 <= len(values) <= 25


def test_stopping_ends_with_the_draft_so_far_and_tells_the_pipeline():
    bot, stop = FakeBot(), threading.Event()
    values = []
    for value in steps(bot, "Who lit the lamp?", [], stop, Clock(2 * INTERVAL)):
        values.append(value)
        if isinstance(value, Step) and len(value.draft.split()) == 3:
            stop.set()
    assert values[-1] == Turn("Who lit the lamp?", draft="Marta Lindqvist lit ")
    assert bot.stopped == 1


def test_a_browser_that_leaves_stops_the_pipeline_and_frees_the_session():
    bot, session = FakeBot(), Session()
    session.accept("Who lit the lamp?")
    conversation = converse(opened(bot), session)
    next(conversation)
    assert session.accept("another") is False
    conversation.close()
    assert bot.stopped == 1
    assert session.turns == ()
    assert session.accept("another") is True


def test_history_is_handed_on_without_markers():
    bot, session = FakeBot(), Session()
    opening = opened(bot)
    for question in ("Who lit the lamp?", "When?"):
        session.accept(question)
        list(converse(opening, session))
    assert bot.histories == [
        [],
        [
            (
                "Who lit the lamp?",
                "Marta Lindqvist lit the lamp in 1874. It was made electric in 1962.",
            )
        ],
    ]
    assert plain("A [1][2]. B [3] [4]") == "A. B"


def test_an_error_becomes_a_turn_with_its_hint():
    class Broken(FakeBot):
        def stream(self, question, history=(), *, stop=None):
            raise ModelMissing("No generator.", hint="Run `rag models get`.")
            yield

    session = Session()
    session.accept("q")
    assert list(converse(opened(Broken()), session))[-1] == Turn(
        "q", error="No generator.", hint="Run `rag models get`."
    )
    assert session.stop is None


def test_an_unexpected_error_shows_no_innards():
    class Broken(FakeBot):
        def stream(self, question, history=(), *, stop=None):
            raise ZeroDivisionError("/secret/path")
            yield

    session = Session()
    session.accept("q")
    turn = list(converse(opened(Broken()), session))[-1]
    assert "secret" not in turn.error + turn.hint
    assert session.turns == (turn,)


def test_the_pipeline_is_opened_once_however_many_wait():
    calls = []

    def opener(progress):
        calls.append(1)
        progress("embedding", 3, 9)
        time.sleep(0.2)
        return FakeBot()

    opening = Opening(opener)
    threads = [threading.Thread(target=opening.wait) for _ in range(8)]
    opening.start()
    time.sleep(0.05)
    assert (opening.readiness.stage, opening.readiness.done, opening.readiness.total) == (
        "embedding", 3, 9,
    )  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert opening.readiness.state == "ready"


def test_a_failed_opening_tells_everyone_why():
    def opener(progress):
        raise ModelMissing("The generator is not here.", hint="Run `rag models get`.")

    opening = Opening(opener)
    for _ in range(2):
        with pytest.raises(RagError, match="not here") as caught:
            opening.wait()
        assert caught.value.hint == "Run `rag models get`."
    assert opening.readiness.state == "failed"


def test_waiting_for_the_models_can_be_stopped():
    blocked, stop = threading.Event(), threading.Event()

    def opener(progress):
        blocked.wait()
        return FakeBot()

    opening = Opening(opener)
    stop.set()
    assert opening.wait(stop) is None
    blocked.set()


def test_undo_clear_and_the_bounds_of_a_session():
    session = Session()
    for n in range(MAX_TURNS + 5):
        session.accept(f"q{n}")
        session.begin()
        session.finish(Turn(f"q{n}", FakeBot().answer("q")))
    assert len(session.turns) == MAX_TURNS
    assert len(session.history()) == HISTORY_TURNS
    assert session.undo() == f"q{MAX_TURNS + 4}"
    assert session.turns[-1].question == f"q{MAX_TURNS + 3}"
    session.clear()
    assert session.undo() == ""


def test_a_question_that_waits_is_answered_once():
    session = Session()
    session.accept("first")
    session.accept("second")
    assert session.begin()[0] == "second"
    assert session.begin() is None


def test_the_oldest_of_too_many_sessions_is_dropped_and_stopped():
    sessions = Sessions()
    first = sessions.get("first")
    first.accept("q")
    _, stop = first.begin()
    for n in range(MAX_SESSIONS):
        sessions.get(str(n))
    assert stop.is_set()
    assert sessions.get("first") is not first


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 101])
def test_questions_are_neither_empty_nor_too_long(text):
    with pytest.raises(QuestionError):
        checked(text, 100)
    assert checked("  why?\n", 100) == "why?"


def test_an_answer_as_json_quotes_its_source():
    answer = FakeBot().answer("Who lit the lamp?")
    row = answer_keys(answer)
    text = FakeBot().document("doc-0").text
    assert set(row) == {
        "question", "text", "abstained", "confidence", "citations", "passages", "timings",
    }  # fmt: skip
    for citation in row["citations"]:
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert row["passages"][0] == {
        "document": "doc-0", "start": 23, "end": answer.passages[0].end, "score": 0.0328,
    }  # fmt: skip


def test_a_notice_is_a_key_only_where_there_is_one():
    answer = FakeBot().answer("Who lit the lamp?")
    assert list(answer_keys(dataclasses.replace(answer, notice="quoted")))[-1] == "notice"
    assert "notice" not in answer_keys(answer)
