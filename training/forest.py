"""Rows of tokens that begin alike, laid over each other so that what they share is read once.

A text is asked many questions. As a tree, whose trunk is the text and whose branches are the
questions, it costs a language model little more than one of them: a token attends to those that
lead to it, and its position is how many they are, so that each row is read as it would be alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LARGEST = 600  # tokens of a tree: what it attends to grows with their square
Ids = Sequence[int]


@dataclass(frozen=True, slots=True)
class Tree:
    """Rows laid over each other: each token with the place of the one before it, or -1.

    `paths` are the places of each row's tokens.
    """

    ids: list[int]
    parents: list[int]
    depths: list[int]
    paths: list[list[int]]

    @classmethod
    def of(cls, rows: Sequence[Ids]) -> Tree:
        """Lay rows over each other."""
        made = cls([], [], [], [])
        known: dict[tuple[int, int], int] = {}
        for row in rows:
            place, path = -1, []
            for depth, token in enumerate(row):
                step = (place, token)
                if step not in known:
                    known[step] = len(made.ids)
                    made.ids.append(token)
                    made.parents.append(place)
                    made.depths.append(depth)
                place = known[step]
                path.append(place)
            made.paths.append(path)
        return made

    def visible(self) -> NDArray[np.bool_]:
        """Return (n, n) which tokens each attends to: those that lead to it, and itself."""
        found = np.eye(len(self.ids), dtype=np.bool_)
        for place, parent in enumerate(self.parents):
            if parent >= 0:
                found[place] |= found[parent]
        return found


def size(rows: Sequence[Ids]) -> int:
    """Return of how many tokens the tree of sorted rows is."""
    pairs = itertools.pairwise([(), *rows])
    return sum(len(row) - shared(before, row) for before, row in pairs)


def shared(one: Ids, other: Ids) -> int:
    """Return how many tokens two rows begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def alike(rows: Sequence[Ids]) -> list[list[int]]:
    """Return the indices of rows that belong into one tree, tree by tree.

    Each row shares at least half of itself with the one before, and no tree is larger than
    `LARGEST`, but for a row that is so by itself.
    """
    found: list[list[int]] = []
    before: Ids = ()
    room = 0
    for index in sorted(range(len(rows)), key=lambda index: tuple(rows[index])):
        row = rows[index]
        new = len(row) - shared(before, row)
        if not found or 2 * new > len(row) or new > room:
            found.append([])
            room, new = LARGEST, len(row)
        found[-1].append(index)
        room -= new
        before = row
    return found


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees side by side: `ids` and `depths` (b, n), padded; `visible` (b, 1, n, n).

    `paths` are for each row, in the order in which they came, the places of its tokens among all
    b * n.
    """

    ids: Tensor
    depths: Tensor
    visible: Tensor
    paths: list[list[int]]

    @classmethod
    def of(cls, rows: Sequence[Ids], pad: int) -> Forest:
        """Plant rows, those that are alike in one tree."""
        groups = alike(rows)
        trees = [Tree.of([rows[index] for index in group]) for group in groups]
        width = max(len(tree.ids) for tree in trees)
        ids = torch.full((len(trees), width), pad)
        depths = torch.zeros((len(trees), width), dtype=torch.long)
        visible = torch.eye(width, dtype=torch.bool).repeat(len(trees), 1, 1, 1)
        paths: list[list[int]] = [[] for _ in rows]
        for number, (group, tree) in enumerate(zip(groups, trees, strict=True)):
            length = len(tree.ids)
            ids[number, :length] = torch.tensor(tree.ids)
            depths[number, :length] = torch.tensor(tree.depths)
            visible[number, 0, :length, :length] = torch.from_numpy(tree.visible())
            for index, path in zip(group, tree.paths, strict=True):
                paths[index] = [number * width + place for place in path]
        return cls(ids, depths, visible, paths)

    def mask(self, dtype: torch.dtype) -> Tensor:
        """Return what is added to the scores of attention (b, 1, n, n)."""
        hidden = torch.full((), torch.finfo(dtype).min, dtype=dtype)
        return torch.where(self.visible, torch.zeros((), dtype=dtype), hidden)
