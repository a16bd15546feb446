"""Short forms that documents define, given to questions that have the long ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag import Pipeline
from rag.abbreviations import abbreviated

BUS = "Buses are run by the Central Bus Authority (CBA), which owns two hundred of them."


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (
            "Who chairs the Central Bus Authority?",
            BUS,
            "Who chairs the Central Bus Authority (CBA)?",
        ),
        (
            "who chairs the central bus authority",
            BUS,
            "who chairs the central bus authority (CBA)",
        ),
        (
            "Where does the Ministry of Ports and Roads sit?",
            "The Ministry of Ports and Roads (M.P.R.) sits in a former school.",
            "Where does the Ministry of Ports and Roads (M.P.R.) sit?",
        ),
        (
            "When was the Northern Fishing League founded?",
            "Twelve boats joined the Northern Fishing League (LFN) that year.",  # translated
            "When was the Northern Fishing League (LFN) founded?",
        ),
    ],
)
def test_a_defined_short_form_is_added(question: str, text: str, expected: str) -> None:
    assert abbreviated(question, ["Nothing here.", text]) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Who chairs the CBA?",
        "Who chairs the Central Bus Authority (CBA)?",
        "Who chairs the Bus Authority?",  # another one, for all that is known
        "Who chairs the Central Boat Authority?",
        "What is the Central Bus Authority called for short?",
        "What is the abbreviation of Central Bus Authority?",
    ],
)
def test_other_questions_stay_as_they_are(question: str) -> None:
    assert abbreviated(question, [BUS]) == question


@pytest.mark.parametrize(
    "text",
    [
        "The Central Bus Authority (founded in 1960) owns two hundred buses.",
        "The Central Bus Authority (USA) owns two hundred buses.",
        "The Central Bus Authority owns two hundred buses (CBA).",
    ],
)
def test_other_brackets_define_nothing(text: str) -> None:
    question = "Who chairs the Central Bus Authority?"
    assert abbreviated(question, [text]) == question


def test_two_names_are_both_abbreviated() -> None:
    text = f"{BUS} The Union of Tram Drivers (UTD) objects."
    question = "What did the Union of Tram Drivers ask of the Central Bus Authority?"
    expected = "What did the Union of Tram Drivers (UTD) ask of the Central Bus Authority (CBA)?"
    assert abbreviated(question, [text]) == expected


def test_what_is_said_under_the_short_form_is_found(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(
        "# Fishing\n\nTwelve boats belong to the Northern Fishing League (LFN), which meets in "
        "winter.\n\nLed by Marta Oduya, LFN asks for smaller nets and longer pauses.\n\n"
        "The harbour was dredged in 1998, and again in 2011.\n"
    )
    with Pipeline.open(sources=[str(tmp_path)], index=str(tmp_path / "index")) as bot:
        answer = bot.ask("What does the Northern Fishing League ask for?")
    assert not answer.abstained
    assert "smaller nets" in answer.citations[0].quote  # the sentence with the long form, else
