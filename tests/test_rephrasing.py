import pytest

from rag.rephrasing import again, echo, gist, instead


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
