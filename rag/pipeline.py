"""The one place that joins the stages: sources to index, question to checked answer.

`Pipeline.ask` consumes `Pipeline.stream`, so there is one path from a question to its answer. Each
stage is known here by its Protocol; which implementation is used is decided in `Pipeline.open`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path

from rag import documents, models, replies, smalltalk
from rag.citations import Claim, Verifier, cite, quoted
from rag.conversation import standalone
from rag.cross_encoder import CrossEncoder
from rag.embedder import Embedder, SentenceEmbedder
from rag.errors import QuestionError, SourceEmpty
from rag.gathering import gather, overlap
from rag.generator import Generator, TransformersGenerator
from rag.index import Index
from rag.overview import Overview, asks_for_overview
from rag.passages import sentences, split
from rag.prompts import EXAMPLES, answer_prompt
from rag.questions import topic
from rag.reader import Reader, SentenceReader
from rag.retriever import Retriever
from rag.settings import DEFAULT_EMBEDDER, Settings
from rag.spelling import Spelling
from rag.types import Answer, Document, Event, Evidence, Hit, IndexReport, Reading, Skipped

SOURCES = Path("seeds")
INDEX = Path("index")
Progress = Callable[[str, int, int], None]
"""Called with a stage's name, and how many of how many of its steps are done."""
History = Sequence[tuple[str, str]]
"""Earlier turns, oldest first: (question, answer text)."""


