"""Training rows, and the groups the reader learns from.

Read the gzipped JSON lines, keep a slice aside by content hash, and write each question as a group:
its right passage, a near but wrong one, and sometimes a changed question that the right passage no
longer answers, or the right passage without what answers it. Knows nothing of tokens or networks;
which groups a run has is `training.plan`'s.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from training.edited import Asked, Vocabulary, edited, varied
from training.mining import Neighbours
from training.typed import manner
from training.unanswerable import Changes, withhold

SUPPORT = ("supported", "refuted", "unrelated")
YES_OR_NO = ("boolq", "bioasq", "pubmedqa")  # whose hypotheses are questions
HELD_OUT = 40  # one row in forty is never trained on
UNKNOWN = Changes()
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Example:
    """One question and passage (or hypothesis and premise), with the labels that are known.

    `relevance` and `answerable` are 0.0, 1.0, or None when the source does not say. `span` is the
    answer's characters in the passage; `null` says that a span must not be found. `support` is an
    index into `SUPPORT`. `region` are characters within which the answer lies, where no more is
    known, or within which it would lie.
    """

    question: str
    passage: str
    relevance: float | None = None
    answerable: float | None = None
    span: tuple[int, int] | None = None
    null: bool = False
    support: int | None = None
    source: str = ""
    region: tuple[int, int] | None = None


Group = tuple[Example, ...]
"""Examples that are compared with each other: one batch holds all of them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How often each source is passed through, and how hard its groups are made.

    A count of passes of 1.5 is every row once and half of them a second time, each time with
    another wrong passage and another change; `written` is that of the questions written for the
    project and `documents` that of those over its own documents, which are set beside other
    passages of theirs `beside` times. `stated` is the share of the answers that can be put into a
    sentence, and `typed` that of the questions as people type them (`training.typed`); `edited` and
    `varied` are the shares of the passages that stand beside themselves with an edit that takes
    their answer away, and with one that does not (`training.edited`).
    """

    reader: tuple[tuple[str, float], ...] = (
        ("squad", 1.3),
        ("qed-nq", 1.0),
        ("quoref", 1.2),
        ("covid-qa", 0.8),
        ("bioasq", 1.0),
        ("fairytaleqa", 0.5),
        ("clapnq", 2.0),
    )
    generative: tuple[tuple[str, float], ...] = (
        ("squad-flan", 1.0),
        ("narrativeqa", 1.0),
        ("halueval", 1.5),
        ("fairytale-flan", 0.5),
    )
    sentences: tuple[tuple[str, float], ...] = (("squad-train-sentences", 2.0), ("selqa", 1.0))
    rerank: tuple[tuple[str, float], ...] = (
        ("selqa", 1.0),
        ("bioasq", 0.9),
        ("squad-train-sentences", 0.1),
    )
    nli: tuple[tuple[str, float], ...] = (
        ("fever-athnlp", 0.3),
        ("fever-symmetric", 1.0),
        ("fool-me-twice", 1.0),
        ("mnli", 0.25),
        ("halueval", 0.7),
        ("boolq", 0.15),
        ("bioasq", 0.5),
    )
    asked: tuple[tuple[str, float], ...] = (
        ("fever", 1.0),
        ("fool-me-twice", 1.5),
        ("mnli", 1.0),
    )
    objects: tuple[tuple[str, float], ...] = (
        ("fever", 1.0),
        ("fool-me-twice", 2.0),
        ("mnli", 2.0),
    )
    claims: tuple[tuple[str, float], ...] = (
        ("squad-flan", 0.4),
        ("fairytale-flan", 0.2),
        ("narrativeqa-flan", 0.4),
        ("bioasq", 0.5),
        ("clapnq", 1.0),
    )
    rewritten: tuple[tuple[str, float], ...] = (
        ("squad-flan", 3.0),
        ("fairytale-flan", 1.5),
        ("narrativeqa-flan", 3.0),
    )
    written: float = 0.35
    documents: float = 2.0
    beside: int = 1
    stated: float = 0.5
    titled: int = 3000
    near: float = 0.4
    changed: float = 0.5
    withheld: float = 0.2
    edited: float = 0.7
    varied: float = 0.5
    typed: float = 0.2
    rerank_negatives: int = 2


WELL_TYPED = Recipe(typed=0.0)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def held_out(text: str) -> bool:
    """Say whether rows with this text are kept aside: decided by its hash, one in `HELD_OUT`."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % HELD_OUT == 0


def drawn(text: str, seed: int, share: float) -> bool:
    """Say whether a run that takes a share of all texts takes this one: decided by its hash."""
    number = int.from_bytes(hashlib.sha256(f"{seed}/{text}".encode()).digest()[:8])
    return number < share * 2**64


def held_out_questions(found: Iterable[dict[str, Any]]) -> set[str]:
    """Return the questions, in small letters, of the reader's rows whose passage is kept aside."""
    return {row["question"].casefold() for row in found if held_out(row["passage"])}


def take(
    found: list[dict[str, Any]], wanted: Sequence[tuple[str, float]], random: Random
) -> list[dict[str, Any]]:
    """Draw so many passes over the rows of each prefix of `source`."""
    taken = []
    for prefix, passes in wanted:
        pool = [row for row in found if row["source"].startswith(prefix)]
        taken += repeated(pool, passes, random)
    return taken


