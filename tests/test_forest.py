"""Rows of tokens that begin alike, laid over each other."""

from random import Random

import pytest
import torch

from training.forest import LARGEST, Forest, Tree, alike, shared, size

TEXT = tuple(range(100, 140))
ROWS = [(*TEXT, 1, 2, 3), (*TEXT, 1, 2, 4, 5), (*TEXT[:30], 7, 8), (9, 8, 7)]


def test_what_rows_share_is_there_once_and_each_is_whole() -> None:
    tree = Tree.of(ROWS)
    assert len(tree.ids) == 40 + 3 + 2 + 2 + 3
    for row, path in zip(ROWS, tree.paths, strict=True):
        assert tuple(tree.ids[place] for place in path) == row
        assert [tree.depths[place] for place in path] == list(range(len(row)))


def test_a_token_sees_what_leads_to_it_and_nothing_else() -> None:
    tree = Tree.of(ROWS)
    visible = tree.visible()
    for path in tree.paths:
        for depth, place in enumerate(path):
            assert set(visible[place].nonzero()[0].tolist()) == set(path[: depth + 1])


def test_sorted_rows_have_the_size_of_their_tree() -> None:
    assert size(sorted(ROWS)) == len(Tree.of(ROWS).ids)
    assert size([]) == 0


@pytest.mark.parametrize(
    ("one", "other", "wanted"), [((), (1,), 0), ((1, 2), (1, 2, 3), 2), ((1, 2), (1, 3), 1)]
)
def test_shared_is_how_far_rows_agree(
    one: tuple[int, ...], other: tuple[int, ...], wanted: int
) -> None:
    assert shared(one, other) == shared(other, one) == wanted


def test_rows_that_share_half_of_themselves_are_in_one_tree() -> None:
    found = [sorted(tree) for tree in alike(ROWS)]
    assert sorted(found) == [[0, 1, 2], [3]]
    assert alike([]) == []


def test_no_tree_is_too_large_but_for_one_row() -> None:
    random = Random(0)
    rows = [(*TEXT, *(random.randrange(90) for _ in range(20))) for _ in range(100)]
    rows.append(tuple(range(1000, 1700)))
    trees = [sorted(rows[index] for index in tree) for tree in alike(rows)]
    assert sorted(row for tree in trees for row in tree) == sorted(rows)
    assert all(size(tree) <= LARGEST or len(tree) == 1 for tree in trees)
    assert len(trees) < 10


def test_a_forest_pads_its_trees_with_what_sees_only_itself() -> None:
    forest = Forest.of(ROWS, 0)
    count, width = forest.ids.shape
    assert (count, width) == (2, 47)
    flat = forest.ids.flatten()
    for row, path in zip(ROWS, forest.paths, strict=True):
        assert tuple(flat[path].tolist()) == row
        assert len({place // width for place in path}) == 1
    short = forest.paths[3][0] // width
    padding = forest.visible[short, 0, 3:]
    assert torch.equal(padding, torch.eye(width, dtype=torch.bool)[3:])
    mask = forest.mask(torch.bfloat16)
    assert torch.equal(mask == 0, forest.visible)
    assert torch.isfinite(mask).all()
