import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import words


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("Guzmán", "guzman"),
        ("cartel’s", "cartel"),
        ("U.S.", "us"),
        ("a.k.a.", "aka"),
        ("2.5", "2.5"),
    ],
)
def test_fold(word: str, folded: str) -> None:
    assert words.fold(word) == folded


@pytest.mark.parametrize(
    ("one", "other"),
    [("took", "take"), ("policemen", "policeman"), ("founded", "founding"), ("Zetas", "Zeta's")],
)
def test_forms_of_a_word_share_a_stem(one: str, other: str) -> None:
    assert words.stem(one) == words.stem(other)


def test_tokens_keep_numbers_abbreviations_and_apostrophes_whole() -> None:
    text = "The U.S. paid $10,000.50 to O’Neil, a.k.a. “Mo”; U.S weapons don't."
    assert words.tokens(text) == [
        *("The", "U.S.", "paid", "10,000.50", "to", "O’Neil", "a.k.a.", "Mo", "U.S", "weapons"),
        "don't",
    ]


def test_content_drops_what_carries_none() -> None:
    assert words.content("Who is the leader of the Zetas?") == ["leader", "zeta"]


def test_numbers_have_one_spelling() -> None:
    assert words.numbers("six children, 1,000.50 dollars, the 2000s, the 3rd, one") == {
        *("6", "1000.5", "2000", "3")
    }


def test_names_leave_out_the_first_word_of_a_sentence() -> None:
    text = "Locals fled. Bunker met Ana in May. CJNG grew; Bunker knew Bunker. Rosa Diaz left."
    assert words.names(text) == (
        *("Bunker", "Ana", "May", "CJNG", "Bunker", "Bunker", "Rosa", "Diaz"),
    )


def test_quotations_of_either_style() -> None:
    text = "“I’m dying,” he says; ‘Plata o Plomo’ isn't \"new\", they don't say 'so what'."
    assert words.quotations(text) == ("I’m dying,", "Plata o Plomo", "new", "so what")


@pytest.mark.parametrize(
    ("text", "negated"),
    [("He did not go", True), ("They don’t say", True), ("Nothing new", True), ("A knot", False)],
)
def test_negated(text: str, negated: bool) -> None:
    assert words.negated(text) is negated


@pytest.mark.parametrize(
    ("typed", "meant", "is_near"),
    [
        ("guzmam", "guzman", True),
        ("recieve", "receive", True),
        ("cartels", "cartel", True),
        ("four", "five", False),
        ("19855", "1985", False),
        ("mexico", "france", False),
    ],
)
def test_near_forgives_one_slip_in_a_long_word(typed: str, meant: str, is_near: bool) -> None:
    assert words.near(typed, [meant]) is is_near


def test_coverage_counts_distinct_words() -> None:
    assert words.coverage(["a", "a", "b"], frozenset("a")) == 0.5
    assert words.coverage([], frozenset()) == 1.0


@given(st.text())
def test_any_text_has_words(text: str) -> None:
    assert len(words.content(text)) <= len(words.tokens(text))
    assert all(token in text for token in words.tokens(text))
    words.names(text), words.quotations(text), words.numbers(text), words.negated(text)
    assert words.flat(words.flat(text)) == words.flat(text)


def test_the_full_stop_of_a_title_does_not_hide_a_name() -> None:
    assert words.names("It was Dr. Ruiz. Nobody knew.") == ("Dr", "Ruiz")


@pytest.mark.parametrize(
    ("verb", "past"),
    [
        ("fall", "fell"),
        ("die", "died"),
        ("carry", "carried"),
        ("play", "played"),
        ("kill", "killed"),
    ],
)
def test_the_past_of_a_verb(verb: str, past: str) -> None:
    assert words.past(verb) == past
