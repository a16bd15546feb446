"""Passages in which something was changed, so that they no longer answer, or so that they still do.

A changed question is apt to be odd, and a reader learns to see that instead of reading the passage.
Here the question stays as it was asked, and the sentence that answers it is changed where the two
agree: a name, a number, a word into its opposite, a verb negated, any other word, or one that a
language model expects there (`training.likely`). Lest the oddness of an edit tell, other passages
are edited just so where the question does not care, or have another name throughout, as the
question then has too (entity substitution, after Longpre et al. 2021, "Entity-Based Knowledge
Conflicts in Question Answering").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from rag import words
from rag.passages import sentences
from training.exchange import LIKELY, Exchange, Likely
from training.unanswerable import (
    NEGATIONS,
    NUMBER,
    NUMERAL,
    OPPOSITE,
    POSSESSIVE,
    WORD,
    akin,
    bare,
    beside,
    names,
    opposite_of,
    other_numeral,
)

COUNT = re.compile(f"{NUMBER.pattern}|{NUMERAL.pattern}", re.IGNORECASE)
AUXILIARY = re.compile(r"\b(?:is|was|are|were|has|had|can|could|will|would|must)\b(?! not)")
DENIED = re.compile(r"\b(?:not|never|no)\b|n't", re.IGNORECASE)
DENIAL = re.compile(r" (?:not|never)\b")
NEXT = 3  # words behind an auxiliary among which a word of the question is negated with it
ENDINGS = ("ing", "ed", "tion", "ly", "ment", "ness", "ity", "ous", "ive", "al", "er", "es", "s")
IDLE = words.stems(
    "year name kind type many much people person number time date term called used known following"
)
"""Words of questions that passages need not share."""
SHORTEST = 4  # letters of a word that is exchanged
ANY_WORD = 0.3  # of the edits exchange any word though something else could be
AT_HOME = 0.6  # of the edits that do not matter are in the sentence that answers
DRAWN = 20  # names of other passages, of which a fitting one is taken
ELSEWHERE = 0.4  # of the names that come in are of other passages though this one has others


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names, and words by how they end, that may take another's place.

    Of the questions that are in `likely`, those are taken that a language model expects there.
    """

    names: Sequence[str]
    words: Mapping[str, Sequence[str]]
    likely: Likely = field(default_factory=dict)

    @classmethod
    def of(cls, passages: Iterable[str], likely: Likely | None = None) -> Vocabulary:
        """Return what some passages use, as often as they do."""
        called: list[str] = []
        said: dict[str, list[str]] = {}
        for passage in passages:
            called += [name for name in names(passage) if not POSSESSIVE.search(name)]
            for word in WORD.findall(passage):
                if common(word):
                    said.setdefault(ending(word), []).append(word)
        return cls(called, said, likely or {})

    def expected(self, asked: Asked, *, shared: bool) -> list[Exchange] | None:
        """Return exchanges in a passage, of what its question says or not; None if unknown."""
        found = self.likely.get((asked.question, asked.passage))
        if found is None:
            return None
        return [one for one in found if one.shared == shared and not one.asked]

    def named(self, random: Random) -> Sequence[str]:
        """Draw some names."""
        return random.choices(self.names, k=DRAWN) if self.names else ()

    def like(self, word: str, random: Random) -> str:
        """Draw a word that ends alike; the word itself where there is none."""
        return random.choice(self.words.get(ending(word)) or [word])


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its passage, and the answer's characters there."""

    question: str
    passage: str
    span: tuple[int, int]

    @property
    def answer(self) -> str:
        """The answer's words."""
        return self.passage[slice(*self.span)]

    def home(self) -> tuple[int, int]:
        """Return the characters of the sentence in which the answer begins."""
        for start, end in cut(self.passage):
            if start <= self.span[0] < end:
                return start, end
        return self.span

    def put(self, start: int, end: int, new: str) -> Asked | None:
        """Return the passage with other characters there; None where they are the answer's."""
        first, last = self.span
        if start < last and first < end:
            return None
        if end <= first:
            by = len(new) - (end - start)
            first, last = first + by, last + by
        passage = self.passage[:start] + new + self.passage[end:]
        return Asked(self.question, passage, (first, last))


@lru_cache(maxsize=50_000)
def cut(passage: str) -> tuple[tuple[int, int], ...]:
    """Return the characters of a passage's sentences."""
    return tuple((one.start, one.end) for one in sentences(passage))


