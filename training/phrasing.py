"""Questions with evidence and the sentence to write: what the generator's adapter learns from.

A row is made to look like what the pipeline hands the generator: one to three sentences, the ones
that hold the answer among others of the same passage. A sentence is only taught where the product's
own verifier finds nothing against it, so what is learned is to say what the evidence says, in its
words. Knows nothing of tokens or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

from rag import words
from rag.citations import Verifier
from rag.features import LONGEST_UNIT
from rag.passages import sentences
from rag.prompts import ABSTENTION
from rag.settings import VerifierSettings
from rag.types import Evidence, Passage, Span
from training.data import drawn, held_out, rows
from training.stating import FINITE, PAST, past, past_form, sentence, stated

FREE = (
    "squad-flan-response-evaluator",
    "fairytale-flan-response-evaluator",
    "narrativeqa",
    "clapnq-dev",
    "bioasq-golden",
    "fairytaleqa",
    "halueval",
)
SPANS = ("squad", "quoref")
WRITTEN = ("bioasq-golden", "clapnq-dev")  # whose answers are sentences though they may lack a stop
UNANSWERED = ("partial-abstain", "clapnq-dev/unanswerable")
LEAST = 0.9  # of an answer's content words in evidence and question, as the verifier asks
WORDS = 30  # of a sentence at most
ABSTAINED = 0.15  # as many rows without an answer as this share of those with one
WITHHELD = 0.1  # of the answered rows come a second time, without their evidence
FIRST = 0.5  # of the rows show their evidence first, the others in any order
OTHERS = (0.4, 0.35, 0.25)  # how often 0, 1 and 2 other sentences are shown
NEAR = 4  # others are drawn from so many that share most with the question
ENDS = (".", "!", ".”", '."')
TELLS = re.compile(r"\b(?:context|passage|paraphras\w*|excerpt|article)\b", re.IGNORECASE)
OPENINGS = ("because", "by", "to", "yes", "no", "so", "due", "since", "after", "when", "that")
VERIFIER = Verifier(VerifierSettings(), sentences)


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A question, the sentences shown with it in order, and what to write.

    `evidence` is where in its passage the answer stands; None where it is not among what is shown.
    """

    question: str
    shown: tuple[str, ...]
    answer: str
    evidence: Evidence | None
    source: str

    @property
    def group(self) -> int:
        """The question's number: it is learned from by itself."""
        return crc32(self.question.encode())


