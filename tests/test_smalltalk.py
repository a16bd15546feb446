import pytest

from rag.smalltalk import reply, without_greeting
from rag.types import Document

SHELF = (Document("a", "x", "The Bridge"), Document("b", "y", "", "notes.txt"))
LIST = "I have 2 documents: “The Bridge”, “notes.txt”."


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("hi", "Hello."),
        ("Good morning!", "Hello."),
        ("hello there", "Hello."),
        ("Thanks a lot :)", "You are welcome."),
        ("Thank you so very much!", "You are welcome."),
        ("ok, thanks", "You are welcome."),
        ("That's helpful, thanks!", "You are welcome."),
        ("thanks, that helps a lot", "You are welcome."),
        ("great", "All right."),
        ("I see.", "All right."),
        ("bye", "Goodbye."),
        ("ok bye", "Goodbye."),
        ("Have a nice day!", "Goodbye."),
        ("How are you?", "I am a program"),
        ("Hi, how are you today?", "I am a program"),
        ("Are you human?", "I am a program"),
        ("are you a robot", "I am a program"),
        ("What's your name?", "I am a program"),
        ("What languages do you speak?", "I read questions in English."),
        ("Are you connected to the internet?", "I have only the documents"),
        ("What can you do?", "I answer questions from the documents"),
        ("Can you help me, please?", "I answer questions from the documents"),
        ("Do you make things up?", "I answer questions from the documents"),
        ("Which documents do you have?", LIST),
        ("How many articles do you have?", LIST),
        ("Hello! What do you know?", LIST),
        ("Please list all files", LIST),
        ("Where do your answers come from?", LIST),
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
        "so what?",
        "great fires: a list",
        "Who are they?",
        "Thanks to whom did it open?",
        "Thanks for what?",
        "help the police how?",
        "What do you know about the Zetas?",
        "help wanted ads: who placed them?",
        "What documents did the police find?",
        "How many files were stolen?",
        "Which articles of the constitution were changed?",
        "What languages do they speak?",
        "Are you sure?",
        "Who made the bridge?",
        "Who created it?",
        "Who is your source?",
        "How old is he?",
        "What is human?",
        "Good evening was said by whom?",
        "Hello Kitty is from where?",
        "What time is it set in?",
        "Nice is in which country?",
        "Why?",
        "",
        "?!",
    ],
)
def test_questions_are_no_small_talk(message: str) -> None:
    assert reply(message, lambda: SHELF) is None


def test_a_long_shelf_is_cut() -> None:
    said = reply("list documents", lambda: [Document(str(i), "", str(i)) for i in range(12)])
    assert said is not None
    assert said.endswith("“9” and 2 more.")


@pytest.mark.parametrize(
    ("message", "rest"),
    [
        ("Hi, who built the bridge?", "who built the bridge?"),
        ("Good morning! Please, where is Arta?", "where is Arta?"),
        ("hello there who built it", "who built it"),
        ("ok thanks, and when?", "and when?"),
        ("Who built it?", "Who built it?"),
        ("Hello Kitty is from where?", "Hello Kitty is from where?"),
        ("Thanks to whom did it open?", "Thanks to whom did it open?"),
        ("Great Britain is where?", "Great Britain is where?"),
        ("Hi!", "Hi!"),
        ("", ""),
    ],
)
def test_a_greeting_is_taken_off_a_question(message: str, rest: str) -> None:
    assert without_greeting(message) == rest
