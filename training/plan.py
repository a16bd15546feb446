"""The groups that a run of the reader learns from: all sources, as often as a recipe says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from training.claim_questions import claim_group
from training.claims import ClaimRecipe, claims
from training.data import (
    UNKNOWN,
    Group,
    Recipe,
    drawn,
    held_out,
    held_out_questions,
    nli_group,
    once,
    reader_group,
    repeated,
    rerank_group,
    rows,
    take,
    titled_groups,
)
from training.derived import found_row, sentence_group, stated_group
from training.documents import SOURCE, beside_groups, documents
from training.edited import Vocabulary
from training.mining import Neighbours
from training.object_questions import object_group
from training.rewritten import known, rewritten, rewritten_groups
from training.unanswerable import Changes
from training.written import SOURCE as WRITTEN
from training.written import key, questions, written_groups

KEYS = {"reader": "passage", "rerank": "question", "nli": "premise"}
"""By which text of a file's rows it is decided whether they are kept aside."""
Row = dict[str, Any]


def plan(
    folder: Path,
    near: Neighbours,
    recipe: Recipe,
    seed: int,
    *,
    kept: bool = False,
    changes: Changes = UNKNOWN,
    share: float = 1.0,
) -> list[Group]:
    """Build the groups of a run in their final, shuffled order.

    With `kept`, build them from the held-out slice instead, each row once. A question of the
    slice is held out of every file. `changes` are those of questions. Of the texts that are trained
    on only a `share` is taken. The same arguments give the same groups.
    """
    random = Random(f"{seed}/{kept}")
    part = 1.0 if kept else share
    recipe = replace(recipe, titled=round(part * recipe.titled))  # the others are of as many texts
    taken = partial(drawn, seed=seed, share=part)
    groups = list(Planner(folder, near, recipe, random, changes, taken, kept=kept).groups())
    random.shuffle(groups)
    return groups


class Planner:
    """One run's groups, source by source."""

    def __init__(
        self,
        folder: Path,
        near: Neighbours,
        recipe: Recipe,
        random: Random,
        changes: Changes,
        taken: Callable[[str], bool],
        *,
        kept: bool,
    ) -> None:
        self.near = near
        self.recipe = recipe
        self.random = random
        self.changes = changes
        self.taken = taken  # of which texts rows are made
        self.kept = kept
        every = {name: list(rows(folder / f"{name}.jsonl.gz")) for name in KEYS}
        self.aside = held_out_questions(every["reader"])
        there = {
            name: [row for row in every[name] if held_out(row[key]) == kept]
            for name, key in KEYS.items()
        }
        self.rows = {
            name: [row for row in there[name] if taken(row[key])] for name, key in KEYS.items()
        }
        self.ranked = [
            row
            for row in self.rows["rerank"]
            if row["question"].casefold() not in self.aside and row["positives"]
        ]
        self.answered = [row for row in self.rows["reader"] if row["answer_start"] >= 0]
        self.answers = known(there["reader"])
        self.free = folder / "generative.jsonl.gz"
        self.passages = sorted({row["passage"] for row in there["reader"]})
        self.written = questions()
        self.documents = documents(kept=kept)
        self.vocabulary = Vocabulary.of(self.passages, changes.likely)

    def groups(self) -> Iterator[Group]:
        """Yield the groups of every source."""
        yield from map(self._of_reader, self._take(self.rows["reader"], self.recipe.reader))
        yield from self._written()
        yield from self._beside()
        if self.free.exists():
            yield from self._rewritten()
            if not self.kept:
                yield from self._free()
        stated = self.random.sample(self.answered, round(self.recipe.stated * len(self.answered)))
        yield from filter(None, (stated_group(row, self.random) for row in stated))
        yield from self._ranked()
        yield from self._entailed()

    def _written(self) -> Iterator[Group]:
        """Yield the groups of questions written over passages, and over documents of our own."""
        over = {key(text): some for text, some in self.documents.items()}
        for passes, passages, asked, source in (
            (self.recipe.written, self.passages, self.written, WRITTEN),
            (self.recipe.documents, list(self.documents), over, SOURCE),
        ):
            for text in repeated(passages, 1.0 if self.kept else passes, self.random):
                yield from written_groups([text], asked, self.recipe.typed, self.random, source)

    def _beside(self) -> Iterator[Group]:
        """Yield the groups of passages of our own documents beside others of the same ones."""
        for _ in range(1 if self.kept else self.recipe.beside):
            yield from beside_groups(self.documents, self.recipe.typed, self.random)

    def _take(self, found: list[Row], passes: Sequence[tuple[str, float]]) -> list[Row]:
        return take(found, once(passes, self.kept), self.random)

    def _of_reader(self, row: Row) -> Group:
        return reader_group(row, self.near, self.recipe, self.random, self.changes, self.vocabulary)

    def _rewritten(self) -> Iterator[Group]:
        """Yield the groups of texts in other words."""
        written = [
            row
            for row in rewritten(self.free, self.aside, self.kept)
            if self.taken(row["passages"][0])
        ]
        for row in self._take(written, self.recipe.rewritten):
            yield from rewritten_groups(
                row, self.answers, self.near, self.random, self.changes, self.recipe.typed
            )

    def _free(self) -> Iterator[Group]:
        """Yield the groups of free-form rows: their answers as claims, and those that are spans.

        Left out are rows whose question or passage is held out.
        """
        free = [
            row
            for row in rows(self.free)
            if row["question"].casefold() not in self.aside
            and not any(held_out(passage) for passage in row["passages"])
            and self.taken(row["passages"][0] if row["passages"] else row["question"])
        ]
        wanted = ClaimRecipe(answers=self.recipe.claims, quotes=())
        yield from claims(free, wanted, self.random, kept=False)
        found = [made for row in free if (made := found_row(row))]
        for row in take(found, self.recipe.generative, self.random):
            yield reader_group(
                row,
                Neighbours.none(),
                self.recipe,
                self.random,
                self.changes,
                self.vocabulary,
            )

    def _ranked(self) -> Iterator[Group]:
        """Yield the groups of ranked sentences and abstracts."""
        recipe, random = self.recipe, self.random
        for row in self._take(self.ranked, recipe.sentences):
            if row["negatives"]:
                yield sentence_group(row, random, recipe, self.vocabulary)
        for row in self._take(self.ranked, recipe.rerank):
            if row["negatives"]:
                yield rerank_group(row, recipe.rerank_negatives, random)

    def _entailed(self) -> Iterator[Group]:
        """Yield the groups of premises and what they support, refute or leave open."""
        recipe, random, found = self.recipe, self.random, self.rows["nli"]
        yield from titled_groups(found, recipe.titled, random)
        yield from map(nli_group, self._take(found, recipe.nli))
        for ask, passes in ((claim_group, recipe.asked), (object_group, recipe.objects)):
            for row in self._take(found, passes):
                if group := ask(row, random, recipe, self.vocabulary):
                    yield group
