import pytest

from rag.rephrasing import again, echo, gist, instead, interrogative


@pytest.mark.parametrize(
    ("question", "word", "asked"),
    [
        ("Was Ana released?", "why", "Why was Ana released?"),
        ("Where was Ana arrested?", "when", "When was Ana arrested?"),
        ("Who was killed in Lima?", "why", "Why was someone killed in Lima?"),
        ("How many boats were lost?", "where", "Where were the boats lost?"),
        ("Which boats did Ana sell?", "why", "Why did Ana sell the boats?"),
        ("Who founded the guild?", "when", "When was it that someone founded the guild?"),
        ("What sank the boats?", "when", "When was it that something sank the boats?"),
        ("What did Ana say about rust?", "why", "Why did Ana say that about rust?"),
        ("Tell me about Ana", "why", "Tell me about Ana: why?"),
        ("Was Ana released?", "who", "Was Ana released: who?"),
    ],
)
def test_again(question: str, word: str, asked: str) -> None:
    assert again(question, word) == asked


@pytest.mark.parametrize(
    ("question", "word", "answer", "asked"),
    [
        ("Did the guards keep Ana?", "why", "No.", "Why didn't the guards keep Ana?"),
        ("can boats land there?", "why", "No, not yet.", "Why can't boats land there?"),
        (
            "Did the guards keep Ana?",
            "why",
            "No, the guards had to hand her over in Lima. She left at noon.",
            "Why is it that the guards had to hand her over in Lima?",
        ),
        ("Was Ana seen?", "why", "No one saw her in Lima.", "Why was Ana seen?"),
        ("Was Ana released?", "when", "No, she is in prison in Lima.", "When was Ana released?"),
        ("Was Ana released?", "why", "Yes, the court in Lima did.", "Why was Ana released?"),
    ],
)
def test_again_after_an_answer(question: str, word: str, answer: str, asked: str) -> None:
    assert again(question, word, answer) == asked


@pytest.mark.parametrize(
    ("question", "what", "asked"),
    [
        ("Who founded the Masons?", "the Bakers", "Who founded the Bakers?"),
        ("Who trains the guild?", "the army", "Who trains the army?"),
        ("How many boats sank at Arta?", "ferries", "How many ferries sank at Arta?"),
        ("How many boats sank at Arta?", "in Lima", "How many boats sank in Lima?"),
        ("How many boats sank?", "in Lima", "How many boats sank in Lima?"),
        ("Is rust a disease?", "mould", "Is mould a disease?"),
        ("Why?", "the army", ""),
        ("Who trains the guild?", "Ana", ""),
    ],
)
def test_instead(question: str, what: str, asked: str) -> None:
    assert instead(question, what) == asked


def test_echo_prefers_what_was_said() -> None:
    assert echo("“It sank,” said Ana.") == "“It sank”"
    assert echo("The boat sank. Nobody knew.") == "“The boat sank”"


def test_gist() -> None:
    assert gist("How many boats sank at Arta?") == "boats sank Arta"


@pytest.mark.parametrize(
    ("request_", "question"),
    [
        ("Name two things that are wrong with the mill.", "What is wrong with the mill?"),
        ("List people who were hurt in the fire.", "Who were hurt in the fire?"),
        ("please name the boats that sank at Arta", "Which boats sank at Arta?"),
        ("Give me two reasons for the fire.", "What are two reasons for the fire?"),
        ("Name Ann's children.", "What are Ann's children?"),
        ("Give the names of those who died.", "What are the names of those who died?"),
        ("Name one country that banned boats.", "Which country banned boats?"),
        ("list of boats that sank", "list of boats that sank"),
        ("Name the mayor of Arta.", "Name the mayor of Arta."),
        ("Name one of the boats", "Name one of the boats"),
        ("Who named the boats that sank?", "Who named the boats that sank?"),
        ("", ""),
    ],
)
def test_a_request_becomes_a_question(request_: str, question: str) -> None:
    assert interrogative(request_) == question
