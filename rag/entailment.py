"""Whether a text supports a sentence, judged by a network of its own: for measuring, not answering.

It shares the base and the code of the trained reader but none of its training, so that what gates
an answer is not what marks it. It knows nothing of citations; it loads torch only when opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag import models
from rag.cross_encoder import CrossEncoder
from rag.settings import DEFAULT_EMBEDDER, ModelSettings

UPPER = 3  # layers of the encoder that were trained and are shipped
CLAIM = 96  # tokens of a sentence that are read; the premise has the rest of the row


class Entailment:
    """A trained judge of support."""

    def __init__(self, encoder: CrossEncoder) -> None:
        self._encoder = encoder

    @classmethod
    def open(cls, base: Path, weights: Path, threads: int = 0) -> Entailment:
        """Load the base encoder's folder and put the weights file's changes on it.

        Raises:
            ModelMissing: a file is not there.
            ModelDamaged: the weights are of another format, or were made for another base.
        """
        return cls(CrossEncoder.open(base, weights, threads, question=CLAIM, upper=UPPER))

    @classmethod
    def shipped(cls, settings: ModelSettings) -> Entailment | None:
        """Load the judge that comes with the package; None where its weights do not."""
        if not WEIGHTS.is_file():
            return None
        return cls.open(models.locate(DEFAULT_EMBEDDER, settings), WEIGHTS, settings.threads)

    def supports(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return the probability that the premise supports the claim: (premise, claim) -> (n,).

        In [0, 1]. Of a premise longer than a row the window that says most of the claim counts.
        """
        likely: NDArray[np.float64] = self._encoder.support(pairs)[:, 0]
        return likely


WEIGHTS = Path(str(resources.files("rag") / "weights" / "judge.safetensors"))
