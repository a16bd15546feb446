"""Questions as people type them: in small letters, without a question mark, with a slip."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

SMALL = 0.75  # of the questions that are typed so are in small letters; the others have slips
SLIPS = 0.5  # of those in small letters have slips too
SECOND = 0.3  # of those with a slip have two
WORD = re.compile(r"[A-Za-z]{4,}")  # may be mistyped
VOWEL = re.compile(r"(?<=\w)[aeiou]")

Manner = Callable[[str], str]


def manner(share: float, random: Random) -> Manner:
    """Return how a question is typed: as it is, but for a share of them.

    All questions of a group are typed alike, so that the manner does not tell them apart.
    """
    if random.random() >= share:
        return str
    small = random.random() < SMALL
    slips = 0 if small and random.random() >= SLIPS else 1 + (random.random() < SECOND)

    def typed(question: str) -> str:
        question = question.lower().rstrip("? ") if small else question
        for _ in range(slips):
            question = slip(question, random)
        return question

    return typed


def slip(text: str, random: Random) -> str:
    """Mistype a word of four letters or more, if there is one, behind its first letter.

    A letter is left out, doubled, exchanged with the next, or a vowel is another: the errors of
    Damerau (1964), and the commonest of spelling.
    """
    found = list(WORD.finditer(text))
    if not found:
        return text
    match = random.choice(found)
    word = match.group()
    at = random.randrange(1, len(word) - 1)
    vowels = [one.start() for one in VOWEL.finditer(word)]
    ways = [
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ]
    if vowels:
        place = random.choice(vowels)
        ways.append(word[:place] + random.choice("aeiou") + word[place + 1 :])
    return text[: match.start()] + random.choice(ways) + text[match.end() :]
