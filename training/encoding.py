"""Examples as token ids: `[CLS] question [SEP] passage [SEP]`, long passages cut to a window.

The window of a training example holds its answer at a random place, so that the place tells
nothing. Batches hold whole groups of about equal length, by a budget of padded tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Any

import torch
from torch import Tensor

from training.data import Example, Group

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Row:
    """One example as ids, with its labels. `span` is in row positions (end inclusive).

    `passage` is the position of the passage's first token. A `span` of (0, 0) means "no answer
    here" and None that nothing is known. With `region` the span is that of a longer text in which
    the answer lies.
    """

    ids: tuple[int, ...]
    passage: int
    relevance: float | None
    answerable: float | None
    span: tuple[int, int] | None
    support: int | None
    source: str
    region: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded rows. `ids`, `types`, `mask`, `readable` are (n, length); the labels are (n,).

    Labels: NaN or `IGNORED` where unknown. `group` numbers the rows that are compared, and
    `region` says of a row that its answer lies anywhere from `start` to `end`.
    """

    ids: Tensor
    types: Tensor
    mask: Tensor
    readable: Tensor
    relevance: Tensor
    answerable: Tensor
    start: Tensor
    end: Tensor
    support: Tensor
    group: Tensor
    region: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def window(
    offsets: Sequence[tuple[int, int]], span: tuple[int, int] | None, room: int, random: Random
) -> tuple[int, int, tuple[int, int] | None]:
    """Choose which tokens to keep: first, end (exclusive), and the span's tokens among all.

    An answer longer than the room keeps its first tokens.
    """
    count = len(offsets)
    tokens = None
    if span is not None:
        inside = [i for i, (a, b) in enumerate(offsets) if b > span[0] and a < span[1]]
        tokens = (inside[0], min(inside[-1], inside[0] + room - 1)) if inside else None
    if count <= room:
        return 0, count, tokens
    low, high = (
        (0, count - room)
        if tokens is None
        else (
            max(0, tokens[1] - room + 1),
            min(tokens[0], count - room),
        )
    )
    first = random.randint(low, max(low, high))
    return first, first + room, tokens


class Encoder:
    """Turn groups into rows with a fast tokenizer (the `tokenizers` library's)."""

    def __init__(self, tokenizer: Any, length: int, question: int = 48) -> None:
        self.tokenizer = tokenizer
        self.length = length
        self.question = question
        self.cls = tokenizer.token_to_id("[CLS]")
        self.sep = tokenizer.token_to_id("[SEP]")

    def row(self, example: Example, random: Random) -> Row:
        """Encode one example; the random numbers place the window."""
        asked = self.tokenizer.encode(example.question, add_special_tokens=False).ids
        asked = asked[: self.question]
        read = self.tokenizer.encode(example.passage, add_special_tokens=False)
        room = self.length - len(asked) - 3
        first, end, tokens = window(read.offsets, example.span or example.region, room, random)
        start = len(asked) + 2
        span = None
        if example.null:
            span = (0, 0)
        elif tokens is not None:
            span = (tokens[0] - first + start, tokens[1] - first + start)
        return Row(
            (self.cls, *asked, self.sep, *read.ids[first:end], self.sep),
            start,
            example.relevance,
            example.answerable,
            span,
            example.support,
            example.source,
            example.region is not None and not example.null,
        )

    def rows(self, groups: Iterable[Group], seed: int) -> list[tuple[Row, ...]]:
        """Encode groups in order."""
        random = Random(seed)
        return [tuple(self.row(example, random) for example in group) for group in groups]


def batches(
    groups: Sequence[tuple[Row, ...]], tokens: int, random: Random, pool: int = 512
) -> Iterator[list[tuple[Row, ...]]]:
    """Yield lists of groups whose padded size is within `tokens`, in a random order.

    Groups are bucketed by length within consecutive pools, so that the mix of sources stays even.
    """
    pool = max(pool, tokens // 8)
    for first in range(0, len(groups), pool):
        part = sorted(groups[first : first + pool], key=longest)
        packed: list[list[tuple[Row, ...]]] = [[]]
        for group in part:
            size = sum(map(len, packed[-1])) + len(group)
            if packed[-1] and size * longest(group) > tokens:
                packed.append([])
            packed[-1].append(group)
        random.shuffle(packed)
        yield from packed


def longest(group: Sequence[Row]) -> int:
    """Return the length of a group's longest row in tokens."""
    return max(len(row.ids) for row in group)


def collate(groups: Sequence[Sequence[Row]]) -> Batch:
    """Pad groups to one batch."""
    rows = [row for group in groups for row in group]
    width = longest(rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    types, mask = torch.zeros_like(ids), torch.zeros_like(ids)
    readable = torch.zeros(len(rows), width, dtype=torch.bool)
    for i, row in enumerate(rows):
        n = len(row.ids)
        ids[i, :n] = torch.tensor(row.ids)
        types[i, row.passage : n] = 1
        mask[i, :n] = 1
        readable[i, row.passage : n - 1] = True
        readable[i, 0] = True
    nan = float("nan")
    return Batch(
        ids,
        types,
        mask,
        readable,
        torch.tensor([nan if r.relevance is None else r.relevance for r in rows]),
        torch.tensor([nan if r.answerable is None else r.answerable for r in rows]),
        torch.tensor([IGNORED if r.span is None else r.span[0] for r in rows]),
        torch.tensor([IGNORED if r.span is None else r.span[1] for r in rows]),
        torch.tensor([IGNORED if r.support is None else r.support for r in rows]),
        torch.tensor([i for i, group in enumerate(groups) for _ in group]),
        torch.tensor([row.region for row in rows]),
    )