class Pipeline:
    """Answers questions over one index."""

    def __init__(
        self,
        settings: Settings,
        index: Index,
        retriever: Retriever,
        reader: Reader,
        generator: Generator,
        verifier: Verifier,
        overview: Overview,
        spelling: Spelling | None = None,
    ) -> None:
        self.settings = settings
        self.index = index
        self._retriever = retriever
        self._reader = reader
        self._generator = generator
        self._verifier = verifier
        self._overview = overview
        self._spelling = spelling or Spelling(index)
        self._writing = threading.Lock()

    @classmethod
    def open(
        cls,
        sources: Sequence[str | Path] | str | Path | None = None,
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
            ModelError: a model is missing or damaged.
            StoreError: the index is damaged, busy, or made by another embedder.
        """
        settings = settings or Settings()
        folder = Path(index) if index is not None else INDEX
        embedder = SentenceEmbedder.open(settings.models)
        if sources is not None or not Index.exists(folder):
            chosen = [SOURCES] if sources is None else sources
            build(chosen, folder, settings, embedder=embedder, progress=progress)
        store = Index.open(folder, embedder.identity)
        judge = open_judge(settings)
        return cls(
            settings,
            store,
            Retriever(store, embedder, settings.retriever),
            SentenceReader.open(embedder, store, settings.reader, judge),
            TransformersGenerator.open(settings.models, settings.generator),
            Verifier(settings.verifier, sentences, judge),
            Overview(store, embedder),
            Spelling(store, embedder.words()),
        )

    def ask(self, question: str, history: History = ()) -> Answer:
        """Return the checked answer to a question.

        Raises:
            QuestionError: the question is empty or longer than the page's bound.
        """
        answer = None
        for event in self.stream(question, history):
            answer = event.answer
        assert answer is not None  # the stream always ends with its answer
        return answer

    def stream(
        self, question: str, history: History = (), *, stop: threading.Event | None = None
    ) -> Iterator[Event]:
        """Yield the answer as it is made: stages, draft tokens, then the checked answer.

        Setting `stop` ends the draft within 200 ms; what was drafted by then is checked as usual.

        Raises:
            QuestionError: the question is empty or too long.
        """
        question = self._checked(question)
        clock = Clock()
        told = self._told(question, clock, first=not history)
        if told is not None:
            yield Event("answer", answer=told)
            return
        yield Event("stage", "search")
        asked = standalone(smalltalk.without_greeting(question), history)
        asked = self._spelling.mended(asked)
        hits = self._retriever.retrieve(asked)
        clock.lap("search")

        yield Event("stage", "read")
        reading = self._reader.read(asked, hits)
        evidence = self._chosen(reading)
        clock.lap("read")

        if several := replies.several(topic(asked), reading.evidence):
            yield Event("answer", answer=self._quoted(question, several, reading, clock))
            return

        if not evidence or reading.answerable < self.settings.reader.min_answerable:
            yield Event("answer", answer=self._abstain(question, reading, clock))
            return

        yield Event("stage", "write")
        draft = ""
        for piece in self._write(asked, evidence, stop):
            draft += piece
            yield Event("token", piece)
        clock.lap("write")

        yield Event("stage", "verify")
        verified = self._verifier.verify(asked, draft, reading.evidence[:10])
        text, citations = cite(completed(verified.claims, gather(asked, reading.evidence)))
        yield Event(
            "answer",
            answer=Answer(
                question=question,
                text=text,
                abstained=False,
                confidence=reading.confidence,
                citations=citations,
                passages=reading.hits,
                timings=clock.laps("verify"),
                draft=draft,
                rejected=verified.rejected,
                short=short(reading),
            ),
        )

    def search(self, question: str, more: int = 0) -> tuple[Hit, ...]:
        """Return the passages for a question, best first, without answering it.

        The reader orders what it would be handed to answer; with `more`, so many others follow in
        the order in which they were found.

        Raises:
            QuestionError: the question is empty or too long.
        """
        question = self._spelling.mended(self._checked(question))
        hits = self._retriever.retrieve(question, more)
        read = self.settings.retriever.top_k
        return (*self._reader.read(question, hits[:read]).hits, *hits[read:])

    def count(self, text: str) -> int:
        """Return how many tokens of the language model a text has."""
        return self._generator.count(text)

    def warm_up(self) -> None:
        """Use every model once, so that the first question does not wait for what they set up."""
        reading = self._reader.read("Who?", self._retriever.retrieve("Who?"))
        next(iter(self._write("Who?", reading.evidence[:1], None)), None)

    def document(self, id: str) -> Document:
        """Return one document of the index. KeyError when it is not there."""
        return self.index.document(id)

    def documents(self) -> tuple[Document, ...]:
        """Return the documents of the index, in the order they were read."""
        return self.index.documents()

    def close(self) -> None:
        """Close the index."""
        self.index.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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

    def _told(self, question: str, clock: Clock, *, first: bool) -> Answer | None:
        """Answer what needs no search: small talk, and what the documents are about as a whole."""
        said = smalltalk.reply(question, self.documents)
        if said is not None:
            return Answer(question, said, False, 1.0, timings=clock.laps("write"))
        if not asks_for_overview(smalltalk.without_greeting(question), first=first):
            return None
        evidence = self._overview.evidence()
        text, citations = cite([Claim(quoted(e), (e,)) for e in evidence])
        return Answer(
            question=question,
            text=text,
            abstained=not evidence,
            confidence=min((e.score for e in evidence), default=0.0),
            citations=citations,
            passages=tuple(Hit(e.passage, e.score) for e in evidence),
            timings=clock.laps("read"),
        )

    def _chosen(self, reading: Reading) -> tuple[Evidence, ...]:
        """Return what is written from: the best evidence and what comes near it."""
        chosen = reading.evidence[: self.settings.reader.max_evidence]
        least = self.settings.reader.min_share * (chosen[0].score if chosen else 0)
        return tuple(e for e in chosen if e.score >= least)

    def _write(
        self, question: str, evidence: Sequence[Evidence], stop: threading.Event | None
    ) -> Iterator[str]:
        messages = answer_prompt(
            question,
            [e.quote for e in evidence],
            budget=self.settings.generator.max_prompt_tokens,
            count=self._generator.count,
            examples=() if getattr(self._generator, "adapted", False) else EXAMPLES,
        )
        with self._writing:  # one model, one draft at a time
            yield from self._generator.stream(messages, stop=stop)

    def _quoted(
        self, question: str, claims: Sequence[Claim], reading: Reading, clock: Clock
    ) -> Answer:
        text, citations = cite(claims)
        return Answer(
            question=question,
            text=text,
            abstained=False,
            confidence=reading.confidence,
            citations=citations,
            passages=reading.hits,
            timings=clock.laps("write"),
            short=short(reading),
        )

    def _abstain(self, question: str, reading: Reading, clock: Clock) -> Answer:
        claims = replies.nearest(reading)
        cited, citations = cite(claims)
        return Answer(
            question=question,
            text=replies.abstention(reading.missing, cited),
            abstained=True,
            confidence=1 - reading.answerable,
            citations=citations,
            passages=reading.hits,
            timings=clock.laps(),
            short=short(reading),
        )


def completed(claims: Sequence[Claim], gathered: Sequence[Evidence]) -> tuple[Claim, ...]:
    """Return the claims, and in its own words the gathered evidence that none of them cites."""
    cited = [e for claim in claims for e in claim.evidence]
    missed = [e for e in gathered[1:] if not any(overlap(e, one) for one in cited)]
    return (*claims, *(Claim(quoted(e), (e,)) for e in missed))


def short(reading: Reading) -> str:
    """Return the words that the reader points at in the best evidence; "" where at none."""
    return reading.evidence[0].answer_text if reading.evidence else ""


def open_judge(settings: Settings) -> CrossEncoder | None:
    """Load the trained reader; None when it is switched off or its weights are not there.

    It stands on the built-in embedder's encoder, whichever embedder made the index.
    """
    weights = Path(str(resources.files("rag") / "weights" / "reader.safetensors"))
    if not settings.reader.trained or not weights.is_file():
        return None
    base = models.locate(DEFAULT_EMBEDDER, settings.models)
    return CrossEncoder.open(base, weights, settings.models.threads)


def build(
    sources: Sequence[str | Path] | str | Path,
    folder: Path,
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> tuple[IndexReport, tuple[Skipped, ...]]:
    """Bring the index at `folder` up to date with exactly these sources.

    Returns what changed, and which files were left out and why.

    Raises:
        SourceMissing, SourceEmpty, ModelError, IndexBusy: see `Pipeline.open`.
    """
    chosen = [sources] if isinstance(sources, str | Path) else list(sources)
    embedder = embedder or SentenceEmbedder.open(settings.models)
    skipped: list[Skipped] = []

    def read() -> Iterator[Document]:
        for item in documents.read(chosen):
            if isinstance(item, Skipped):
                skipped.append(item)
            else:
                yield item

    try:
        report = Index.update(
            folder,
            read(),
            split=lambda document: split(document, settings.passages),
            recipe=settings.passages.model_dump_json(),
            embedder=embedder,
            progress=(lambda done, total: progress("embed", done, total)) if progress else None,
        )
    except SourceEmpty as error:
        if skipped:
            reasons = "; ".join(f"{s.source}: {s.reason}" for s in skipped[:3])
            raise SourceEmpty(error.message, hint=f"left out: {reasons}") from error
        raise
    return report, tuple(skipped)


class Clock:
    """Seconds since the last lap, by stage."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Book the time since the last lap to a stage."""
        now = time.perf_counter()
        self._laps[stage] = now - self._last
        self._last = now

    def laps(self, stage: str = "") -> dict[str, float]:
        """Return seconds a stage and in `total`, after booking a last stage if one is named."""
        if stage:
            self.lap(stage)
        return {**self._laps, "total": time.perf_counter() - self._start}
