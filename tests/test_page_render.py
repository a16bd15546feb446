from __future__ import annotations

import html
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_fake import SECOND, TEXT, FakeBot
from page_payloads import PAYLOADS

from rag import types
from rag.page import render, source
from rag.page.bot import Readiness
from rag.page.examples import examples
from rag.page.sessions import Turn
from rag.replies import NOT_FOUND
from rag.types import Answer, Citation, Document, Hit, Passage

OURS = {
    "article", "button", "details", "div", "h2", "h3", "header", "li", "mark", "p", "section",
    "small", "span", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class Reading(HTMLParser):
    """What a browser would make of markup: its elements, attributes and text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.marks: dict[str, str] = {}
        self._inside: str | None = None
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "mark":
            self._inside = dict(attrs)["data-cites"]

    def handle_endtag(self, tag):
        if tag == "mark":
            self._inside = None

    def handle_data(self, data):
        self.text += data
        for name in (self._inside or "").split():
            self.marks[name] = self.marks.get(name, "") + data


def a_turn(text: str) -> str:
    """A turn, an abstention, an error, a live draft and a source panel, all made of `text`."""
    document = Document(text, text, text, text, {"author": text, "date": text, "credit": text})
    hits = (Hit(Passage("p", text, 0, len(text), text, (), title=text), 0.5, 0.4, None),)
    cited = Citation(1, text, 0, len(text), text)
    answer = Answer(text, f"{text} [1]", False, 0.7, (cited,), hits, {"total": 1.0}, text, 2)
    abstained = Answer(text, text, True, 0.2, (), hits)
    titles = {text: text}
    turns = [Turn(text, answer), Turn(text, abstained), Turn(text, error=text, hint=text)]
    turns.append(Turn(text, draft=text))
    mark = source.Mark(0, len(text), "rag-cite-0-1", "1")
    return (
        render.transcript(turns, titles)
        + render.live(text, text, text)
        + source.panel([(document, [mark])], 0, "rag-cite-0-1")
        + render.welcome(Readiness("ready"), 1, [text])
        + render.welcome(Readiness("failed", message=text, hint=text), 0, [])
        + render.welcome(Readiness("loading", text, 1, 2), 0, [])
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_stays_text_wherever_it_stands(payload):
    reference = Reading(a_turn("harmless"))
    attacked = Reading(a_turn(payload))
    assert [tag for tag, _ in attacked.elements if tag not in OURS] == []
    known = {item for _, attributes in reference.elements for item in attributes.items()}
    assert {item for _, attributes in attacked.elements for item in attributes.items()} <= known
    assert html.unescape(render.escape(payload)) in attacked.text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_escape_leaves_no_markup_and_no_controls(payload):
    escaped = render.escape(payload)
    assert not set(escaped) & set("<>\"'\x00\u202e\u2066")
    assert Reading(escaped).elements == []


@given(st.text())
def test_escape_shows_every_other_text_as_itself(text):
    kept = render._CONTROLS.sub("", text)
    assert html.unescape(render.escape(kept)).replace("\r", "") == html.unescape(
        html.escape(kept)
    ).replace("\r", "")
    assert not set(render.escape(text)) & set("<>\"'")


def test_markers_become_buttons_only_where_a_citation_has_that_number():
    answer = Answer("q", "One. [1] Two [3] and [12].", False, 1, (Citation(1, "d", 0, 4, "One."),))
    shown = render.marked(answer, 4)
    buttons = [a for tag, a in Reading(shown).elements if tag == "button"]
    assert [(b["data-turn"], b["data-marker"]) for b in buttons] == [("4", "1")]
    assert Reading(shown).text == "One.\xa0[1] Two [3] and [12]."


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "Low confidence · 0%"),
        (0.499, "Low confidence · 50%"),
        (0.5, "Fair confidence · 50%"),
        (0.8, "High confidence · 80%"),
        (1.0, "High confidence · 100%"),
    ],
)
def test_confidence_is_said_in_words_and_percent(value, words):
    assert render.confidence_words(value) == words


def test_a_snippet_is_one_line_cut_at_a_word():
    assert render.snippet("short\n\ntext") == "short text"
    assert render.snippet("alpha beta, gamma", 12) == "alpha beta…"


def test_the_table_shows_both_scores_and_says_when_a_search_missed():
    answer = FakeBot().answer("Who lit the lamp?")
    rows = render._retrieved(0, answer.passages, {}).split("<tr>")[2:]
    cells = [
        [c.strip() for c in Reading(row.replace("<td", "\t<td")).text.split("\t")] for row in rows
    ]
    assert [c[-3:] for c in cells[:3]] == [
        ["0.033", "0.71", "6.40"],
        ["0.032", "0.66", "5.40"],
        ["0.031", "0.61", "–"],
    ]


def test_an_abstention_says_so_and_offers_the_nearest_passages():
    answer = FakeBot().answer("Who walked on the moon?")
    shown = Reading(render.turn(0, Turn("q", answer), {}))
    assert "The documents don’t say" in shown.text
    assert "High confidence · 86%" in shown.text
    assert "do not say who walked" in shown.text
    offered = [a["data-rank"] for _, a in shown.elements if a.get("data-act") == "passage"]
    assert offered[:3] == ["0", "1", "2"]


def test_an_abstention_does_not_say_so_twice():
    answer = Answer("q", f"{NOT_FOUND} They do not mention “France”.", True, 0.9)
    shown = Reading(render.turn(0, Turn("q", answer), {})).text
    assert "say" in shown
    assert NOT_FOUND not in shown
    assert "They do not mention “France”." in shown


def test_a_quote_is_marked_in_its_paragraph_word_for_word():
    answer = FakeBot().answer("everything")
    bot = FakeBot()
    marks = {}
    for c in answer.citations:
        marks.setdefault(c.document, []).append(source.Mark(c.start, c.end, f"c{c.marker}", "1"))
    shown = Reading(source.panel([(bot.document(d), m) for d, m in marks.items()], 0))
    assert shown.marks == {f"c{c.marker}": c.quote for c in answer.citations}
    assert [a["id"] for t, a in shown.elements if a.get("class") == "rag-target"] == [
        "c1", "c2", "c3", "c4", "c5",
    ]  # fmt: skip


@given(
    st.text(alphabet="ab <&\n", min_size=1, max_size=80),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=5),
)
def test_marks_overlap_as_they_like_and_each_keeps_its_words(text, pairs):
    spans = source.paragraphs(text)
    marks = [source.Mark(min(a, b), max(a, b), f"m{i}") for i, (a, b) in enumerate(pairs) if a != b]
    for span in spans:
        shown = Reading(source.highlighted(text, span, marks, set()))
        assert shown.text == text[span.start : span.end]
        for mark in marks:
            words = text[max(mark.start, span.start) : min(mark.end, span.end)]
            assert shown.marks.get(mark.anchor, "") == words


@given(st.text(alphabet="ab \n\t", max_size=120))
def test_paragraphs_hold_every_word_once_and_no_blank_line(text):
    spans = source.paragraphs(text)
    assert "".join("".join(text[s.start : s.end].split()) for s in spans) == "".join(text.split())
    assert all("\n\n" not in text[s.start : s.end] for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


def test_a_long_document_is_shown_around_what_is_cited():
    text = "\n\n".join(f"Paragraph {n}. " + "x" * 500 for n in range(1000))
    start = text.index("Paragraph 700.")
    shown = Reading(
        source.article(Document("d", text), [source.Mark(start, start + 14, "here", "1")])
    )
    assert shown.marks == {"here": "Paragraph 700."}
    assert "Paragraph 694." in shown.text
    assert "Paragraph 693." not in shown.text
    assert "688 paragraphs not shown" in shown.text
    assert len(shown.text) < 20_000


def test_the_panel_says_where_each_mark_stands():
    text = "Tides\n\nThe pond fills twice a day."
    marks = (types.Mark("heading", 0, 5, "Tides <b>", 1), types.Mark("page", 0, len(text), "9"))
    document = Document("d", text, "Mill", marks=marks)
    shown = source.article(document, [source.Mark(7, 15, "here", "1"), source.Mark(0, 5, "there")])
    assert '<p class="rag-place" dir="auto">[1] p. 9, Tides &lt;b&gt;</p>' in shown
    assert '<p class="rag-place" dir="auto">p. 9, Tides &lt;b&gt;</p>' in shown
    assert "rag-place" not in source.article(Document("d", text), [source.Mark(7, 15, "here")])


def test_examples_name_people_things_and_titles_of_the_documents():
    bot = FakeBot()
    drawn = examples(bot.documents(), bot.index.passages())
    assert drawn == (
        "Who is Marta Lindqvist?",
        "What do the documents say about Port Ellery?",
        "What do the documents say about Gull Rock?",
        "What is “The Lamp on Gull Rock” about?",
    )
    assert all(name in TEXT + SECOND for name in ("Marta Lindqvist", "Port Ellery"))


def test_examples_write_a_name_as_the_text_does_and_skip_runs_of_titles():
    text = "It fell to the Iron Company. Chief Judge Ada Mary Lind told the Iron Company so."
    passage = Passage("p", "d", 0, len(text), text)
    assert examples((), [passage]) == ("What do the documents say about the Iron Company?",)


def test_examples_of_nothing_are_none():
    assert examples((), ()) == ()