def repeated(pool: Sequence[Item], passes: float, random: Random) -> list[Item]:
    """Return a pool so many times; what is left of the passes is that share of it, drawn."""
    whole, part = divmod(passes, 1)
    return [*pool] * int(whole) + random.sample(pool, round(part * len(pool)))


def answer_span(row: dict[str, Any]) -> tuple[int, int] | None:
    """Return the characters of a reader row's answer, or None when it has none."""
    start = row["answer_start"]
    return None if start < 0 else (start, start + len(row["answer"]))


def reader_group(
    row: dict[str, Any],
    near: Neighbours,
    recipe: Recipe,
    random: Random,
    changes: Changes = UNKNOWN,
    vocabulary: Vocabulary | None = None,
) -> Group:
    """Write a reader row as a group: right passage, near passage, changed question, cut passage.

    With a `vocabulary` the right passage stands beside itself with edits, too.
    """
    question, passage, source = row["question"], row["passage"], row["source"]
    span = answer_span(row)
    typed = manner(recipe.typed, random)
    question = typed(question)
    if span is None:
        return (Example(question, passage, None, 0.0, None, True, None, source),)
    group = [Example(question, passage, 1.0, 1.0, span, False, None, source)]
    if random.random() < recipe.near:
        wrong = near.passage(question, avoid=(passage, row["answer"]), random=random)
        if wrong is not None:
            group.append(Example(question, wrong, 0.0, 0.0, None, True, None, source))
    if random.random() < recipe.changed:
        changed = changes.draw(row["question"], passage, row["answer"], random)
        if changed is not None:
            group.append(Example(typed(changed), passage, None, 0.0, None, True, None, source))
    if random.random() < recipe.withheld:
        cut = withhold(passage, row["answer"])
        if cut is not None:
            group.append(Example(question, cut, None, 0.0, None, True, None, source))
    if vocabulary:
        asked = Asked(row["question"], passage, span)
        group += edits(asked, vocabulary, recipe, typed, source, random)
    return tuple(group)


def edits(
    asked: Asked,
    vocabulary: Vocabulary,
    recipe: Recipe,
    typed: Callable[[str], str],
    source: str,
    random: Random,
) -> list[Example]:
    """Write a question over its passage with an edit that takes the answer away, and with another.

    `typed` says how the group's questions are typed. An empty span is that of a sentence within
    which the answer lies.
    """
    made = []
    if random.random() < recipe.edited and (other := edited(asked, vocabulary, random)):
        question, home = typed(other.question), other.home()
        made.append(Example(question, other.passage, None, 0.0, None, True, None, source, home))
    if random.random() < recipe.varied and (other := varied(asked, vocabulary, random)):
        span, region = (other.span, None) if other.answer else (None, other.home())
        question = typed(other.question)
        made.append(Example(question, other.passage, None, 1.0, span, source=source, region=region))
    return made


def rerank_group(row: dict[str, Any], negatives: int, random: Random) -> Group:
    """Write a rerank row as one positive and some of its negatives; spans are not known."""
    question, source = row["question"], row["source"]
    wrong = random.sample(row["negatives"], min(negatives, len(row["negatives"])))
    right = random.choice(row["positives"])
    return (
        Example(question, right, 1.0, source=source),
        *(Example(question, text, 0.0, source=source) for text in wrong),
    )


def nli_group(row: dict[str, Any]) -> Group:
    """Write a premise and hypothesis as a group of one.

    A hypothesis that is a question is answered by a premise that says yes or no to it.
    """
    label, source = row["label"], row["source"]
    answered = 1.0 if source.startswith(YES_OR_NO) and label != "unrelated" else None
    support = SUPPORT.index(label)
    return (
        Example(
            row["hypothesis"],
            row["premise"],
            answerable=answered,
            support=support,
            source=source,
        ),
    )


def titled_groups(found: list[dict[str, Any]], count: int, random: Random) -> list[Group]:
    """Write yes/no search questions, whose premises open with a title and answer them, as groups.

    The wrong passage is the one of another row with a word of its title in the question, else any.
    """
    pool = [row for row in found if row["source"].startswith("boolq") and " -- " in row["premise"]]
    texts = [row["premise"].replace(" -- ", "\n", 1) for row in pool]
    titles: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        for word in set(text.partition("\n")[0].lower().split()):
            if len(word) > 3:
                titles.setdefault(word, []).append(index)
    groups: list[Group] = []
    for index in random.sample(range(len(pool)), min(count, len(pool))):
        question = pool[index]["hypothesis"].lower().rstrip("?")
        near = [i for word in question.split() for i in titles.get(word, ())]
        wrong = random.choice([i for i in near if texts[i] != texts[index]] or [index - 1])
        if texts[wrong] != texts[index]:
            right = Example(question, texts[index], 1.0, 1.0, source="boolq/titled")
            other = Example(question, texts[wrong], 0.0, 0.0, null=True, source="boolq/titled")
            groups.append((right, other))
    return groups


def once(wanted: Sequence[tuple[str, float]], kept: bool) -> Sequence[tuple[str, float]]:
    """Return the passes as they are, or at most one each for rows that are only measured."""
    return [(prefix, min(1.0, passes)) for prefix, passes in wanted] if kept else wanted
