import pytest

from rag.mentions import first_sentence, names, phrases


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Did Ana Ruiz meet Luis?", ["Ana Ruiz", "Luis"]),
        ("We saw the Harbour Guild of Arta.", ["the Harbour Guild of Arta"]),
        ("They fear Joaquin “El Chapo” Guzmán most.", ["Joaquin “El Chapo” Guzmán"]),
        ("former Mexican elites and Spanish ships", []),
        ("Who saw Ana's Guild?", ["Ana", "Guild"]),
        ("I'm sure I said so", []),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert [mention.text for mention in names(text)] == found


def test_names_already_known_need_no_capital() -> None:
    assert [m.text for m in names("where is el mago?", frozenset({"el", "mago"}))] == ["el mago"]


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("What did Ana Ruiz say?", True),
        ("Ask Dr. Bank.", True),
        ("It was odd, the Mole said.", True),
        ("Where is the Guild?", False),
        ("He lives in Lima.", False),
        ("He lives in el Limón.", False),
        ("They left Harvard University.", False),
        ("They fear CJNG.", False),
    ],
)
def test_who_looks_like_a_person(text: str, person: bool) -> None:
    assert names(text)[-1].person is person


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is the cost of solar power?", ["the cost of solar power"]),
        ("did the boats sink?", ["the boats"]),
        ("Was the bridge long?", ["the bridge"]),
        ("Who built the bridge at Arta?", ["built", "the bridge", "Arta"]),
        ("Why?", []),
        ("", []),
    ],
)
def test_phrases(text: str, found: list[str]) -> None:
    assert [mention.text for mention in phrases(text)] == found


def test_first_sentence() -> None:
    assert first_sentence("It sank. Nobody knew.") == "It sank."
    assert first_sentence("“It sank.” Nobody knew.") == "“It sank.”"
    assert first_sentence("no end") == "no end"
