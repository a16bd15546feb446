"""Mend misspelt words of a question with words that the documents have.

A word is misspelt when no passage holds it and no list of words knows it, and when exactly one
word of the documents is near: one insertion, deletion, replacement or swap of neighbours away,
two for long words (Damerau 1964, "A technique for computer detection and correction of spelling
errors": four of five errors are one of these). A word that the list knows counts as theirs where
they have its stem. Better not mended than mended into another word:
a name that the documents do not mention must stay one. This module knows no index, only what it
asks of one.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Protocol

from rag import words
from rag.questions import analyse
from rag.types import Passage

SHORTEST = 5  # letters of a word that may be mended
LONG = 10  # letters from which two errors are allowed; of shorter words, most are other words
SURE = 7  # letters from which a replaced letter does not make another name
PASSAGES = 8  # that are looked at for how a stem is written
LARGE = 1000  # passages from which on a word must be in two of them: documents hold errors too
ENDINGS = ("", "s", "es", "d", "ed", "ing", "er", "ers")  # behind a stem


class Vocabulary(Protocol):
    """The documents' words; an index is one."""

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """Return for each term in how many passages it occurs."""
        ...

    def vocabulary(self, first: str) -> dict[str, int]:
        """Return the stems that begin so, and how many passages hold each."""
        ...

    def lexical(self, question: str, k: int) -> list[tuple[Passage, float]]:
        """Return k passages that hold the question's words."""
        ...

    def __len__(self) -> int:
        """Return the number of passages."""
        ...


class Spelling:
    """Mends questions."""

    def __init__(self, vocabulary: Vocabulary, known: Container[str] = frozenset()) -> None:
        """Take the documents' words, and `known`: folded words that are spelt well anyway."""
        self._vocabulary = vocabulary
        self._known = known
        self._stems: dict[str, list[tuple[str, frozenset[str]]]] = {}  # by first letter

    def mended(self, question: str) -> str:
        """Return the question with its misspelt words replaced; unchanged when there are none."""
        tokens = [t for t in dict.fromkeys(words.tokens(question)) if self._is_odd(t)]
        if not tokens:
            return question
        found = self._vocabulary.document_frequency(tokens)
        subject = words.tokens(analyse(question).subject)  # "who is biden": a name, most likely
        bare = words.STOP_WORDS.isdisjoint(map(words.fold, subject))
        names = {*words.names(question), *(subject if bare else ())}
        for token in tokens:
            if not found[token] and (right := self._nearest(token, name=token in names)):
                question = re.sub(rf"\b{re.escape(token)}\b", right, question)
        return question

    def _is_odd(self, token: str) -> bool:
        """Tell a word that might be misspelt: long enough, only letters, and not known."""
        folded = words.fold(token)
        if len(folded) < SHORTEST or not token.isalpha() or folded in words.STOP_WORDS:
            return False
        return folded not in self._known and folded.removesuffix("s") not in self._known

    def _nearest(self, token: str, *, name: bool) -> str:
        """Return the one word near a token, as the documents write it, or ""."""
        folded = words.fold(token)
        most = 1 if name or len(folded) < LONG else 2
        near: dict[str, tuple[int, str]] = {}  # stem -> (distance, word)
        for stem in self._near_stems(folded, most):
            forms = () if name else self._forms(stem)
            offered = [(word, far) for word in forms if (far := distance(word, folded)) <= most]
            # what is searched is stemmed again, "accus" to "accu", but "accuse" to "accus"
            for passage, _ in self._vocabulary.lexical(f"{stem} {stem}e", PASSAGES):
                offered += _near_words(passage.text, folded, most, names=name)
            for word, far in offered:
                known = near.get(words.stem(word), (most + 1, ""))
                near[words.stem(word)] = min(known, (far, word))
        best = min(near.values(), default=(0, ""))
        return best[1] if sum(far == best[0] for far, _ in near.values()) == 1 else ""

    def _forms(self, stem: str) -> list[str]:
        """Return the forms of a stem that are known words, in the documents or not."""
        formed = [stem + ending for ending in ENDINGS]
        return [word for word in formed if word in self._known and words.stem(word) == stem]

    def _near_stems(self, word: str, most: int) -> list[str]:
        """Return the stems near the beginning of a word, of words that are not rare."""
        first = word[0]
        if first not in self._stems:
            least = 2 if len(self._vocabulary) >= LARGE else 1
            stems = self._vocabulary.vocabulary(first).items()
            self._stems[first] = [(stem, frozenset(stem)) for stem, n in stems if n >= least]
        return [
            stem
            for stem, letters in self._stems[first]
            if len(letters.difference(word)) <= most
            and len(stem) <= len(word) + most
            and min(_distances(stem, word)) <= most
        ]


def _near_words(text: str, word: str, most: int, *, names: bool) -> list[tuple[str, int]]:
    """Return the words of a text near a folded word, with their distance.

    With `names` only proper names; all others are in lower case.
    """
    near = {}
    for token in words.tokens(text):
        folded = words.fold(token)
        if folded[:1] == word[0] and abs(len(folded) - len(word)) <= most:
            far = distance(folded, word)
            if far <= most:
                near[token] = far
    proper = set(words.names(text)) if near else set()
    return [
        (token if token in proper else token.lower(), far)
        for token, far in near.items()
        if token not in proper or not _another_name(words.fold(token), word)
        if token in proper or not names
    ]


def _another_name(name: str, word: str) -> bool:
    """Tell short names that differ by a replaced letter: Hilson is not Hilton misspelt."""
    replaced = len(name) == len(word) and sorted(name) != sorted(word)
    return replaced and len(name) < SURE


def distance(a: str, b: str) -> int:
    """Return how many single-letter errors part two words, swapped neighbours counting as one.

    The restricted form (optimal string alignment): no letter is changed twice.
    """
    return _distances(a, b)[-1]


def _distances(a: str, b: str) -> list[int]:
    """Return the distance of a word to every beginning of another, the empty one first."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row
