"""Models fitted on features: here on made-up ones, whose right weights are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.fitting import DIVISIONS, FOLDS, average, fit, fit_order, fold_of

Group = tuple[NDArray[np.float64], NDArray[np.int64]]


def groups(count: int) -> list[Group]:
    """Return groups of five rows: what all rows of a group share, and what the right one has more.

    The right one has 2 more in the second column than the others have in the mean; a group has as
    many right ones as its shared number says, one or four.
    """
    random = np.random.default_rng(0)
    made = []
    for i in range(count):
        right = 1 if i % 2 else 4
        rows = np.stack([np.full(5, float(right)), random.normal(size=5)], axis=1)
        labels = np.zeros(5, dtype=np.int64)
        labels[random.permutation(5)[:right]] = 1
        rows[labels == 1, 1] += 2
        made.append((rows, labels))
    return made


def test_an_order_is_fitted_within_groups() -> None:
    made = groups(200)
    model = fit_order(made)
    shared, own = model.weights
    assert own > 1
    assert abs(shared) < 0.01  # tells right from wrong, but no order
    first = [labels[int(np.argmax(model.logits(rows)))] for rows, labels in made]
    assert np.mean(first) > 0.9
    apart = fit(np.concatenate([g[0] for g in made]), np.concatenate([g[1] for g in made]))
    assert apart.weights[0] > 0.1


def test_the_log_odds_of_an_order_fit_the_labels() -> None:
    made = groups(400)
    model = fit_order(made)
    logits = np.concatenate([model.logits(rows) for rows, _ in made])
    labels = np.concatenate([labels for _, labels in made])
    assert np.mean(1 / (1 + np.exp(-logits))) == pytest.approx(labels.mean(), abs=0.01)


def test_groups_without_a_right_one_tell_no_order() -> None:
    made = groups(100)
    empty = [(rows + 5, np.zeros(5, dtype=np.int64)) for rows, _ in groups(20)]
    order = fit_order(made).weights
    ratio = fit_order([*made, *empty]).weights
    assert ratio[1] > 0
    assert abs(ratio[0] / ratio[1] - order[0] / order[1]) < 0.05


def test_each_division_parts_the_passages_anew_and_evenly() -> None:
    parts = [[fold_of(home, division) for home in range(2_000)] for division in range(DIVISIONS)]
    for part in parts:
        assert {part.count(fold) for fold in range(FOLDS)} <= set(range(430, 570))
    together = [
        [one[a] == one[a + 1] for a in range(1_999)] for one in parts
    ]  # which neighbours share a fold
    assert len({tuple(some) for some in together}) == DIVISIONS


def test_figures_are_means_over_divisions() -> None:
    assert average([{"a": 0.5, "b": 1.0}, {"a": 0.25, "b": 1.0}]) == {"a": 0.375, "b": 1.0}
