"""Premises and claims for the judge of support, with what each premise makes of its claim.

Claims are sentences: those of the entailment sets; full answers over the passages they were given
for; and sentences of a passage, as they stand or nearly so. A claim is set over a premise that
supports it and over some that look as if they did: another passage that shares its words, the same
passage without the sentence that says it, or its own passage after a number, a name or an opposite
in the claim was changed. So neither the claim alone nor its words tell the label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from rag import words
from rag.passages import sentences
from training.data import SUPPORT, Example, Group, held_out, nli_group, once, rows, take
from training.unanswerable import change

PREMISE = 900  # characters of a premise: longer ones do not fit a row with their claim
TOLD = 0.8  # of a claim's content words are in the one sentence that may stand for its passage
SAID = 0.5  # of them are in a passage that supports it
SHARED = 0.7  # of them at most are in a passage that does not
DRAWN = 12  # passages looked at for the one most like a claim
RARE = 60  # passages that have a rare word, at most
_YES = re.compile(r"^(?:Yes|No)\s*[,.;:]\s+")
_ASIDE = re.compile(r"\s*\([^()]*\)")
_OPENING = re.compile(
    r"^(?:However|But|And|So|Thus|Then|Also|Moreover|Furthermore|In addition|Meanwhile),?\s+"
)


@dataclass(frozen=True, slots=True)
class ClaimRecipe:
    """How often each source is passed through, by the prefix of its name.

    Left out: hypotheses that are questions (BoolQ, PubMedQA, BioASQ) or a question with its answer
    (HaluEval, where the length of the answer gives the label away).
    """

    nli: tuple[tuple[str, float], ...] = (
        ("fever-athnlp", 1.0),
        ("fever-symmetric", 1.0),
        ("fool-me-twice", 2.0),
        ("mnli", 0.6),
    )
    answers: tuple[tuple[str, float], ...] = (
        ("squad-flan", 1.0),
        ("fairytale-flan", 1.0),
        ("narrativeqa-flan", 1.0),
        ("bioasq", 1.0),
        ("clapnq", 1.0),
    )
    quotes: tuple[tuple[str, float], ...] = (
        ("squad-flan", 0.4),
        ("fairytale", 0.1),
        ("bioasq", 0.5),
        ("clapnq", 1.0),
        ("pubmedqa", 0.5),
    )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Passages to set a claim over that were not written for it.

    `stems` are those of each, and `having` the passages that have a stem which few do.
    """

    texts: tuple[str, ...]
    stems: tuple[frozenset[str], ...]
    having: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Elsewhere:
        """Keep the distinct texts, in order."""
        distinct = tuple(dict.fromkeys(texts))
        stems = tuple(words.stems(text) for text in distinct)
        having: dict[str, list[int]] = {}
        for i, known in enumerate(stems):
            for stem in known:
                having.setdefault(stem, []).append(i)
        rare = {stem: places for stem, places in having.items() if len(places) <= RARE}
        return cls(distinct, stems, rare)

    def passage(self, claim: str, own: str, random: Random) -> str | None:
        """Draw passages with a rare word of the claim; return that with most of all its words.

        Not one that has more than `SHARED` of them. Without any such passage, one drawn from all.
        """
        wanted = words.content(claim)
        near = sorted({i for stem in wanted for i in self.having.get(stem, ())})
        for pool in (near, range(len(self.texts))):
            drawn = random.sample(pool, min(DRAWN, len(pool)))
            shares = [(words.coverage(wanted, self.stems[i]), self.texts[i]) for i in drawn]
            if fit := [one for one in shares if one[0] <= SHARED and one[1] != own]:
                return max(fit, key=lambda one: one[0])[1]
        return None


def full_answer(row: dict[str, Any]) -> str | None:
    """Return the first sentence of a free-form answer; None where it is no sentence of its own."""
    if row["source"].endswith(("abstain", "unanswerable", "underspecified")):
        return None
    answer = _YES.sub("", " ".join(row["answer"].split()))
    found = sentences(answer)
    if not found:
        return None
    first = answer[found[0].start : found[0].end]
    whole = first[0].isupper() and first.endswith(".") and len(first.split()) >= 5
    return first if whole and len(first) <= PREMISE // 2 else None


