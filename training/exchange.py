"""Words of a question or its passage, and others that may well stand in their place.

`training.likely` finds them; they make questions that a passage does not answer, passages that no
longer answer, and passages that still do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

LIKELY = 0.6  # of the changes and edits are such exchanges, where a language model found any
Key = tuple[str, str]
"""A question and its passage."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A word's characters, what may stand there, and whether question and sentence both say it.

    The characters are the passage's, or with `asked` the question's. `news` are likeliest first.
    """

    start: int
    end: int
    news: tuple[str, ...]
    shared: bool
    asked: bool

    def made(self, text: str, random: Random) -> str:
        """Return the text with one of the other words in place."""
        return text[: self.start] + random.choice(self.news) + text[self.end :]


Likely = Mapping[Key, Sequence[Exchange]]
