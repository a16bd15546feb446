"""Conversations kept in the browser and exported, and votes: values in, values out."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_fake import FakeBot
from page_payloads import PAYLOADS

from rag.errors import RagError
from rag.page import export
from rag.page.feedback import Feedback
from rag.page.preferences import Preferences
from rag.page.saved import CHARS, TURNS, packed, unpacked
from rag.page.sessions import Session, Turn
from rag.types import Answer, Citation, Place

BOT = FakeBot()
ANSWERED = Turn("Who lit the lamp?", BOT.answer("Who lit the lamp?"), vote="up")
TURNS_OF_ALL_KINDS = (
    ANSWERED,
    Turn("moon", BOT.answer("moon")),
    Turn("stopped?", draft="The lamp"),
    Turn("broken?", error="No.", hint="Try."),
)


def through_json(value):
    return json.loads(json.dumps(value))


def test_what_was_kept_comes_back_as_it_was():
    kept = through_json(packed(TURNS_OF_ALL_KINDS, Preferences(7, 0.3)))
    turns, preferences = unpacked(kept, BOT)
    assert preferences == Preferences(7, 0.3)
    assert [t.id for t in turns] == [t.id for t in TURNS_OF_ALL_KINDS]
    assert all(t.restored for t in turns)
    for before, after in zip(TURNS_OF_ALL_KINDS, turns, strict=True):
        assert (after.question, after.vote) == (before.question, before.vote)
        assert (after.draft, after.error, after.hint) == (before.draft, before.error, before.hint)
        if before.answer is None:
            assert after.answer is None
            continue
        assert after.answer.text == before.answer.text
        assert after.answer.citations == before.answer.citations
        assert [(h.text, h.score) for h in after.answer.passages] == [
            (h.text, h.score) for h in before.answer.passages
        ]
        assert after.answer.timings["total"] == before.answer.timings["total"]


def test_a_quote_that_does_not_stand_there_does_not_come_back():
    kept = through_json(packed([ANSWERED], Preferences()))
    citations = kept["turns"][0]["answer"]["citations"]
    good = list(citations[0])
    citations[:] = [
        good,
        [2, good[1], good[2], good[3], "The lamp was never lit."],
        [3, good[1], good[2] + 1, good[3], good[4]],
        [4, "unknown", 0, 3, "The"],
        [5, good[1], 0, 10**12, "x"],
        [True, *good[1:]],
        [1, good[1], -5, 3, ""],
        "no row",
    ]
    turns, _ = unpacked(kept, BOT)
    assert [c.marker for c in turns[0].answer.citations] == [1]


@pytest.mark.parametrize(
    "value",
    [None, 3, "x", [], {}, {"turns": 3}, {"turns": [3, None, {}, {"question": 5}]},
     {"turns": [{"question": ""}], "preferences": [1]}, {"preferences": {"passages": "x"}}],
)  # fmt: skip
def test_nonsense_comes_back_as_nothing(value):
    assert unpacked(value, BOT) == ((), Preferences())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(
    st.fixed_dictionaries(
        {
            "question": JSON,
            "id": JSON,
            "vote": JSON,
            "answer": JSON
            | st.fixed_dictionaries(
                {"text": JSON, "confidence": JSON, "citations": JSON, "passages": JSON}
            ),
        }
    )
)
def test_no_value_of_a_browser_breaks_the_page(row):
    turns, _ = unpacked({"turns": [row], "preferences": row}, BOT)
    for turn in turns:
        assert turn.vote in ("", "up", "down")
        if turn.answer is not None:
            assert 0 <= turn.answer.confidence <= 1
            assert turn.answer.citations == ()


def test_what_is_kept_is_bounded():
    kept = packed([Turn(f"q{n}", draft="x") for n in range(TURNS + 30)], Preferences())
    assert [row["question"] for row in kept["turns"]] == [f"q{n}" for n in range(30, TURNS + 30)]
    large = packed([Turn(f"q{n}", draft="x" * 60_000) for n in range(9)], Preferences())
    assert [row["question"] for row in large["turns"]] == ["q6", "q7", "q8"]
    assert len(json.dumps(large)) < CHARS + 1_000


def test_a_conversation_that_goes_on_is_not_overwritten():
    session = Session()
    session.accept("q")
    assert not session.restore([ANSWERED])
    session.halt()
    assert session.restore([ANSWERED])
    assert session.history() == [
        (
            "Who lit the lamp?",
            "Marta Lindqvist lit the lamp in 1874. It was made electric in 1962.",
        )
    ]


# --- export


def test_markdown_tells_questions_answers_and_quotes():
    quote = "The tower stands 23 metres high."
    cited = (Citation(1, "doc-0", 5, 9, quote, Place(page="14")),)
    answer = Answer("How high?", "23 metres. [1]", False, 0.9, cited)
    text = export.markdown([Turn("How high?", answer), Turn("b", error="No.")], {"doc-0": "a.pdf"})
    assert text == (
        "# Conversation\n\n## How high?\n\n23 metres. \\[1\\]\n\n"
        "> \\[1\\] “The tower stands 23 metres high.”\n> a.pdf, p. 14\n\n"
        "High confidence · 90%\n\n## b\n\n*No.*\n"
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_markup_in_markdown(payload):
    answer = Answer(payload, payload, False, 0.5, (Citation(1, payload, 0, 1, payload),))
    text = export.markdown([Turn(payload, answer)], {payload: payload})
    assert not re.search(r"(?<!\\)<|(?<!\\)\]\(", text)
    assert not re.search(r"(?<!\\)!\[|(?<!\\)`", text)


def test_json_tells_the_same_as_the_endpoint_and_the_names():
    turns = json.loads(export.rows(TURNS_OF_ALL_KINDS, {"doc-0": "The Lamp"}))
    assert [row["question"] for row in turns["turns"]] == [t.question for t in TURNS_OF_ALL_KINDS]
    assert turns["turns"][0]["vote"] == "up"
    assert turns["turns"][0]["citations"][0]["quote"] == ANSWERED.answer.citations[0].quote
    assert turns["documents"] == {"doc-0": "The Lamp"}


# --- votes


def test_votes_are_rows_with_question_answer_and_index(tmp_path):
    feedback = Feedback(tmp_path / "data")
    feedback.store(ANSWERED, BOT)
    feedback.store(Turn("q", ANSWERED.answer, id=ANSWERED.id), BOT)
    feedback.store(Turn("q", error="No."), BOT)
    rows = [json.loads(line) for line in feedback.path.read_text().splitlines()]
    assert [row["vote"] for row in rows] == ["up", "none"]
    assert rows[0]["id"] == rows[1]["id"] == ANSWERED.id
    assert rows[0]["answer"]["question"] == "Who lit the lamp?"
    assert rows[0]["answer"]["citations"][0]["quote"].startswith("Marta Lindqvist")
    assert rows[0]["index"] == {
        "content": BOT.index.commit.content, "embedder": "fake", "revision": "1",
    }  # fmt: skip
    assert rows[0]["min_answerable"] == BOT.settings.reader.min_answerable


def test_a_vote_that_cannot_be_kept_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RagError, match="could not be kept"):
        Feedback(tmp_path / "file").store(ANSWERED, BOT)


def test_a_vote_is_on_an_answer_that_is_there():
    session = Session()
    session.restore([ANSWERED, Turn("b", error="No.")])
    assert session.vote(0, "down").vote == "down"
    assert session.turns[0].vote == "down"
    assert session.vote(1, "up") is None
    assert session.vote(2, "up") is None
    assert session.vote(-1, "up") is None
