from rag.citations import Claim
from rag.replies import abstention, claimed, declined, nearest, several
from rag.types import Evidence, Passage, Reading


def evidence(text: str, score: float, start: int = 0) -> Evidence:
    """Make evidence that is a whole passage."""
    passage = Passage(text, "d", start, start + len(text), text)
    return Evidence(passage, start, start + len(text), score)


def test_an_abstention_names_what_is_missing() -> None:
    assert abstention((), "") == "The documents don't say."
    assert abstention(("Lima",), "x [1]") == (
        "The documents don't say. They do not mention “Lima”. The nearest they come: x [1]"
    )
    assert abstention(("a", "b", "c", "d"), "").endswith("mention “a”, “b” or “c”.")


def test_what_is_said_of_a_declined_part_claims_nothing_but_its_quote() -> None:
    whole = declined("Where is Lima?", abstention(("Lima",), "“It rained.” [1]"))
    said, unmentioned, nearest_one = (
        "To “Where is Lima?”: the documents don't say.",
        "They do not mention “Lima”.",
        "The nearest they come: “It rained.”",
    )
    assert whole == f"{said} {unmentioned} {nearest_one} [1]"
    assert [claimed(one) for one in (said, unmentioned, nearest_one)] == ["", "", "“It rained.”"]
    assert claimed("“Who?”") == "“Who?”"


def test_the_nearest_is_quoted_once() -> None:
    plain, spoken = evidence("It rained.", 0.5), evidence("“I’m wet,” he says.", 0.5)
    assert nearest(Reading((), (plain,), 0.1, 0.1)) == (Claim("“It rained.”", (plain,)),)
    assert nearest(Reading((), (spoken,), 0.1, 0.1)) == (Claim(spoken.quote, (spoken,)),)
    assert nearest(Reading((), (), 0.0, 0.0)) == ()
    assert nearest(Reading((), (evidence("long " * 99, 0.5),), 0.1, 0.1)) == ()


def test_several_quotes_about_the_topic_stand_in_document_order() -> None:
    late = evidence("The bridge opened.", 0.9, 50)
    early, off = evidence("A bridge was planned.", 0.5), evidence("It rained.", 0.6)
    quotes = ["A bridge was planned.", "The bridge opened."]
    assert [c.text for c in several("the bridge", (late, off, early))] == quotes
    same = Evidence(late.passage, 50, 60, 0.8)
    assert [c.text for c in several("the bridge", (late, same))] == ["The bridge opened."]
    assert several("Lima", (off, early)) == several("", (off, early)) == ()
