"""What is loaded once, and the parts that read one commit of an index: they change together.

`Models` may serve many indexes. A `Snapshot` joins the stages that look into an index over one
open `Index`; a new commit is a new snapshot, and whoever still uses an old one keeps it open.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

from rag import models
from rag.choosing import open_embedder, open_generator, open_reading_embedder
from rag.cross_encoder import CrossEncoder
from rag.embedder import Embedder
from rag.generator import Generator, TransformersGenerator
from rag.index import Index
from rag.overview import Library, Overview
from rag.places import Places
from rag.reader import Reader, SentenceReader
from rag.rereading import Rereader
from rag.retriever import Retriever
from rag.settings import DEFAULT_EMBEDDER, Settings
from rag.spelling import Spelling
from rag.types import Evidence, Place


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that takes seconds to load and knows no index.

    `embedder` makes the vectors of the index, `comparer` those by which sentences are compared with
    questions: the same one where it is None. `known` are common words, in lower case, that are
    never misspelt. `writing` is held while a draft is written: one model, one draft at a time.
    """

    embedder: Embedder
    generator: Generator
    judge: CrossEncoder | None = None
    known: frozenset[str] = frozenset()
    writing: threading.Lock = field(default_factory=threading.Lock)
    comparer: Embedder | None = None

    @classmethod
    def open(cls, settings: Settings, embedder: Embedder | None = None) -> Models:
        """Load the models that the settings name.

        Raises:
            ModelError: a model is missing or damaged.
        """
        embedder = embedder or open_embedder(settings.models)
        comparer = open_reading_embedder(settings.models, embedder)
        judge = open_judge(settings)
        generator = open_generator(settings.models, settings.generator)
        return cls(embedder, generator, judge, comparer.words(), comparer=comparer)

    @property
    def reading(self) -> Embedder:
        """What compares sentences with questions."""
        return self.comparer or self.embedder

    @property
    def rereader(self) -> Rereader | None:
        """The generator, if it was trained to say whether a text answers."""
        generator = self.generator
        if isinstance(generator, TransformersGenerator) and generator.adapted:
            return generator
        return None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The stages that read one commit of an index.

    `library` are the documents that answers come from: the index, or a selection of it.
    """

    index: Index
    library: Library
    retriever: Retriever
    reader: Reader
    overview: Overview
    spelling: Spelling

    @classmethod
    def of(cls, index: Index, models: Models, settings: Settings) -> Snapshot:
        """Join the stages over an index."""
        return cls(
            index,
            index,
            Retriever(index, models.embedder, settings.retriever),
            SentenceReader.open(
                models.reading, index, settings.reader, models.judge, models.rereader
            ),
            Overview(index, models.reading),
            Spelling(index, models.known),
        )

    def place(self, evidence: Evidence) -> Place:
        """Return where a quotation stands: one page, where its passage goes over two."""
        if evidence.passage.place == Place():
            return Place()
        marks = self.index.document(evidence.document).marks
        return Places(marks).of(evidence.start, evidence.end)

    def only(self, where: Mapping[str, str], models: Models, settings: Settings) -> Snapshot:
        """Return the same stages over the documents whose metadata match, of the same commit."""
        selection = self.index.matching(where)
        return replace(
            self,
            library=selection,
            retriever=Retriever(selection, models.embedder, settings.retriever),
            overview=Overview(selection, models.reading),
        )


def open_judge(settings: Settings) -> CrossEncoder | None:
    """Load the trained reader; None when it is switched off or its weights are not there.

    It stands on the built-in embedder's encoder, whichever embedder made the index.
    """
    weights = Path(str(resources.files("rag") / "weights" / "reader.safetensors"))
    if not settings.reader.trained or not weights.is_file():
        return None
    base = models.locate(DEFAULT_EMBEDDER, settings.models)
    return CrossEncoder.open(base, weights, settings.models.threads)
