"""The one place that joins the stages: sources to index, question to checked answer.

`Pipeline.ask` consumes `Pipeline.stream`, so there is one path from a question to its answer; its
steps are `rag.answering`'s. What reads the index is joined in `rag.snapshot`, and how files come
into it is `rag.ingest`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rag.answering import Answering, History
from rag.choosing import open_embedder
from rag.errors import QuestionError
from rag.index import Index
from rag.ingest import Progress, Sources, build
from rag.rephrasing import interrogative
from rag.settings import Settings
from rag.snapshot import Models, Snapshot
from rag.types import Answer, Document, Event, Hit, IndexReport, Reading, Skipped

__all__ = ["INDEX", "SOURCES", "History", "Models", "Pipeline", "Progress", "build"]

SOURCES = Path("seeds")
INDEX = Path("index")


class Pipeline:
    """Answers questions over one index."""

    def __init__(self, settings: Settings, models: Models, index: Index) -> None:
        self.settings = settings
        self._models = models
        self._answering = Answering(settings, models)
        self._snapshot = Snapshot.of(index, models, settings)  # replaced whole, never changed
        self._updating = threading.RLock()

    @classmethod
    def open(
        cls,
        sources: Sources | None = None,
        index: str | Path | None = None,
        settings: Settings | None = None,
        *,
        progress: Progress | None = None,
    ) -> Pipeline:
        """Load the models and the index, building the index where it is missing.

        `sources` are files and folders; the index is brought up to date with exactly these. None
        opens the index as it is, and builds one from `seeds/` when there is none. `index` is the
        folder of the index, `index/` unless given.

        Raises:
            SourceMissing, SourceEmpty: there is nothing to build the index from.
            ModelError: a model is missing or damaged, or the embedder's server fails.
            StoreError: the index is damaged, busy, or made by another embedder.
        """
        settings = settings or Settings()
        folder = Path(index) if index is not None else INDEX
        embedder = open_embedder(settings.models)
        if sources is not None or not Index.exists(folder):
            chosen = [SOURCES] if sources is None else sources
            build(chosen, folder, settings, embedder=embedder, progress=progress)
        store = Index.open(folder, embedder.identity)
        return cls(settings, Models.open(settings, embedder), store)

    @property
    def index(self) -> Index:
        """The commit of the index that answers now begin with; it never changes by itself."""
        return self._snapshot.index

    def add(
        self, sources: Sources, *, progress: Progress | None = None
    ) -> tuple[IndexReport, tuple[Skipped, ...]]:
        """Read files and folders into this index, beside what it holds.

        A file's documents replace those the same path gave before; unchanged ones are neither cut
        nor embedded again. Answers begun before go on with the old commit, later ones see the
        new. Returns what changed, and what was left out and why.

        Raises:
            SourceMissing: a source does not exist.
            StoreError: another process is writing the index, or it is damaged.
        """
        with self._updating:
            done = build(
                sources,
                self.index.folder,
                self.settings,
                embedder=self._models.embedder,
                progress=progress,
                exactly=False,
            )
            self.refresh()
        return done

    def remove(self, ids: Sequence[str]) -> int:
        """Take documents out of the index by id; return how many. None may be left.

        Raises:
            KeyError: there is no document with one of these ids; nothing was changed.
            StoreError: another process is writing the index, or it is damaged.
        """
        with self._updating:
            count = Index.remove(self.index.folder, ids)
            self.refresh()
        return count

    def refresh(self) -> bool:
        """Move to the newest commit of the index; tell whether there was a newer one.

        Raises:
            StoreError: the index is gone, damaged, or now made by another embedder.
        """
        with self._updating:
            now = self.index
            if Index.newest(now.folder) == now.commit:
                return False
            index = Index.open(now.folder, self._models.embedder.identity)
            self._snapshot = Snapshot.of(index, self._models, self.settings)
        return True

    def over(self, folder: str | Path, *, create: bool = False) -> Pipeline:
        """Return a pipeline over another index that shares this one's models.

        With `create` an index without documents is made where there is none. Closing the new
        pipeline leaves the models, and this pipeline, open.

        Raises:
            IndexMissing: there is no index in the folder.
            StoreError: it is damaged, or made by another embedder.
        """
        embedder = self._models.embedder
        if create:
            Index.create(Path(folder), embedder, self.settings.passages.model_dump_json())
        index = Index.open(Path(folder), embedder.identity)
        return Pipeline(self.settings, self._models, index)

    def fork(self, folder: Path) -> Pipeline:
        """Copy the index, as it is now, to a folder without one; return a pipeline over the copy.

        What is added to the copy is not seen here. The models are shared.

        Raises:
            StoreError: the folder cannot be written.
        """
        self.index.copy(folder)
        return self.over(folder)

    def tuned(self, *, passages: int | None, min_answerable: float | None) -> Pipeline:
        """Return a pipeline over the same commit and models with other thresholds.

        `passages` are handed to the reader, `min_answerable` is the least probability of an
        answer; None leaves a value as it is. It does not see what is added later.
        """
        retriever, reader = self.settings.retriever, self.settings.reader
        if passages is not None:
            retriever = retriever.model_copy(update={"top_k": passages})
        if min_answerable is not None:
            reader = reader.model_copy(update={"min_answerable": min_answerable})
        settings = self.settings.model_copy(update={"retriever": retriever, "reader": reader})
        return Pipeline(settings, self._models, self.index)

    def read(self, question: str) -> Reading:
        """Return what the reader makes of a question, without answering it: hits and evidence.

        Raises:
            QuestionError: the question is empty or too long.
        """
        now = self._snapshot
        asked = interrogative(now.spelling.mended(self._checked(question)))
        return now.reader.read(asked, now.retriever.retrieve(asked))

    def ask(
        self, question: str, history: History = (), *, where: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the checked answer to a question.

        `where` leaves only the documents whose metadata has these values.

        Raises:
            QuestionError: the question is empty or longer than the page's bound.
        """
        answer = None
        for event in self.stream(question, history, where=where):
            answer = event.answer
        assert answer is not None  # the stream always ends with its answer
        return answer

    def stream(
        self,
        question: str,
        history: History = (),
        *,
        stop: threading.Event | None = None,
        where: Mapping[str, str] | None = None,
    ) -> Iterator[Event]:
        """Yield the answer as it is made: stages, draft tokens, then the checked answer.

        Setting `stop` ends the draft within 200 ms; what was drafted by then is checked as usual.
        Where the generator fails, the evidence is quoted without it and the answer has a `notice`.
        `where` leaves only the documents whose metadata has these values.

        Raises:
            QuestionError: the question is empty or too long.
            EndpointError: the embedder is behind an address, and its server fails.
        """
        question = self._checked(question)
        now = self._reading(where)  # one commit from the first stage to the last
        yield from self._answering.stream(now, question, history, stop)

    def search(
        self, question: str, more: int = 0, *, where: Mapping[str, str] | None = None
    ) -> tuple[Hit, ...]:
        """Return the passages for a question, best first, without answering it.

        The reader orders what it would be handed to answer; with `more`, so many others follow in
        the order in which they were found. `where` is as for `ask`.

        Raises:
            QuestionError: the question is empty or too long.
        """
        now = self._reading(where)
        question = interrogative(now.spelling.mended(self._checked(question)))
        hits = now.retriever.retrieve(question, more)
        read = self.settings.retriever.top_k
        return (*now.reader.read(question, hits[:read]).hits, *hits[read:])

    def count(self, text: str) -> int:
        """Return how many tokens of the language model a text has."""
        return self._models.generator.count(text)

    def warm_up(self) -> None:
        """Use every model once, so that the first question does not wait for what they set up.

        A generator behind an address is left alone: nothing is sent before somebody asks.
        """
        now = self._snapshot
        reading = now.reader.read("Who?", now.retriever.retrieve("Who?"))
        if self._answering.is_remote:
            return
        next(iter(self._answering.write("Who?", reading.evidence[:1], None)), None)

    def document(self, id: str) -> Document:
        """Return one document of the index. KeyError when it is not there."""
        return self.index.document(id)

    def documents(self) -> tuple[Document, ...]:
        """Return the documents of the index, in the order they were read."""
        return self.index.documents()

    def close(self) -> None:
        """Close the index; models that other pipelines share go on."""
        self.index.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reading(self, where: Mapping[str, str] | None) -> Snapshot:
        """Return what this answer is made from, whatever comes into the index meanwhile."""
        now = self._snapshot
        return now.only(where, self._models, self.settings) if where else now

    def _checked(self, question: str) -> str:
        question = question.strip()
        longest = self.settings.page.max_question_chars
        if not question:
            raise QuestionError("the question is empty", hint="ask something")
        if len(question) > longest:
            raise QuestionError(
                f"the question has {len(question)} characters; at most {longest} are read",
                hint="ask something shorter, or raise RAG_PAGE__MAX_QUESTION_CHARS",
            )
        return question
