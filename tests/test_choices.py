import time

import pytest

from rag.choices import Choice, choice, chosen, mention
from rag.types import Evidence, Passage, Span


def evidence(text: str, title: str = "") -> Evidence:
    return Evidence(Passage(text[:9], text[:9], 0, len(text), text, title=title), 0, len(text), 0.5)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "Who was born first, Ada Byron or Karl Marx?",
            Choice(("Ada Byron", "Karl Marx"), "first"),
        ),
        ("Who is younger Ada Byron or Karl Marx ?", Choice(("Ada Byron", "Karl Marx"), "last")),
        ("Which is in Lund, Norway, Ada or the Bob?", Choice(("Ada", "Bob"), "")),
        ("Is Lark Press or Owl Books in Oslo?", Choice(("Lark Press", "Owl Books"), "")),
        (
            "Which was printed later, Songs of the Sea or Out of Ice?",
            Choice(("Songs of the Sea", "Out of Ice"), "last"),
        ),
        (
            "Between the poets Ada Byron and Karl Marx, who was older?",
            Choice(("Ada Byron", "Karl Marx"), "first"),
        ),
        (
            "Who wrote the first book, Ada Byron or Karl Marx?",
            Choice(("Ada Byron", "Karl Marx"), ""),
        ),
        ("Was Ada Byron or Karl Marx born later?", Choice(("Ada Byron", "Karl Marx"), "last")),
        ("What poet lived in Lund, Ada or Karl?", Choice(("Ada", "Karl"), "")),
        ("When did Ada Byron or Karl Marx die?", None),
        ("What did Ada Byron or Karl Marx say?", None),
        ("Was it red or blue?", None),
        ("What did Ada Byron and Karl Marx, both poets, write?", None),
        ("Who founded Lark Press?", None),
        ("Was it Who or what?", None),
    ],
)
def test_two_names_with_or_between_are_a_choice(question: str, found: Choice | None) -> None:
    assert choice(question) == found


ADA = evidence("Ada King Byron (10 December 1815 - 1852) was a mathematician.")
KARL = evidence("Karl Marx was born in Trier in 1818.")


@pytest.mark.parametrize(
    ("question", "answer", "best"),
    [
        ("Who was born first, Ada Byron or Karl Marx?", "Ada King Byron", ADA),
        ("Who was born first, Karl Marx or Ada Byron?", "Ada King Byron", ADA),
        ("Who is younger, Ada Byron or Karl Marx?", "Karl Marx", KARL),
    ],
)
def test_years_decide_an_order_in_time(question: str, answer: str, best: Evidence) -> None:
    for given in ((ADA, KARL), (KARL, ADA)):
        first, second = chosen(question, given)
        assert first.answer_text == answer
        assert (first.start, first.end, first.passage) == (0, best.end, best.passage)
        assert second.passage != first.passage


def test_a_year_beside_both_names_decides_nothing() -> None:
    both = evidence("In 1840 Karl Marx read what Ada Byron had written.")
    assert chosen("Who was born first, Ada Byron or Karl Marx?", (both,)) == (both,)
    same = evidence("Ada Byron was born in 1818.")
    given = (both, same, KARL)
    assert chosen("Who was born first, Ada Byron or Karl Marx?", given) == given


def test_else_the_best_evidence_decides_and_the_whole_name_is_the_answer() -> None:
    said = evidence("The poet Karl Marx lived in London.")
    short = Evidence(said.passage, 0, said.end, 0.9, answer=Span(14, 18))
    first, *rest = chosen("Who lived in London, Ada Byron or Karl Marx?", (short, ADA))
    assert (first.answer_text, rest) == ("Karl Marx", [ADA])


def test_a_title_may_name_the_option() -> None:
    text = "Lark Press prints poems. It is a house in Oslo."
    passage = Passage("p", "d", 0, len(text), text, title="Lark Press")
    named, about = Evidence(passage, 0, 24, 0.2), Evidence(passage, 25, len(text), 0.9)
    question = "Which is in Oslo, Owl Books or Lark Press?"
    first, second = chosen(question, (about, named))
    assert (first.answer_text, second) == ("Lark Press", about)
    elsewhere = evidence("Lark Press was sold.", title="Lark Press")
    assert chosen(question, (about, elsewhere)) == (about, elsewhere)


def test_a_question_without_a_choice_changes_nothing() -> None:
    assert chosen("Who founded Lark Press?", (ADA, KARL)) == (ADA, KARL)
    assert chosen("Who was first, Ada Byron or Karl Marx?", ()) == ()


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("the poet Ada Byron wrote", "Ada Byron", "Ada Byron"),
        ("Ada King Byron wrote", "Ada Byron", "Ada King Byron"),
        ('Augusta "Ada" Byron wrote', "Ada Byron", 'Augusta "Ada" Byron'),
        ("Ada met a man whose name was Byron", "Ada Byron", None),
        ("Nevada Byron", "Ada Byron", None),
        ("C++ (a language)", "C++", None),
    ],
)
def test_a_mention_is_the_whole_name(text: str, name: str, found: str | None) -> None:
    span = mention(text, name)
    assert (text[span.start : span.end] if span else None) == found


@pytest.mark.parametrize("words", ["of ", "A ", "of A ", "A of ", "A, ", "of A and B "])
def test_a_long_question_takes_no_time(words: str) -> None:
    began = time.perf_counter()
    choice(f"Between {words * (10_000 // len(words))}")
    assert time.perf_counter() - began < 1
