"""Questions that sound right for a passage but that it does not answer, and cut passages.

After the kinds of negative that people wrote for SQuAD 2.0 (Rajpurkar et al. 2018, table 2): a
number or year changed, an entity swapped, two entities exchanged, a word turned into its opposite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product, takewhile
from random import Random

from rag import words
from rag.passages import sentences
from training.exchange import LIKELY, Likely

OPPOSITES = """first last, largest smallest, biggest smallest, highest lowest, most least,
more fewer, oldest newest, earliest latest, before after, north south, northern southern, east west,
eastern western, increase decrease, increased decreased, won lost, win lose, winner loser,
begin end, began ended, start end, started ended, born died, birth death, above below, over under,
longest shortest, longer shorter, best worst, major minor, father mother, son daughter,
brother sister, husband wife, king queen, male female, men women, buy sell, bought sold,
open close, opened closed, join leave, joined left, allow forbid, allowed forbidden,
accept reject, accepted rejected, support oppose, supported opposed, include exclude,
included excluded, majority minority, maximum minimum, ancient modern, early late, rich poor,
hot cold, warm cold, inside outside, public private, import export, imported exported,
create destroy, created destroyed, gain lose, gained lost, rise fall, rose fell, arrive depart,
arrived departed, love hate, loved hated, legal illegal, common rare, likely unlikely,
strong weak, stronger weaker, positive negative, fast slow, faster slower, old young,
older younger, upper lower, left right, true false, remember forget, teacher student,
attack defend, attacked defended, friend enemy, success failure, succeeded failed,
permit prohibit, permitted prohibited, rise decline, rising falling, growth decline, able unable,
possible impossible, agree disagree, agreed disagreed, similar different, internal external,
simple complex, formal informal, direct indirect, heavy light, wet dry, permanent temporary,
voluntary compulsory, urban rural, domestic foreign, approve reject, approved rejected,
victory defeat, advantage disadvantage, strength weakness, improve worsen, improved worsened,
expand shrink, expanded shrank, encourage discourage, encouraged discouraged, appear disappear,
appeared disappeared, connect separate, connected separated, hire dismiss, hired dismissed,
admit deny, admitted denied, prevent cause, prevented caused, stop continue, stopped continued,
wide narrow, long short, thick thin, deep shallow, near far, many few, all none, always never,
with without, top bottom, front back, day night, morning evening, summer winter, peace war,
land sea, civilian military, employer employee, buyer seller, parents children,
beginning end, can cannot, did didn't, does doesn't, is isn't,
was wasn't, are aren't, were weren't"""
NEGATIONS = ("can", "did", "does", "is", "was", "are", "were")

OPPOSITE: dict[str, str] = {}
for _pair in OPPOSITES.replace("\n", " ").split(","):
    _one, _other = _pair.split()
    OPPOSITE.setdefault(_one, _other)
    if _one not in NEGATIONS:
        OPPOSITE.setdefault(_other, _one)

NUMERALS = "two three four five six seven eight nine ten eleven twelve".split()
NUMERAL = re.compile(rf"\b(?:{'|'.join(NUMERALS)})\b", re.IGNORECASE)
NUMBER = re.compile(r"\b\d[\d,]*(?:\.\d+)?\b")
NAME = re.compile(r"\b[A-Z][\w'’-]*(?:\s+(?:of\s+|the\s+|de\s+)?[A-Z][\w'’-]*)*")
POSSESSIVE = re.compile(r"['’]s?$")
WORD = re.compile(r"[A-Za-z']+")
BESIDE = re.compile(r"\b(?:and|or|with|versus|vs|of|between|than)\b|[,/&]")
REST = 150  # characters at least of a passage that something was taken out of
QUESTION_WORDS = frozenset(
    "what who whom whose when where which why how in on at by for from to did do does is was are "
    "were the a an if during after before according of and it he she they this that there".split()
)

ALIKE = 4  # letters at least that two forms of a word begin with
HARDEST = 0.7  # of the changes drawn from known ones are the one that a reader falls for most

Change = Callable[[str, str, str, Random], str | None]


def change_number(question: str, passage: str, answer: str, random: Random) -> str | None:
    """Replace a number of the question by another: of the passage, else a little off."""
    found = list(NUMBER.finditer(question))
    if not found:
        return None
    match = random.choice(found)
    digits = match.group().replace(",", "")
    others = [n for n in NUMBER.findall(passage) if n not in (match.group(), answer)]
    others = [n for n in others if len(n.replace(",", "")) == len(digits)]
    if others and random.random() < 0.5:
        new: str = random.choice(others)
    elif "." in digits or len(digits) > 9:
        return None
    else:
        new = beside(digits, random)
    if new == digits or (new in passage and random.random() < 0.5):
        return None
    return question[: match.start()] + new + question[match.end() :]


