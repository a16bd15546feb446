"""Text to vectors of length 1, so that an inner product is a cosine.

`Embedder` is the seam: anything with these three members can replace the built-in. The module
knows nothing of documents, passages or the index, and loads torch only when a model is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rag import models
from rag.threads import limit_threads
from rag.types import EmbedderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rag.settings import ModelSettings

BATCH = 32  # texts a forward pass
QUERY_PROMPTS = ("query", "search_query")
PASSAGE_PROMPTS = ("document", "passage", "corpus", "search_document")
"""What models call the prompts that were put before questions and passages in training."""


class Embedder(Protocol):
    """Turn texts into unit vectors; questions and passages may be treated differently."""

    @property
    def identity(self) -> EmbedderIdentity:
        """What must be equal for vectors to be comparable."""
        ...

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row a text, in order: (n, d), and (0, d) for no texts."""
        ...

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question: (d,)."""
        ...


class SentenceEmbedder:
    """Any sentence-transformers model, on the CPU."""

    def __init__(
        self, model: Any, identity: EmbedderIdentity, query: str = "", passage: str = ""
    ) -> None:
        """Take a model, and what is put before its questions and passages."""
        self.model = model
        self._identity = identity
        self._query = query
        self._passage = passage

    @classmethod
    def open(cls, settings: ModelSettings) -> SentenceEmbedder:
        """Load the embedder the settings name, from this machine only.

        What it puts before questions and passages is what its own `prompts` say, or the settings.

        Raises:
            ModelMissing, ModelDamaged: see `rag.models.locate`.
        """
        folder = models.locate(settings.embedder, settings)
        name, revision = models.embedder_version(settings)
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        limit_threads(settings.threads)
        model = SentenceTransformer(
            str(folder),
            device="cpu",
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
        identity = EmbedderIdentity(
            name=name,
            revision=revision,
            dimension=int(model.encode_query(["?"], show_progress_bar=False).shape[1]),
        )
        return cls(
            model,
            identity,
            prefix(settings.query_prefix, model.prompts, QUERY_PROMPTS),
            prefix(settings.passage_prefix, model.prompts, PASSAGE_PROMPTS),
        )

    @property
    def identity(self) -> EmbedderIdentity:
        """Name, revision and dimension of the model that is loaded."""
        return self._identity

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row a text: (n, d). Texts beyond the model's length are cut by it."""
        if not texts:
            return np.zeros((0, self._identity.dimension), dtype=np.float32)
        rows = self.model.encode_document(
            list(texts),
            prompt=self._passage,
            batch_size=BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return unit(rows)

    def words(self) -> frozenset[str]:
        """Return the whole words, in lower case, that the model's tokenizer knows: common ones.

        Empty for a model whose tokenizer lists none.
        """
        tokenizer = getattr(self.model, "tokenizer", None)
        if tokenizer is None or not hasattr(tokenizer, "get_vocab"):
            return frozenset()
        tokens = (token.strip("▁Ġ").lower() for token in tokenizer.get_vocab())
        return frozenset(token for token in tokens if token.isalpha())

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question: (d,)."""
        row = self.model.encode_query(
            [text], prompt=self._query, show_progress_bar=False, convert_to_numpy=True
        )
        vector: NDArray[np.float32] = unit(row)[0]
        return vector


def prefix(given: str | None, prompts: Mapping[str, str | None], names: Sequence[str]) -> str:
    """Return what is put before a text: what was given, else the model's own prompt of a name.

    An empty prompt counts as none: the library fills in empty ones where a model has others.
    """
    if given is not None:
        return given
    return next((found for name in names if (found := prompts.get(name))), "")


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1: (n, d) -> (n, d). A row of zeros stays as it is."""
    rows = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), dtype=np.float32)
