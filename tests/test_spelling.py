"""The vocabulary here is a handful of lines; `tests/test_index.py` holds the index to it."""

from pathlib import Path

import pytest

from rag.index import Index
from rag.spelling import Spelling, distance
from tests.index_fakes import HashEmbedder, build, corpus

TEXT = """The guild was founded in Mexico by Ana Bunker and former soldiers.
They brought weapons, and the government of Mexico fought a battle in Culiacán.
A reward of ten million pesos was widened, then hidden, said Hilton of Sinaloa.
The battle over the cattle lasted; the casting of bronze bells was costing more.
Corruption is everywhere in the administration."""


@pytest.fixture(scope="module")
def spelling(tmp_path_factory: pytest.TempPathFactory) -> Spelling:
    folder: Path = tmp_path_factory.mktemp("index")
    build(folder, corpus(TEXT))
    return Spelling(
        Index.open(folder, HashEmbedder().identity),
        frozenset({"weapon", "bunk", "battled", "rewarding"}),
    )


@pytest.mark.parametrize(
    ("question", "mended"),
    [
        ("who fonded the guild", "who founded the guild"),  # a letter left out
        ("who foundeed the guild", "who founded the guild"),  # one too many
        ("where is mexcio?", "where is Mexico?"),  # two swapped
        ("who is in goverment", "who is in government"),
        ("Where is Culiacn?", "Where is Culiacán?"),
        ("What did Bunkr say?", "What did Bunker say?"),
        ("What of Sinoloa?", "What of Sinaloa?"),  # a replaced letter in a long name
        ("the administraton is corupt", "the administration is corupt"),
        ("adminstrattion", "administration"),  # two errors in a long word
        ("weapns and soldirs", "weapons and soldiers"),
        ("who batled there", "who battled there"),  # the documents have the stem, the list the form
        ("was it rewrding", "was it rewarding"),
    ],
)
def test_mended(spelling: Spelling, question: str, mended: str) -> None:
    assert spelling.mended(question) == mended


@pytest.mark.parametrize(
    "question",
    [
        "Who founded the guild?",  # known to the documents
        "the weapon, the rewards, Bunkers",  # known by another form
        "Who is Biden?",  # near "hidden", with another first letter
        "who is hiden?",  # may be a name, and no name is near
        "Was it Hilson?",  # another name by one letter
        "Did they bunk?",  # a word, says the list
        "Was it Batled?",  # a name, and names are only those of the documents
        "csting",  # casting or costing
        "gld",  # too short
        "adminstattin",  # three errors
        "W3apons in 2019",
        "",
    ],
)
def test_left_alone(spelling: Spelling, question: str) -> None:
    assert spelling.mended(question) == question


@pytest.mark.parametrize(
    ("a", "b", "errors"),
    [
        ("", "", 0),
        ("boat", "boat", 0),
        ("boat", "bat", 1),
        ("boat", "boast", 1),
        ("boat", "bolt", 1),
        ("boat", "baot", 1),
        ("boat", "", 4),
        ("ca", "abc", 3),  # the restricted form: unrestricted it would be 2
        ("kitten", "sitting", 3),
    ],
)
def test_distance(a: str, b: str, errors: int) -> None:
    assert distance(a, b) == distance(b, a) == errors
