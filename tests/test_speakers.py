"""Who is quoted: how it is asked, and what tells a speaker."""

from __future__ import annotations

import time

import pytest

from rag import words
from rag.passages import split
from rag.settings import PassageSettings
from rag.speakers import MOST, asks_for_speakers, speakers
from rag.types import Document, Passage

REPORT = """The harbour at Arta has been closed since March.

“Nobody told the fishermen when it would open again,” said Dr. Ana M. Ruiz, a geologist at the
University of Arta. The ministry said it was looking into the matter.

Ben Falk, a former harbour master turned analyst, said the mud had come back. “It was never a deep
harbour to begin with,” he said. Falk said that he warned of it.

The boats lie in the mud, said Cy Holm, owner of a boatyard, who has sold two of them. "We cannot
wait for another summer," Holm added.

Dora Lind, mayor of the town, told reporters that money was short. Only “deep enough” was on the
old sign. Eli Berg, a baker, said nothing of it.
"""


class Shelf:
    """Some documents."""

    def __init__(self, *texts: str) -> None:
        self._documents = tuple(Document(f"d{i}", text) for i, text in enumerate(texts))

    def documents(self) -> tuple[Document, ...]:
        return self._documents

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        found = [d for d in self._documents if document in (None, d.id)]
        return tuple(p for d in found for p in split(d, PassageSettings()))


def sentences(*texts: str, kind: str = "") -> list[str]:
    """Return who is quoted, as it is said."""
    return [speaker.sentence for speaker in speakers(Shelf(*texts), kind)]


def test_who_is_quoted_with_what_is_said_of_them_in_order() -> None:
    assert sentences(REPORT) == [
        "Dr. Ana M. Ruiz, a geologist at the University of Arta.",
        "Ben Falk, a former harbour master turned analyst.",
        "Cy Holm, owner of a boatyard, who has sold two of them.",
    ]


def test_what_is_cited_is_the_name_and_description_as_they_stand() -> None:
    for speaker in speakers(Shelf(REPORT)):
        assert REPORT[speaker.span.start : speaker.span.end] == speaker.evidence.quote
        assert " ".join(speaker.evidence.quote.split()).rstrip(".") + "." == speaker.sentence


def test_nobody_who_is_only_reported_or_beside_a_short_motto() -> None:
    said = " ".join(sentences(REPORT))
    assert not any(name in said for name in ("Lind", "Berg", "ministry"))


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("experts", ["Dr. Ana M. Ruiz", "Ben Falk"]),
        ("geologists", ["Dr. Ana M. Ruiz"]),
        ("nurses", []),
    ],
)
def test_only_those_of_a_kind(kind: str, names: list[str]) -> None:
    assert [speaker.name for speaker in speakers(Shelf(REPORT), words.stem(kind))] == names


@pytest.mark.parametrize(
    "text",
    [
        "“It was a very cold winter indeed,” she said.",
        "“It was a very cold winter indeed,” the Harbour Ministry said.",
        "“It was a very cold winter indeed,” said the police.",
        "Ben Falk, a baker, said Arta needs to wake up.",
        "Ruiz said so. “It was a very cold winter indeed.”",  # who that is stands nowhere
        "",
    ],
)
def test_pronouns_offices_and_bare_surnames_are_nobody(text: str) -> None:
    assert sentences(text) == []


def test_a_place_that_is_spoken_of_does_not_speak() -> None:
    text = (
        "Ben Falk, a baker, said Arta needs to wake up. “It sleeps the whole year long,” he said."
    )
    assert sentences(text) == ["Ben Falk, a baker."]


def test_each_once_where_most_is_said_of_them_and_not_too_many() -> None:
    first, second = (
        "“We shall see about that,” said Falk.",
        "“Not now, not here,” said Ben Falk, a baker.",
    )
    twice = f"{first}\n\n{second}"
    assert sentences(twice) == ["Ben Falk, a baker."]
    names = [f"A{chr(97 + n)} Falk{chr(97 + n)}" for n in range(MOST + 3)]
    many = "\n\n".join(f"“We shall see about all that,” said {name}." for name in names)
    assert len(sentences(many)) == MOST


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who is quoted?", ""),
        ("who does it quote", ""),
        ("And who is cited in the article?", ""),
        ("Which people are quoted in this report?", ""),
        ("List everyone who is quoted.", ""),
        ("name the experts it quotes", "expert"),
        ("Which experts does the article cite?", "expert"),
        ("What analysts are quoted?", "analyst"),
        ("Who is quoted about the harbour?", None),
        ("What is quoted?", None),
        ("Which experts were hired?", None),
        ("What did the experts say?", None),
        ("What price is quoted in the offer?", None),
        ("What prices are quoted?", "price"),
        ("", None),
        ("List the experts and their jobs.", "expert"),
        ("Who are the analysts in the article?", "analyst"),
        ("who are all the experts mentioned", "expert"),
        ("Name the analysts that left", None),
        ("Who are the bakers?", None),
        ("Name the doctors in the village", None),
    ],
)
def test_how_it_is_asked(question: str, kind: str | None) -> None:
    assert asks_for_speakers(question) == kind


def test_a_long_question_takes_no_time() -> None:
    start = time.perf_counter()
    asks_for_speakers("which " + "old " * 20_000 + "are quoted")
    asks_for_speakers("list the " + "old " * 20_000 + "experts and their " + "a " * 20_000)
    sentences("“We shall see about all of that,” said " + "Ab " * 5_000 + "x, " * 5_000)
    sentences("Ab, " * 10_000 + "“We shall see about all of that”")
    assert time.perf_counter() - start < 2
