from dataclasses import replace

from rag import words
from rag.pairing import Bond, bonds, paired
from rag.types import Hit, Passage

QUESTION = words.content("Where was the author of Songs of Salt born?")


def hit(name: str, text: str, score: float) -> Hit:
    return Hit(Passage(name, name, 0, len(text), text, title=name), score)


SONGS = hit("Songs of Salt", "A book of poems by Ada Berg, her first, in small print.", 0.9)
SALT = hit("Brine", "Brine is used in kitchens by the sea.", 0.4)
PEPPER = hit("Pepper", "Songs of pepper are about trade.", 0.3)
BERG = hit("Ada Berg", "She was born on a farm near Lund.", 0.05)


def test_what_the_best_passage_names_comes_next() -> None:
    assert paired(QUESTION, (SONGS, SALT, PEPPER, BERG)) == (SONGS, BERG, PEPPER, SALT)


def test_a_bond_is_a_title_and_the_words_that_the_best_one_lacks() -> None:
    salt, pepper, berg = bonds(QUESTION, (SONGS, SALT, PEPPER, BERG))
    assert berg.link == 1.0
    assert salt == Bond(0.0, 0.0)
    assert pepper == Bond(0.5, 0.0)  # half of "Songs of Salt", and nothing new
    assert 0.1 < berg.gain < 0.6
    assert berg.weight > pepper.weight > salt.weight == 0


def test_the_first_stays_first_and_scores_stay_as_they_are() -> None:
    found = paired(QUESTION, (replace(SONGS, score=0.0), SALT, BERG))
    assert found[0].score == 0.0
    assert sorted(one.score for one in found) == [0.0, 0.05, 0.4]


def test_without_bonds_the_order_stays() -> None:
    plain = [hit("", "Nothing of it.", 0.5), hit("", "Nor of that.", 0.5), hit("", "At all.", 0.5)]
    assert paired(QUESTION, plain) == tuple(plain)
    assert paired(QUESTION, (SONGS, SALT)) == (SONGS, SALT)
    assert paired([], (SONGS, SALT, BERG)) == (SONGS, BERG, SALT)  # its title alone
    assert paired(QUESTION, ()) == ()


def test_scores_at_the_ends_of_their_range_are_no_error() -> None:
    sure, never = replace(SALT, score=1.0), replace(BERG, score=0.0)
    assert paired([], (SONGS, never, sure)) == (SONGS, sure, never)