def phrasings(folder: Path, seed: int, *, kept: bool = False, share: float = 1.0) -> list[Phrasing]:
    """Return the rows of a run in shuffled order; with `kept`, those that are never trained on.

    The former are of a `share` of the texts. The same arguments give the same rows.
    """
    random = Random(f"{seed}/{kept}")
    answered: list[Phrasing] = []
    abstained: list[Phrasing] = []
    for row in read(folder):
        text = row["passages"][0]
        if held_out(text) == kept and (kept or drawn(text, seed, share)):
            for made in phrase(row, random):
                (answered if made.evidence else abstained).append(made)
    random.shuffle(abstained)
    found = answered + abstained[: round(ABSTAINED * len(answered))]
    random.shuffle(found)
    return found


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the free-form rows and those of the reader with a span, in one form."""
    for row in rows(folder / "generative.jsonl.gz"):
        if row["source"].startswith(FREE) and row["passages"]:
            yield row
    for row in rows(folder / "reader.jsonl.gz"):
        if row["source"].startswith(SPANS) and row["answer_start"] >= 0:
            yield row | {"passages": [row["passage"]]}


def phrase(row: dict[str, Any], random: Random) -> Iterator[Phrasing]:
    """Yield what can be taught from a row: its sentence, and sometimes that nothing answers."""
    question = " ".join(row["question"].split())
    unanswered = row["source"].endswith(UNANSWERED)
    answer = None if unanswered else written(question, row["answer"], row["source"])
    if not unanswered and not answer:
        return
    passages = [taken(text) for text in row["passages"]]
    if unanswered:
        if shown := others(question, passages, None, random, 1 + count(random)):
            yield Phrasing(question, shown, ABSTENTION, None, row["source"])
        return
    found = answer and evidence(question, answer, passages)
    if not answer or not found:
        return
    beside = others(question, passages, found, random, count(random))
    yield Phrasing(question, mixed(found, beside, random), answer, found, row["source"])
    if random.random() < WITHHELD:
        shown = others(question, passages, found, random, 1 + count(random))
        new = set(words.content(answer)) - words.stems(question)
        if shown and words.coverage(new, words.stems(" ".join(shown))) < 0.5:
            yield Phrasing(question, shown, ABSTENTION, None, f"{row['source']}/withheld")


def written(question: str, answer: str, source: str) -> str | None:
    """Return an answer's first sentence, whole; None where it is none and cannot become one.

    A short answer is put into the question's words where that is safe (`training.stating`).
    """
    answer = " ".join(answer.split())
    spans = sentences(answer)
    if not spans:
        return None
    first = answer[spans[0].start : spans[0].end]
    if len(spans) == 1 and source.startswith(WRITTEN) and not first.endswith(ENDS):
        first = sentence(first)
    if first.endswith(ENDS) and whole(question, first):
        return first
    return stated(question, answer) if len(spans) == 1 else None


def whole(question: str, text: str) -> bool:
    """Tell whether a text is a sentence by itself, as far as words show.

    It has a verb, and begins with something the question speaks of, a pronoun or a plain verb's
    subject; not with what only continues a question ("because", "by", "hastened to").
    """
    said = [words.fold(token) for token in words.tokens(text)]
    if not 4 <= len(said) <= WORDS or TELLS.search(text) or said[0] in OPENINGS:
        return False
    if not (text[0].isupper() or text[0].isdigit()) or past_form(said[0]) or past(said[0]):
        return False
    asked = words.stems(question)
    ours = words.content(text)
    begins = said[0] in words.PRONOUNS or (bool(ours) and ours[0] in asked)
    verbs = [word for word in said[1:] if word in FINITE or past_form(word)]
    return bool(verbs) and (begins or any(word in FINITE or word in PAST for word in verbs))


@lru_cache(maxsize=1024)
def taken(text: str) -> Passage:
    """Return a text as a passage with its sentences."""
    return Passage("", "", 0, len(text), text, tuple(sentences(text)))


def units(passage: Passage) -> list[Span]:
    """Return the stretches that can be evidence: each sentence, then neighbours in twos."""
    alone = list(passage.sentences)
    pairs = [Span(a.start, b.end) for a, b in pairwise(alone)]
    return alone + [pair for pair in pairs if pair.end - pair.start <= LONGEST_UNIT]


def evidence(question: str, answer: str, passages: Sequence[Passage]) -> Evidence | None:
    """Return the first stretch, sentences before pairs, that supports the whole answer."""
    wanted, asked = set(words.content(answer)), words.stems(question)
    for passage in passages:
        for span in units(passage):
            if words.coverage(wanted, asked | words.stems(passage.sentence(span))) < LEAST:
                continue
            found = Evidence(passage, span.start, span.end, 1.0)
            if not VERIFIER.objections(question, answer, found):
                return found
    return None


def count(random: Random) -> int:
    """Draw how many other sentences are shown."""
    return random.choices(range(len(OTHERS)), OTHERS)[0]


def others(
    question: str,
    passages: Sequence[Passage],
    found: Evidence | None,
    random: Random,
    most: int,
) -> tuple[str, ...]:
    """Draw sentences beside the evidence, of those that share most with the question."""
    asked = words.stems(question)
    texts = [
        " ".join(passage.sentence(span).split())
        for passage in passages
        for span in passage.sentences
        if found is None
        or passage is not found.passage
        or span.end <= found.start
        or span.start >= found.end
    ]
    texts = [text for text in dict.fromkeys(texts) if 3 < len(words.tokens(text)) <= 60]
    texts.sort(key=lambda text: -len(asked & set(words.content(text))))
    near = texts[:NEAR]
    return tuple(random.sample(near, min(most, len(near), 3)))


def mixed(found: Evidence, beside: Sequence[str], random: Random) -> tuple[str, ...]:
    """Put the evidence among the others: first, or anywhere."""
    quote = " ".join(found.quote.split())
    if random.random() < FIRST:
        return (quote, *beside)
    place = random.randint(0, len(beside))
    return (*beside[:place], quote, *beside[place:])
