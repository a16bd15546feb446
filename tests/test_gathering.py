import pytest

from rag.gathering import asks_for_several, compares, gather
from rag.types import Evidence, Passage


def evidence(text: str, score: float, title: str = "") -> Evidence:
    name = text[:12]
    return Evidence(Passage(name, name, 0, len(text), text, title=title), 0, len(text), score)


NOVEL = evidence("Ada Berg's first novel was printed by Lark Press.", 0.9)
PRESS = evidence("Lark Press is a small house in Oslo.", 0.3)
OTHER = evidence("A small house in Rome was sold.", 0.8)


def test_the_best_is_enough_where_it_knows_all_the_names() -> None:
    assert gather("Who printed the novel of Ada Berg?", (NOVEL, PRESS, OTHER)) == (NOVEL,)
    assert gather("Who printed it?", ()) == ()


def test_a_name_that_the_best_passage_lacks_brings_the_passage_that_has_it() -> None:
    question = "Where is the house that printed the novel of Ada Berg?"
    assert gather(question, (PRESS, OTHER, NOVEL)) == (PRESS, NOVEL)


def test_a_title_knows_names_too() -> None:
    titled = evidence("The first novel was printed in Oslo.", 0.9, title="Ada Berg")
    assert gather("Where was the novel of Ada Berg printed?", (titled, NOVEL)) == (titled,)


def test_a_comparison_brings_its_other_side() -> None:
    police = evidence("The ambush killed 14 policemen.", 0.9)
    bus = evidence("The crash of the school bus killed nine.", 0.4)
    question = "Did more people die in the ambush or in the crash of the bus?"
    assert gather(question, (police, OTHER, bus)) == (police, bus)


def test_a_list_takes_what_comes_near_the_best_and_no_more_than_three() -> None:
    items = tuple(evidence(f"Group {i} holds a town in the north.", 0.9 - i / 20) for i in range(5))
    assert gather("Which groups are in the north?", items) == items[:3]
    weak = evidence("Nothing of it.", 0.1)
    assert gather("Which groups are in the north?", (items[0], weak)) == (items[0],)


def test_a_list_does_not_take_the_same_words_twice() -> None:
    passage = NOVEL.passage
    part, whole = Evidence(passage, 0, 20, 0.8), Evidence(passage, 0, passage.end, 0.9)
    assert gather("Which novels are there?", (whole, part)) == (whole,)


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("Name the rivers.", True),
        ("Which towns were flooded?", True),
        ("What are the rules?", True),
        ("List the three kinds of force", True),
        ("Who founded the guild?", False),
        ("What is the name of the river?", False),
        ("Which town was flooded?", False),
    ],
)
def test_asking_for_several(question: str, several: bool) -> None:
    assert asks_for_several(question) is several


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("How does his view differ from hers?", True),
        ("Which is older, the bridge or the mill?", True),
        ("Are Ada and Eva both painters?", True),
        ("Who sold the mill?", False),
        ("Was it red or blue?", False),
    ],
)
def test_comparing(question: str, sides: bool) -> None:
    assert compares(question) is sides
