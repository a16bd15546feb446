import pytest

from rag.overview import asks_for_overview
from rag.smalltalk import reply
from rag.types import Document

SHELF = (Document("a", "x", "The Bridge"), Document("b", "y", "", "notes.txt"))


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("hi", "Hello."),
        ("Good morning!", "Hello."),
        ("Thanks a lot :)", "You are welcome."),
        ("bye", "Goodbye."),
        ("How are you?", "I am a program"),
        ("What can you do?", "I answer questions from the documents"),
        ("Which documents do you have?", "I have 2 documents: “The Bridge”, “notes.txt”."),
    ],
)
def test_small_talk(message: str, start: str) -> None:
    said = reply(message, lambda: SHELF)
    assert said is not None
    assert said.startswith(start)


@pytest.mark.parametrize(
    "message",
    [
        "hi, who built it?",
        "Who are they?",
        "Thanks to whom did it open?",
        "help the police how?",
        "",
    ],
)
def test_questions_are_no_small_talk(message: str) -> None:
    assert reply(message, lambda: SHELF) is None


def test_a_long_shelf_is_cut() -> None:
    said = reply("list documents", lambda: [Document(str(i), "", str(i)) for i in range(12)])
    assert said is not None
    assert said.endswith("“9” and 2 more.")


@pytest.mark.parametrize(
    ("question", "overview"),
    [
        ("What is this about?", True),
        ("What is this article about?", True),
        ("What's the text about?", True),
        ("Summarise the article.", True),
        ("Can you summarize this for me?", True),
        ("Give me a summary of the document", True),
        ("What are the main points?", True),
        ("tl;dr", True),
        ("What is the main point about the police?", False),
        ("Summarise what the police did", False),
        ("What is the article about the bridge called?", False),
        ("Who wrote the summary?", False),
    ],
)
def test_asking_for_an_overview(question: str, overview: bool) -> None:
    assert asks_for_overview(question) is overview