def common(word: str) -> bool:
    """Tell whether a word of a passage is one of the language's that means something."""
    return word.islower() and len(word) >= SHORTEST and words.fold(word) not in words.STOP_WORDS


def ending(word: str) -> str:
    """Return how a word ends, as far as that shows what it may stand for."""
    return next((one for one in ENDINGS if word.endswith(one)), "")


Way = Callable[[Asked, Vocabulary, Random], Asked | None]


def other_name(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Let the answering sentence say another name where it says one of the question's."""
    start, end = asked.home()
    called = [name for name in names(asked.question) if len(name) > 2]
    random.shuffle(called)
    for name in called:
        found = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", asked.passage)
        here = [m.span() for m in found if start <= m.start() < end]
        if len(here) != 1:
            continue
        said = asked.passage[start:end]
        others = [one for one in names(asked.passage) if one not in said]
        if not (fit := fitting(name, asked, others)) or random.random() < ELSEWHERE:
            fit = fitting(name, asked, vocabulary.named(random))
        if fit:
            return asked.put(*here[0], POSSESSIVE.sub("", random.choice(fit)))
    return None


def fitting(name: str, asked: Asked, others: Sequence[str]) -> list[str]:
    """Return the names that may take a name's place: about as long, and neither asked nor it."""
    size, used = len(name.split()), bare(f"{asked.question} {asked.answer}")
    return [
        one
        for one in others
        if len(one) > 2
        and abs(len(one.split()) - size) <= 1
        and used.isdisjoint(bare(one))
        and not akin(one, name)
    ]


def other_number(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Let the answering sentence say a number a little off one of the question's."""
    start, end = asked.home()
    wanted = {one.lower() for one in COUNT.findall(asked.question)}
    found = [m for m in COUNT.finditer(asked.passage[start:end]) if m.group().lower() in wanted]
    if not found:
        return None
    match = random.choice(found)
    new = near(match.group(), random)
    return asked.put(start + match.start(), start + match.end(), new) if new else None


def near(number: str, random: Random) -> str | None:
    """Return a number a little off another, any for one in words; None where it is no whole one."""
    if NUMERAL.fullmatch(number):
        return other_numeral(number, random)
    digits = number.replace(",", "")
    if "." in digits or len(digits) > 9:
        return None
    new = beside(digits, random)
    return new if new != digits else None


def opposite(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Turn a word that the answering sentence shares with the question into its opposite."""
    start, end = asked.home()
    shared = {word.lower() for word in WORD.findall(asked.question)} - set(NEGATIONS)
    found = [
        m
        for m in WORD.finditer(asked.passage[start:end])
        if m.group().lower() in shared and m.group().lower() in OPPOSITE
    ]
    if not found:
        return None
    match = random.choice(found)
    return asked.put(start + match.start(), start + match.end(), opposite_of(match.group()))


def negated(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Negate the auxiliary of the answering sentence before a word that the question has too.

    Where the question is about what is not so, the sentence says that it is.
    """
    start, end = asked.home()
    if DENIED.search(asked.question):
        denial = DENIAL.search(asked.passage, start, end)
        return asked.put(*denial.span(), "") if denial else None
    wanted = set(words.content(asked.question)) - IDLE
    for match in AUXILIARY.finditer(asked.passage, start, end):
        behind = WORD.findall(asked.passage[match.end() : end])[:NEXT]
        if wanted.isdisjoint(map(words.stem, behind)):
            continue
        return asked.put(match.start(), match.end(), f"{match.group()} not")
    return None


def other_word(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Exchange a word that the answering sentence shares with the question for another."""
    expected = vocabulary.expected(asked, shared=True)
    if expected is not None:
        return exchanged(asked, expected, random)
    start, end = asked.home()
    stems = set(words.content(asked.question)) - IDLE
    found = [
        m
        for m in WORD.finditer(asked.passage[start:end])
        if common(m.group()) and words.stem(m.group()) in stems
    ]
    if not found:
        return None
    match = random.choice(found)
    new = vocabulary.like(match.group(), random)
    if words.stem(new) in words.stems(asked.question):
        return None
    return asked.put(start + match.start(), start + match.end(), new)


def exchanged(asked: Asked, expected: Sequence[Exchange], random: Random) -> Asked | None:
    """Return the passage with one of the exchanges; None where there is none."""
    if not expected:
        return None
    one = random.choice(expected)
    return asked.put(one.start, one.end, random.choice(one.news))


def edited(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Edit a passage so that it no longer answers; None if it cannot be. The span is kept."""
    ways: list[Way] = [other_name, other_number, opposite, negated]
    random.shuffle(ways)
    often = LIKELY if vocabulary.expected(asked, shared=True) else ANY_WORD
    ways.insert(0 if random.random() < often else len(ways), other_word)
    return first(ways, asked, vocabulary, random)


def renamed(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Give what the question names another name, there and throughout the passage.

    None where a part of the name stands by itself anywhere, or the answer has it.
    """
    called = [name for name in names(asked.question) if len(name) > 2]
    if not called:
        return None
    name = random.choice(called)
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    left = whole.sub(" ", f"{asked.question}\n{asked.passage}").casefold()
    parts = [part for part in bare(name) if not part.islower() or len(part) >= SHORTEST]
    if any(re.search(rf"(?<!\w){re.escape(part)}", left) for part in parts):
        return None
    fit = fitting(name, asked, vocabulary.named(random))
    fit = [one for one in fit if one not in asked.passage]
    if not fit or not whole.search(asked.passage):
        return None
    new = random.choice(fit)
    made: Asked | None = Asked(whole.sub(lambda _: new, asked.question), asked.passage, asked.span)
    for match in reversed(list(whole.finditer(asked.passage))):
        made = made and made.put(*match.span(), new)
    return made


def other_answer(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Let the passage give another answer of the same kind: a name or a number for one."""
    answer = asked.answer
    start, end = asked.span
    if NUMBER.fullmatch(answer):
        new = near(answer, random)
    elif names(f"is {answer}") == [answer]:
        fit = fitting(answer, asked, vocabulary.named(random))
        new = random.choice(fit) if fit else None
    else:
        return None
    if new is None or new in asked.passage:
        return None
    passage = asked.passage[:start] + new + asked.passage[end:]
    return Asked(asked.question, passage, (start, start + len(new)))


def besides(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Exchange a word, a name's word or a number that the question does not have."""
    expected = vocabulary.expected(asked, shared=False)
    if expected and random.random() < LIKELY:
        return exchanged(asked, expected, random)
    home = asked.home()
    start, end = home if random.random() < AT_HOME else random.choice(cut(asked.passage) or [home])
    used = words.stems(asked.question)
    found = [
        m
        for m in re.finditer(r"[A-Za-z']+|\d[\d,]*", asked.passage[start:end])
        if (len(m.group()) >= SHORTEST or COUNT.fullmatch(m.group()))
        and not used & words.stems(m.group())
    ]
    found = [m for m in found if words.fold(m.group()) not in words.STOP_WORDS]
    if not found:
        return None
    match = random.choice(found)
    old = match.group()
    if COUNT.fullmatch(old):
        new = near(old, random)
    elif old.islower():
        new = vocabulary.like(old, random)
    else:
        new = random.choice((vocabulary.named(random) or [old])[0].split())
    if not new or used & words.stems(new):
        return None
    return asked.put(start + match.start(), start + match.end(), new)


def aside(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Negate a verb, or turn a word into its opposite, in a sentence that does not answer."""
    others = [one for one in cut(asked.passage) if one != asked.home()]
    if not others:
        return None
    start, end = random.choice(others)
    verbs = list(AUXILIARY.finditer(asked.passage, start, end))
    if verbs and random.random() < 0.5:
        match = random.choice(verbs)
        return asked.put(match.start(), match.end(), f"{match.group()} not")
    found = [m for m in WORD.finditer(asked.passage[start:end]) if m.group() in OPPOSITE]
    if not found:
        return None
    match = random.choice(found)
    return asked.put(start + match.start(), start + match.end(), opposite_of(match.group()))


def varied(asked: Asked, vocabulary: Vocabulary, random: Random) -> Asked | None:
    """Edit a passage, and the question with it, so that it still answers; None if it cannot be."""
    ways: list[Way] = [renamed, other_answer, besides, besides, aside]
    random.shuffle(ways)
    return first(ways, asked, vocabulary, random)


def first(
    ways: Sequence[Way], asked: Asked, vocabulary: Vocabulary, random: Random
) -> Asked | None:
    """Return what the first way that finds something to edit makes of it."""
    for way in ways:
        made = way(asked, vocabulary, random)
        if made is not None and made != asked:
            return made
    return None
