import pytest

from rag.questions import analyse, offers, topic


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How many boats sank?", "number"),
        ("How old is the mayor?", "number"),
        ("When was the bridge built?", "time"),
        ("In what year did it open?", "time"),
        ("Where is the harbour?", "place"),
        ("In which town was she born?", "place"),
        ("Who built the bridge?", "person"),
        ("Whose idea was it?", "person"),
        ("Why did the bridge fall?", "reason"),
        ("What did the mayor say about the bridge?", "quote"),
        ("What is the bridge made of?", "other"),
    ],
)
def test_kind_of_answer_expected(text: str, expected: str) -> None:
    assert analyse(text).expected == expected


def test_analysis_keeps_names_numbers_and_subject() -> None:
    found = analyse("Why did Ana Ruiz sell 12 boats to Lima?")
    assert found.content == ("ana", "ruiz", "sell", "12", "boat", "lima")
    assert found.names == ("ana", "ruiz", "lima")
    assert found.numbers == {"12"}
    assert analyse("Who is Ana Ruiz?").subject == "Ana Ruiz"


@pytest.mark.parametrize(
    ("question", "sentence", "offered"),
    [
        ("How many boats sank?", "Three boats sank.", True),
        ("How many boats sank?", "The boats sank.", False),
        ("How many of the 3 boats sank?", "The 3 boats sank.", False),
        ("When was it built?", "It was built in 1931.", True),
        ("When was it built?", "It was built of stone.", False),
        ("Who built it?", "It was built by Ana Ruiz.", True),
        ("Who built it?", "It was built by hand.", False),
        ("Where is Ana?", "Yesterday Ana was seen in Lima.", True),
        ("Where is Ana?", "Ana was seen.", False),
        ("Why did it fall?", "It fell because of rust.", True),
        ("What is it made of?", "Anything goes.", True),
    ],
)
def test_offers_something_new_of_the_kind(question: str, sentence: str, offered: bool) -> None:
    assert offers(analyse(question), sentence) is offered


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("What does the article say about the police?", "the police"),
        ("Tell me about Ana Ruiz.", "Ana Ruiz"),
        ("What did Ana say about the bridge?", ""),
        ("Who told you about it?", ""),
    ],
)
def test_topic(question: str, about: str) -> None:
    assert topic(question) == about
