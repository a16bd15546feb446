"""The second passage of a question that needs two: "Where was the author of X born?".

The best passage speaks of X and its author; the second, of where that author was born, is linked to
it and has words of the question that the best one lacks. Rules on words; how hits were scored is
not known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag import words
from rag.types import Hit

LINK = 3.0  # log-odds for a hit whose title the best one's text holds, or whose text holds its
GAIN = 6.0  # log-odds for a hit with all of the question that the best one lacks


@dataclass(frozen=True, slots=True)
class Bond:
    """What ties a hit to the best one, both in [0, 1].

    `link` is how much of one's title is in the other. `gain` is the share of the question's content
    words, rare ones counting more, that this hit has and the best one lacks.
    """

    link: float
    gain: float

    @property
    def weight(self) -> float:
        """The log-odds that it adds to the hit's own."""
        return LINK * self.link + GAIN * self.gain


def bonds(content: Sequence[str], hits: Sequence[Hit]) -> list[Bond]:
    """Return what ties each hit but the first to the first; `content` are the question's stems."""
    known = [words.stems(f"{hit.passage.context} {hit.text}") for hit in hits]
    titles = [words.stems(hit.passage.context) - words.STOP_WORDS for hit in hits]
    met = [[term in said or words.near(term, said) for term in content] for said in known]
    rarity = [1 / (1 + sum(column)) for column in zip(*met, strict=True)]
    total = sum(rarity) or 1.0
    found = []
    for i in range(1, len(hits)):
        gained = [r for r, mine, best in zip(rarity, met[i], met[0], strict=True) if mine > best]
        link = max(_share(titles[i], known[0]), _share(titles[0], known[i]))
        found.append(Bond(link, sum(gained) / total))
    return found


def paired(content: Sequence[str], hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Return hits with what belongs to the first one next to it; their scores are not changed."""
    if len(hits) < 3:
        return tuple(hits)
    tied = [
        (_log_odds(hit.score) + bond.weight, hit)
        for hit, bond in zip(hits[1:], bonds(content, hits), strict=True)
    ]
    ordered = sorted(tied, key=lambda one: -one[0])  # stable: equal ones keep their order
    return (hits[0], *(hit for _, hit in ordered))


def _share(title: frozenset[str], text: frozenset[str]) -> float:
    return len(title & text) / len(title) if title else 0.0


def _log_odds(probability: float) -> float:
    p = min(1 - 1e-6, max(1e-6, probability))
    return math.log(p / (1 - p))