def split(text: str) -> list[str]:
    """Return a text's sentences."""
    return [text[span.start : span.end] for span in sentences(text)]


def telling(claim: str, passage: Sequence[str]) -> tuple[int, float]:
    """Return which sentence has most of the claim's content words, and their share; not of none."""
    wanted = words.content(claim)
    shares = [words.coverage(wanted, words.stems(one)) for one in passage]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best, shares[best]


def roughened(sentence: str, random: Random) -> str:
    """Return a sentence nearly as it stands: without asides, its opening word or its full stop."""
    if random.random() < 0.5:
        return sentence
    plain = _OPENING.sub("", _ASIDE.sub("", sentence))
    plain = plain[:1].upper() + plain[1:]
    return plain.rstrip(".") if random.random() < 0.3 else plain


def claim_group(
    claim: str, passage: str, elsewhere: Elsewhere, random: Random, source: str
) -> Group | None:
    """Set a claim over what supports it and over what does not; None where that is not sure.

    One premise supports it: the passage, or half the time, where one sentence has nearly all its
    words, that sentence. One or two do not.
    """
    parts = split(passage)
    stated = words.coverage(words.content(claim), words.stems(passage))
    if not parts or stated < SAID or len(passage) > PREMISE:
        return None
    best, told = telling(claim, parts)
    premise = parts[best] if told >= TOLD and random.random() < 0.5 else passage
    wrong: list[Example] = []
    if (other := elsewhere.passage(claim, passage, random)) is not None:
        wrong.append(example(claim, other, "unrelated", source))
    if (changed := change(claim, passage, "", random)) is not None:
        wrong.append(example(changed, premise, "refuted", source))
    left = " ".join(parts[:best] + parts[best + 1 :])
    if left and words.coverage(words.content(claim), words.stems(left)) <= SAID:
        wrong.append(example(claim, left, "unrelated", source))
    random.shuffle(wrong)
    return (example(claim, premise, "supported", source), *wrong[:2])


def example(claim: str, premise: str, label: str, source: str) -> Example:
    """Write one premise and claim; the claim takes the place of a question."""
    return Example(claim, premise, support=SUPPORT.index(label), source=source)


def claims(
    found: Sequence[dict[str, Any]], recipe: ClaimRecipe, random: Random, kept: bool
) -> Iterator[Group]:
    """Yield the groups of free-form rows: their full answers, and sentences of their passages."""
    elsewhere = Elsewhere.of([text for row in found if len(text := joined(row)) <= PREMISE])
    for row in take(list(found), once(recipe.answers, kept), random):
        answer = full_answer(row)
        if answer is not None:
            group = claim_group(answer, joined(row), elsewhere, random, f"{row['source']}/answer")
            if group:
                yield group
    for row in take(list(found), once(recipe.quotes, kept), random):
        passage = joined(row)
        parts = [one for one in split(passage[:PREMISE])[:-1] if 30 <= len(one) <= PREMISE // 3]
        if parts:
            said = roughened(random.choice(parts), random)
            group = claim_group(said, " ".join(parts), elsewhere, random, f"{row['source']}/quote")
            if group:
                yield group


def joined(row: dict[str, Any]) -> str:
    """Return a row's passages as one."""
    return " ".join(row["passages"])


def plan(folder: Path, recipe: ClaimRecipe, seed: int, *, kept: bool = False) -> list[Group]:
    """Build the groups of a run in their final, shuffled order; with `kept`, the held-out ones.

    The same folder, recipe and seed give the same groups. A premise that is held out is so in both
    files.
    """
    random = Random(f"{seed}/{kept}")
    nli = [row for row in rows(folder / "nli.jsonl.gz") if held_out(row["premise"]) == kept]
    nli = [row for row in nli if len(row["premise"]) <= PREMISE]
    free = [row for row in rows(folder / "generative.jsonl.gz") if held_out(joined(row)) == kept]
    groups = [nli_group(row) for row in take(nli, once(recipe.nli, kept), random)]
    groups += claims(free, recipe, random, kept)
    random.shuffle(groups)
    return groups
