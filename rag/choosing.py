"""Which embedder and generator a setting asks for, by its form; the one place that knows them all.

An address is a server, a path that ends in `.gguf` a file for llama.cpp, anything else a folder or
a name of transformers' and sentence-transformers'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.completions import EndpointGenerator
from rag.embedder import Embedder, SentenceEmbedder
from rag.embeddings import EndpointEmbedder
from rag.generator import Generator, TransformersGenerator
from rag.llama import LlamaGenerator
from rag.models import is_gguf
from rag.settings import DEFAULT_EMBEDDER, is_address

if TYPE_CHECKING:
    from rag.settings import GeneratorSettings, ModelSettings

BUILT_IN = {"embedder": DEFAULT_EMBEDDER, "query_prefix": None, "passage_prefix": None}


def open_embedder(settings: ModelSettings) -> Embedder:
    """Open what embeds passages and questions; an endpoint is not contacted yet.

    Raises:
        ModelMissing, ModelDamaged: see `rag.models.locate`.
    """
    if is_address(settings.embedder):
        return EndpointEmbedder.open(settings)
    return SentenceEmbedder.open(settings)


def open_reading_embedder(settings: ModelSettings, embedder: Embedder) -> SentenceEmbedder:
    """Return what compares sentences with questions: always the built-in embedder.

    The reader's coefficients were fitted to its cosines, and another's lie elsewhere; and a server
    would be sent every sentence of every passage for each question. `embedder` is used itself
    where it is the built-in.

    Raises:
        ModelMissing, ModelDamaged: see `rag.models.locate`.
    """
    built_in = settings.model_copy(update=BUILT_IN)
    if isinstance(embedder, SentenceEmbedder) and all(
        getattr(settings, key) == value for key, value in BUILT_IN.items()
    ):
        return embedder
    return SentenceEmbedder.open(built_in)


def open_generator(settings: ModelSettings, generation: GeneratorSettings) -> Generator:
    """Open what writes; an endpoint is not contacted yet.

    Raises:
        ModelMissing, ModelDamaged: see `rag.models.locate`.
    """
    if is_address(settings.generator):
        return EndpointGenerator.open(settings, generation)
    if is_gguf(settings.generator):
        return LlamaGenerator.open(settings, generation)
    return TransformersGenerator.open(settings, generation)
