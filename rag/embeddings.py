"""Vectors from a server that has OpenAI's `/v1/embeddings`.

`EndpointEmbedder` is an `Embedder`. What leaves the machine is every passage when it is indexed
and every question; only to the address that was set. A server adds no prefixes, so the settings'
ones are put before the texts here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rag import models
from rag.embedder import unit
from rag.endpoint import Endpoint
from rag.types import EmbedderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rag.settings import ModelSettings

BATCH = 32  # texts a request
REPLY_BYTES = 1 << 25  # 32 vectors of 8,192 numbers take 6 MB
PROBE = "?"  # embedded once, to learn the length of a vector


class EndpointEmbedder:
    """An embedder behind an address; the length of its vectors is learnt on first use."""

    def __init__(self, endpoint: Endpoint, settings: ModelSettings) -> None:
        self._endpoint = endpoint
        self._query = settings.query_prefix or ""
        self._passage = settings.passage_prefix or ""
        self._name, self._revision = models.embedder_version(settings)
        self._dimension = 0

    @classmethod
    def open(cls, settings: ModelSettings) -> EndpointEmbedder:
        """Take the address and the model the settings name; nothing is contacted yet."""
        return cls(Endpoint("embedder", settings), settings)

    @property
    def identity(self) -> EmbedderIdentity:
        """The model's name and dimension, wherever it is served.

        Raises:
            EndpointError, ModelMissing: the server was asked for the dimension and failed.
        """
        if not self._dimension:
            self._dimension = self._embedded([PROBE]).shape[1]
        return EmbedderIdentity(self._name, self._revision, self._dimension)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row a text, in order: (n, d).

        Raises:
            EndpointError, ModelMissing: see `rag.endpoint`; also where a row is no vector.
        """
        if not texts:
            return np.zeros((0, self.identity.dimension), dtype=np.float32)
        prefixed = [f"{self._passage}{text}" for text in texts]
        parts = [self._embedded(part) for part in batches(prefixed)]
        return unit(np.concatenate(parts))

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question: (d,).

        Raises:
            EndpointError, ModelMissing: see `passages`.
        """
        vector: NDArray[np.float32] = unit(self._embedded([f"{self._query}{text}"]))[0]
        return vector

    def _embedded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what the server makes of at most `BATCH` texts: (n, d), as long as before."""
        asked = [text if text.strip() else PROBE for text in texts]  # servers refuse empty ones
        body = {"model": self._endpoint.model, "input": asked, "encoding_format": "float"}
        found = self._endpoint.reply("/embeddings", body, REPLY_BYTES)
        try:
            rows = vectors(found, len(texts))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._endpoint.nonsense(f"no vectors for {len(texts)} texts ({error})") from error
        if self._dimension and rows.shape[1] != self._dimension:
            raise self._endpoint.nonsense(
                f"vectors of {rows.shape[1]} numbers, where they had {self._dimension}"
            )
        self._dimension = rows.shape[1]
        return rows


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut texts into runs of at most `BATCH`."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def vectors(found: Any, count: int) -> NDArray[np.float32]:
    """Return the rows (count, d) of a reply, each in the place its `index` says.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: the reply has other rows, or what is no
            finite number.
    """
    data = list(found["data"])
    places = [row.get("index", i) for i, row in enumerate(data)]
    if sorted(places) != list(range(count)):
        raise ValueError(f"{len(data)} rows came")
    with np.errstate(over="ignore"):  # what is too great becomes infinite
        rows = np.array([row["embedding"] for row in data], dtype=np.float64).astype(np.float32)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise ValueError("they are empty or not finite")
    order: NDArray[np.float32] = rows[np.argsort(places)]
    return order
