"""Yes or no, where what the documents say of two things that are asked about decides it.

"Are Ann Keller and Bo Falk both painters?" has no one sentence that answers it. A trained judge
holds the best sentences about each against the statement that it is a painter. One that says so
counts before any that seems to deny it: a sentence about something else often seems to. Where the
question is whether something is the same of both, each is asked for it and the answers are
compared. Nothing is decided where the documents leave one of them open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag import words
from rag.choices import mention
from rag.citations import SupportJudge
from rag.polar import Polar
from rag.types import Evidence, Hit, Reading

SUPPORTED = 0.7  # probability that a statement holds, for a yes
REFUTED = 0.8  # that it does not, for a no
ANSWERED = 0.5  # that a thing's passages answer what is asked of it
TRIED = 6  # sentences about a thing that the judge reads
Read = Callable[[str, Sequence[Hit]], Reading]
"""Reads hits for a question, as `rag.reader.Reader.read` does."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the answer opens with ("" for nothing), and the evidence of each thing behind it.

    `confidence` is a probability in [0, 1], and `short` the answer in few words.
    """

    opening: str
    evidence: tuple[Evidence, ...]
    confidence: float
    short: str


def yes_or_no(yes: bool, evidence: tuple[Evidence, ...], confidence: float) -> Decided:
    """Return the decision that opens with yes or no."""
    word = "Yes" if yes else "No"
    return Decided(f"{word}.", evidence, confidence, word.lower())


def decided(both: Polar, reading: Reading, judge: SupportJudge, read: Read) -> Decided | None:
    """Decide from what was read for the whole question; None where the documents do not say."""
    if both.shared:
        return _agreed(both, reading.hits, read)
    verdicts = []
    for name, statement in zip(both.names, both.statements, strict=True):
        about = [one for one in reading.evidence if speaks_of(one, name)][:TRIED]
        if not about:
            return None
        found = judge.support([(_premise(one, name), statement) for one in about])  # (n, 3)
        for_it, against = int(found[:, 0].argmax()), int(found[:, 1].argmax())
        sure = float(found[for_it, 0]), float(found[against, 1])
        yes = sure[0] >= SUPPORTED or sure[0] >= sure[1]
        verdicts.append((yes, sure[int(not yes)], about[for_it if yes else against]))
    verdicts.sort(key=lambda verdict: (verdict[0], -verdict[1]))  # a no decides
    shown = tuple(one for _, _, one in verdicts)
    yes, sure_of_no, _ = verdicts[0]
    if not yes:
        return yes_or_no(False, shown, sure_of_no) if sure_of_no >= REFUTED else None
    least = min(sure for _, sure, _ in verdicts)
    return yes_or_no(True, shown, least) if least >= SUPPORTED else None


def _agreed(both: Polar, hits: Sequence[Hit], read: Read) -> Decided | None:
    """Ask of each thing for what may be the same, and compare the answers."""
    evidence: list[Evidence] = []
    values: list[str] = []
    sure: list[float] = []
    for name, question in zip(both.names, both.statements, strict=True):
        about = [hit for hit in hits if _names(f"{hit.passage.context}\n{hit.text}", name)]
        found = read(question, about)
        best = next((one for one in found.evidence if speaks_of(one, name)), None)
        if best is None or not best.answer_text or found.answerable < ANSWERED:
            return None
        evidence.append(best)
        values.append(best.answer_text)
        sure.append(found.confidence)
    same = agree(*values)
    return None if same is None else yes_or_no(same, tuple(evidence), min(sure))


def agree(one: str, other: str) -> bool | None:
    """Tell whether two answers say the same; None where that depends on what is meant.

    "Louisiana, United States" is Louisiana: what is narrowest comes first. It may be the "United
    States", or not.
    """
    fewer, more = sorted((_content(one), _content(other)), key=len)
    if not fewer:
        return None
    if not fewer.keys() <= more.keys():
        return False
    return True if next(iter(more)) in fewer else None


def _content(text: str) -> dict[str, None]:
    return dict.fromkeys(words.content(text))


def speaks_of(evidence: Evidence, name: str) -> bool:
    """Tell whether a sentence, or what stands above its passage, names a thing."""
    return _names(evidence.quote, name) or _names(evidence.passage.context, name)


def _names(text: str, name: str) -> bool:
    """Tell whether a text has a name; of one that is typed without capitals in any letters."""
    return mention(text.lower() if name.islower() else text, name) is not None


def _premise(evidence: Evidence, name: str) -> str:
    """Return what the judge reads: the quote, below the thing's name where it does not say it."""
    quote = " ".join(evidence.quote.split())
    return quote if _names(quote, name) else f"{name}: {quote}"
