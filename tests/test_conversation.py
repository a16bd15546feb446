import pytest

from rag.conversation import standalone
from rag.replies import NOT_FOUND

HISTORY = [("Who is Ana Ruiz?", "An engineer."), ("Did Pedro Gomez hire her?", "Yes. [1]")]
BRIDGE = [("Who built the bridge at Arta?", "Ana Ruiz built it in 1931. [1]")]
GUILD = [("Who founded the Masons?", "The Masons were founded by former Corfiot sailors. [1]")]
LOST = [("How many boats sank at Corfu?", "Twelve boats sank in the storm of 1954. [1]")]
SAID = [("Was the fire an accident?", "“I think the fire was revenge,” said Luis Mora. [1]")]
TOLD = [("What did Luis Mora say about the harbour?", "He said that it is deep. [1]")]


@pytest.mark.parametrize(
    ("history", "question", "resolved"),
    [
        # whom and what pronouns mean, from questions and answers
        (HISTORY, "How old is he?", "How old is Pedro Gomez?"),
        (HISTORY, "And where was she born?", "where was Ana Ruiz born?"),
        (HISTORY, "Who knew her brother?", "Who knew Ana Ruiz’s brother?"),
        (BRIDGE, "and who paid for it?", "who paid for the bridge?"),
        (BRIDGE, "How much did it cost?", "How much did the bridge cost?"),
        (BRIDGE, "where was she born?", "where was Ana Ruiz born?"),
        (GUILD, "what did they bring?", "what did the Masons bring?"),
        (SAID, "Who is he?", "Who is Luis Mora?"),
        (
            [("who is el mago?", "El Mago leads the Harbour Guild. [1]")],
            "his age?",
            "El Mago’s age?",
        ),
        # something else instead
        (GUILD, "and the Bakers?", "Who founded the Bakers?"),
        (GUILD, "What about the Dockers?", "Who founded the Dockers?"),
        (LOST, "and in Lima?", "How many boats sank in Lima?"),
        (LOST, "what about ferries?", "How many ferries sank at Corfu?"),
        (TOLD, "and about weapons?", "What did Luis Mora say about weapons?"),
        (TOLD, "what about Ana?", "What did Ana say about the harbour?"),
        # the same with another question word
        ([("Was Ana released?", "Yes.")], "why?", "Why was Ana released?"),
        ([("Was Ana released?", "No. [1]")], "why?", "Why wasn't Ana released?"),
        (
            [("What was the reason of the fire?", "A lamp fell down. [1]")],
            "and who called it murder?",
            "and who called it murder?",
        ),
        ([("Was Ana seen?", "No one saw her. [1]")], "why?", "Why was Ana seen?"),
        ([("Where was Ana arrested?", "In Lima.")], "And when?", "When was Ana arrested?"),
        (BRIDGE, "when?", "When was it that someone built the bridge at Arta?"),
        (LOST, "when was that?", "When was it that boats sank at Corfu?"),
        (TOLD, "Why?", "Why did Luis Mora say that about the harbour?"),
        # what was said
        (SAID, "Who said that?", "Who said “I think the fire was revenge”?"),
        # hardly any words of its own
        (BRIDGE, "Any other names?", "Ana Ruiz: Any other names?"),
    ],
)
def test_a_follow_up_stands_alone(
    history: list[tuple[str, str]], question: str, resolved: str
) -> None:
    assert standalone(question, history) == resolved


@pytest.mark.parametrize(
    "question",
    [
        "Who built the bridge at Arta?",
        "How many boats sank in the harbour?",
        "Why did Ana Ruiz leave her house?",
        "What is a harbour and why is it deep?",
        "How long does it take to build a bridge?",
        "Is it true that boats sank there in winter?",
        "Are there fish in the harbour?",
        "What is this article about?",
        "Does this article mention any other bridges?",
        "What is rust?",
        "And who is Luis?",
    ],
)
@pytest.mark.parametrize("history", [HISTORY, BRIDGE, LOST])
def test_a_question_that_stands_alone_is_left_alone(
    question: str, history: list[tuple[str, str]]
) -> None:
    assert standalone(question, history) == question


def test_the_first_question_has_nothing_to_point_back_to() -> None:
    assert standalone("How old is he?", []) == "How old is he?"


def test_what_is_spoken_of_lives_on_through_pronouns() -> None:
    history = [*BRIDGE, ("How long is it?", "Forty metres."), ("What is it made of?", "Stone.")]
    assert standalone("Who paid for it?", history) == "Who paid for the bridge?"


def test_small_talk_between_is_no_turn() -> None:
    history = [*BRIDGE, ("thanks!", "You are welcome."), ("hi", "Hello.")]
    assert standalone("Who paid for it?", history) == "Who paid for the bridge?"


def test_an_abstention_answers_nothing() -> None:
    refused = f"{NOT_FOUND} The nearest they come: “Luis Mora fled.” [1]"
    history = [("Who painted the bridge?", refused)]
    assert standalone("Who is he?", history) == "the bridge: Who is he?"


def test_whoever_a_title_or_a_verb_of_saying_makes_a_person_is_meant() -> None:
    history = [
        ("who speaks of silver or lead", "“(Silver or Lead) is how it goes,” said Dr. Ruiz.")
    ]
    assert standalone("Where does he work?", history) == "Where does Dr. Ruiz work?"


def test_who_spoke_is_found_at_the_end_of_a_long_quotation() -> None:
    long = "“" + "Plata o Plomo is how it goes for all the boats that I have seen. " * 8
    history = [("Who speaks of silver or lead?", f"{long}So it is,” said Dr. Ruiz. [1]")]
    assert standalone("Where does he work?", history) == "Where does Dr. Ruiz work?"
