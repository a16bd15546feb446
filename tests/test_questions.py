import pytest

from rag import words
from rag.questions import (
    about_pictures,
    analyse,
    asks_twice,
    asks_yes_or_no,
    counted,
    offers,
    parts,
    topic,
)


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
        ("What is the caretaker's phone number?", "contact"),
        ("what number do I call if the boiler fails?", "contact"),
        ("What is Dr. Kofler's email?", "contact"),
        ("Which e-mail address is given?", "contact"),
        ("What is the website of the guild?", "contact"),
        ("What number of boats sank?", "number"),
        ("What is the website about?", "other"),
        ("What did they email?", "other"),
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
        ("What is his phone number?", "Call him on +43 664 123 45.", True),
        ("What is his phone number?", "Telephone him in 2023.", False),
        ("What is her email?", "Write to ana@arta.example.", True),
        ("What is their website?", "Visit www.arta.example.", True),
    ],
)
def test_offers_something_new_of_the_kind(question: str, sentence: str, offered: bool) -> None:
    assert offers(analyse(question), sentence) is offered


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("What does the article say about the police?", "the police"),
        ("Tell me about Ana Ruiz.", "Ana Ruiz"),
        ("tell me more about Ana", "Ana"),
        ("Can you tell me something about the harbour?", "the harbour"),
        ("Please give me more information on boats.", "boats"),
        ("what does it say about the police?", "the police"),
        ("What do you know about the guild?", "the guild"),
        ("What can you tell me about rust?", "rust"),
        ("anything on weapons?", "weapons"),
        ("Is there anything about the army?", "the army"),
        ("Does the article say anything about rust?", "rust"),
        ("What is said about the storm?", "the storm"),
        ("Any details regarding the fire?", "the fire"),
        ("Tell me about it", ""),
        ("Tell me what Ana said about the fire", ""),
        ("What is known as the harbour?", ""),
        ("What is the report about?", ""),
        ("What did they do about the fire?", ""),
        ("What did Ana say about the bridge?", ""),
        ("Who told you about it?", ""),
    ],
)
def test_topic(question: str, about: str) -> None:
    assert topic(question) == about


@pytest.mark.parametrize(
    ("question", "answered_so"),
    [
        ("Was Ana released?", True),
        ("Did the boats sink in 1954?", True),
        ("is the harbour deep", True),
        ("And has Ana left?", True),
        ("Isn't the bridge made of stone?", True),
        ("Are there fish in the harbour?", True),
        ("Was Ana released or not?", True),
        ("Can cartels buy rifles?", True),
        ("the bridge: was that long?", True),
        ("Ana was released, right?", True),
        ("The boats sank, didn't they?", True),
        ("Does Ana know Luis?", True),
        ("Was it red or blue?", False),
        ("Was Ana released, and why?", False),
        ("Was Ana released and when?", False),
        ("Can you tell me who sank it?", False),
        ("Do you know where Ana is?", False),
        ("Could anyone explain the fire?", False),
        ("Who was released?", False),
        ("When did Ana leave?", False),
        ("What is rust?", False),
        ("Doing what?", False),
        ("Tell me about Ana", False),
        ("", False),
    ],
)
def test_yes_or_no(question: str, answered_so: bool) -> None:
    assert asks_yes_or_no(question) is answered_so


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who won, and where does he live?", ("Who won?", "Where does he live?")),
        ("What sank and how many men drowned?", ("What sank?", "How many men drowned?")),
        ("The mill: who built it and in what year did it burn?", 2),
        ("When and where was he born?", 1),
        ("What did he say and how?", 1),
        ("What do they say about who won and how it ended?", 1),
        ("Do you know who he is and where he lives?", 1),
        ("Who are Ana and Luis?", 1),
        ("Tell me about it", 1),
        ("", 1),
    ],
)
def test_parts(question: str, asked: int | tuple[str, ...]) -> None:
    found = parts(question)
    if asked == 1:
        assert found == (question,)
    else:
        assert asked in (found, len(found))


@pytest.mark.parametrize(
    ("question", "stem"),
    [
        ("How many policemen were killed?", "policemen"),
        ("How many state policemen did they kill?", "policemen"),
        ("And how many boats sank in the storm?", "boat"),
        ("How much did it cost?", ""),
        ("How many?", ""),
        ("Who won?", ""),
    ],
)
def test_counted(question: str, stem: str) -> None:
    assert counted(question) == (words.stem(stem) if stem else "")


@pytest.mark.parametrize(
    ("question", "twice"),
    [
        ("What should there be more of, and what less of?", True),
        ("who invented the press and what year", True),
        ("Who won, and when did they arrive?", False),  # two parts
        ("When the boat sank, what did they do?", False),
        ("What did Ann and Bo sell?", False),
    ],
)
def test_asks_twice(question: str, twice: bool) -> None:
    assert asks_twice(question) is twice


@pytest.mark.parametrize(
    ("question", "pictures"),
    [
        ("Who took the photograph?", True),
        ("What is the photo credit?", True),
        ("What did photos of the scene show?", False),
        ("Who took the town?", False),
    ],
)
def test_asking_who_made_a_picture(question: str, pictures: bool) -> None:
    assert about_pictures(question) is pictures
