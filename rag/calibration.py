"""Logistic models with named coefficients: features to probabilities.

The coefficients are fitted by `training/evidence.py` and kept in `weights/evidence.json`, one
group for each way of reading. This module does not know what the features mean.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray


def sigmoid(x: float) -> float:
    """Return the probability in [0, 1] for log-odds."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, x))))


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model: probability = 1 / (1 + exp(-(weights . features + bias)))."""

    weights: NDArray[np.float64]  # (f,)
    bias: float

    @classmethod
    def of(cls, coefficients: dict[str, float], names: Sequence[str]) -> Logistic:
        """Return the model for features in the order of `names`. KeyError when one has none."""
        weights = np.array([coefficients[name] for name in names], dtype=np.float64)
        return cls(weights, coefficients["bias"])

    def logits(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds (n,) for features (n, f)."""
        scores: NDArray[np.float64] = features @ self.weights + self.bias
        return scores

    def probability(self, features: NDArray[np.float64]) -> float:
        """Return the probability in [0, 1] for one row of features (f,)."""
        return sigmoid(float(self.logits(features[None, :])[0]))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a reader's features into judgements.

    `sentence`: does this sentence hold the answer? `passage`: does this passage? `answerable`: do
    the passages? `confidence`: is the best sentence the answer?
    """

    sentence: Logistic
    passage: Logistic
    answerable: Logistic
    confidence: Logistic

    @classmethod
    def load(
        cls, group: str, sentence: Sequence[str], passage: Sequence[str], verdict: Sequence[str]
    ) -> Calibration:
        """Read a group of the shipped coefficients, for features of these names."""
        file = resources.files("rag") / "weights" / "evidence.json"
        data = json.loads(file.read_text(encoding="utf-8"))[group]
        return cls(
            sentence=Logistic.of(data["sentence"], sentence),
            passage=Logistic.of(data["passage"], passage),
            answerable=Logistic.of(data["answerable"], verdict),
            confidence=Logistic.of(data["confidence"], verdict),
        )