def beside(digits: str, random: Random) -> str:
    """Return a whole number a little off one in digits; now and then of a small one itself."""
    span = 30 if len(digits) == 4 else max(2, int(digits) // 2)
    return str(max(0, int(digits) + random.choice((-1, 1)) * random.randint(1, span)))


def change_numeral(question: str, passage: str, answer: str, random: Random) -> str | None:
    """Replace a number of the question that is written as a word."""
    found = list(NUMERAL.finditer(question))
    if not found:
        return None
    match = random.choice(found)
    return (
        question[: match.start()] + other_numeral(match.group(), random) + question[match.end() :]
    )


def other_numeral(numeral: str, random: Random) -> str:
    """Return another number as a word, with a capital where the first has one."""
    return like(numeral, random.choice([one for one in NUMERALS if one != numeral.lower()]))


def like(word: str, new: str) -> str:
    """Return a new word with a capital where the one before has one."""
    return new.capitalize() if word[0].isupper() else new


def opposite_of(word: str) -> str:
    """Return the opposite of a word that has one."""
    return like(word, OPPOSITE[word.lower()])


def names(text: str) -> list[str]:
    """Return the capitalised runs of a text that are not just how a sentence starts."""
    found = []
    for match in NAME.finditer(text):
        parts = match.group().split()
        while parts and parts[0].lower() in QUESTION_WORDS:
            parts = parts[1:]
        opens = match.start() == 0 or text[: match.start()].rstrip()[-1:] in (".", "?", "!", '"')
        if parts and not (opens and len(parts) == 1):
            found.append(" ".join(parts))
    return found


def bare(text: str) -> set[str]:
    """Return the words of a text in small letters, without what makes them somebody's."""
    return {POSSESSIVE.sub("", word) for word in text.casefold().split()}


def akin(one: str, other: str) -> bool:
    """Tell whether two names have a word in two forms: "Mexico" and "Mexicans"."""
    for first, second in product(bare(one), bare(other)):
        letters = zip(words.fold(first), words.fold(second), strict=False)
        alike = sum(1 for _ in takewhile(lambda two: two[0] == two[1], letters))
        if alike >= ALIKE and alike >= min(len(first), len(second)) - 1:
            return True
    return False


def change_name(question: str, passage: str, answer: str, random: Random) -> str | None:
    """Replace a name of the question by another name of the passage."""
    asked = [name for name in names(question) if len(name) > 2]
    if not asked:
        return None
    old = random.choice(asked)
    used = bare(f"{question} {answer}")
    size = len(old.split())
    others = [n for n in names(passage) if used.isdisjoint(bare(n)) and len(n) > 2]
    alike = [n for n in others if abs(len(n.split()) - size) <= 1 and not akin(n, old)]
    if not alike or old.casefold() in answer.casefold():
        return None
    new = POSSESSIVE.sub("", random.choice(alike))
    owner = POSSESSIVE.search(old)
    return question.replace(old, f"{new}{owner[0] if owner else ''}", 1)


def change_roles(question: str, passage: str, answer: str, random: Random) -> str | None:
    """Let two names of the question take each other's place, unless they stand side by side."""
    asked = names(question)
    found = [name for name in dict.fromkeys(asked) if asked.count(name) == 1 and len(name) > 2]
    if len(found) < 2:
        return None
    one, other = random.sample(found, 2)
    if one in other or other in one:
        return None
    first, second = sorted((one, other), key=question.index)
    start, end = question.index(first), question.index(second)
    between = question[start + len(first) : end]
    if BESIDE.search(between) or not WORD.search(between) or end < start + len(first):
        return None
    return f"{question[:start]}{second}{between}{first}{question[end + len(second) :]}"


def change_opposite(question: str, passage: str, answer: str, random: Random) -> str | None:
    """Turn one word of the question into its opposite, or negate its verb."""
    found = [m for m in WORD.finditer(question) if m.group().lower() in OPPOSITE]
    telling = [m for m in found if m.group().lower() not in NEGATIONS]
    if not telling and random.random() < 0.6:
        found = []
    if not found:
        return None
    match = random.choice(telling or found)
    return question[: match.start()] + opposite_of(match.group()) + question[match.end() :]


def change(question: str, passage: str, answer: str, random: Random) -> str | None:
    """Change the question so that the passage no longer answers it; None if it cannot be.

    No word is swapped for one near it ("sisters", "girls"): too often the passage still answers,
    and who learns from those that other words mean another question declines what is paraphrased.
    """
    ways: list[Change] = [
        *(change_number, change_numeral, change_name, change_roles, change_opposite)
    ]
    random.shuffle(ways)
    for way in ways:
        changed = way(question, passage, answer, random)
        if changed is not None and changed != question:
            return changed
    return None


@dataclass(frozen=True, slots=True)
class Changes:
    """How the questions of a run are changed.

    `known` are changes made before, for a question and its passage, the one that a reader falls for
    most first: where there are any, one is drawn. `likely` are exchanges of words, of the passage's
    too.
    """

    known: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    likely: Likely = field(default_factory=dict)

    def draw(self, question: str, passage: str, answer: str, random: Random) -> str | None:
        """Return a changed question that the passage does not answer; None if there is none."""
        found = [one for one in self.likely.get((question, passage), ()) if one.asked]
        if found and random.random() < LIKELY:
            return random.choice(found).made(question, random)
        if known := self.known.get((question, passage)):
            return known[0] if random.random() < HARDEST else random.choice(known)
        return change(question, passage, answer, random)


def withhold(passage: str, answer: str) -> str | None:
    """Return the passage without the sentences that hold the answer; None if too little is left."""
    if not answer.strip():
        return None
    told = answer.casefold()
    spans = sentences(passage)
    kept = [passage[s.start : s.end] for s in spans]
    kept = [text for text in kept if told not in text.casefold()]
    rest = " ".join(kept)
    return rest if len(kept) < len(spans) and len(rest) >= REST else None
