from rag.joining import together
from rag.types import Answer, Citation, Hit, Passage

WON = Citation(1, "a", 0, 4, "Ann.")
LIVES = Citation(2, "a", 5, 9, "Oslo")


def hit(id: str) -> Hit:
    return Hit(Passage(id, "a", 0, 4, "Ann."), 0.5)


def answer(text: str, *citations: Citation, **more: object) -> Answer:
    return Answer("?", text, **{"abstained": False, "confidence": 0.5, **more}, citations=citations)  # type: ignore[arg-type]


def test_texts_follow_each_other_and_markers_count_on() -> None:
    first = answer("Ann won. [1]", WON, short="Ann", timings={"read": 1.0}, draft="a", rejected=1)
    again = Citation(1, "a", 5, 9, "Oslo"), Citation(2, "a", 0, 4, "Ann.")
    second = answer("In Oslo. [1] She won. [2]", *again, short="Oslo", timings={"read": 2.0})
    both = together("Who won and where?", [first, second])
    assert both.text == "Ann won. [1] In Oslo. [2] She won. [1]"
    assert both.citations == (WON, LIVES)
    assert (both.question, both.short, both.draft) == ("Who won and where?", "Ann, Oslo", "a")
    assert (both.timings, both.rejected) == ({"read": 3.0}, 1)


def test_what_two_parts_say_alike_is_said_once() -> None:
    both = together("?", [answer("Ann won. [1]", WON), answer("Ann won. [1]", WON)])
    assert (both.text, both.citations) == ("Ann won. [1]", (WON,))


def test_it_is_as_sure_as_the_least_sure_part_that_was_answered() -> None:
    yes, no = answer("Yes.", confidence=0.8), answer("No.", abstained=True, confidence=0.3)
    assert (together("?", [yes, no]).abstained, together("?", [yes, no]).confidence) == (False, 0.8)
    both = together("?", [no, answer("No.", abstained=True, confidence=0.9)])
    assert (both.abstained, both.confidence) == (True, 0.3)


def test_a_part_that_is_declined_beside_an_answer_says_which_it_is() -> None:
    won, no = answer("Ann won. [1]", WON), answer("They don't say.", abstained=True)
    assert together("?", [won, no]).text == "Ann won. [1] To “?”: they don't say."
    assert together("?", [no, no]).text == "They don't say."


def test_the_best_passages_of_every_part_come_first() -> None:
    one, other = hit("x"), hit("y")
    first = answer("A.", passages=(one, hit("z")))
    second = answer("B.", passages=(other, one))
    assert [h.passage.id for h in together("?", [first, second]).passages] == ["x", "y", "z"]
