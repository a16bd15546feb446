"""The one place that joins the stages: sources to index, question to checked answer.

`Pipeline.ask` consumes `Pipeline.stream`, so there is one path from a question to its answer. What
reads the index is joined in `rag.snapshot`, and how files come into it is `rag.ingest`'s.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from rag import replies, smalltalk
from rag.choosing import open_embedder
from rag.citations import Claim, Verifier, cite, quoted
from rag.conversation import standalone
from rag.errors import ModelError, QuestionError
from rag.gathering import gather, overlap
from rag.index import Index
from rag.ingest import Progress, Sources, build
from rag.joining import together
from rag.overview import asks_for_overview
from rag.passages import sentences
from rag.prompts import EXAMPLES, answer_prompt
from rag.questions import parts, topic
from rag.settings import Settings
from rag.snapshot import Models, Snapshot
from rag.types import Answer, Document, Event, Evidence, Hit, IndexReport, Reading, Skipped

__all__ = ["INDEX", "SOURCES", "History", "Models", "Pipeline", "Progress", "build"]

SOURCES = Path("seeds")
INDEX = Path("index")
History = Sequence[tuple[str, str]]
"""Earlier turns, oldest first: (question, answer text)."""
log = logging.getLogger(__name__)


class Pipeline:
    """Answers questions over one index."""

    def __init__(self, settings: Settings, models: Models, index: Index) -> None:
        self.settings = settings
        self._models = models
        self._verifier = Verifier(settings.verifier, sentences, models.judge)
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
        asked = now.spelling.mended(self._checked(question))
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
        clock = Clock()
        told = self._told(now, question, clock, first=not history)
        if told is not None:
            yield Event("answer", answer=told)
            return
        asked = standalone(smalltalk.without_greeting(question), history)
        asked = now.spelling.mended(asked)
        several = parts(asked)
        if len(several) == 1:
            yield from self._one(now, question, asked, clock, stop)
        else:
            yield from self._each(now, question, several, history, stop)

    def _each(
        self,
        now: Snapshot,
        question: str,
        several: Sequence[str],
        history: History,
        stop: threading.Event | None,
    ) -> Iterator[Event]:
        """Answer the parts of a question one after the other, each in the light of those before."""
        turns, answers = list(history), []
        for part in several:
            asked = now.spelling.mended(standalone(part, turns))
            for event in self._one(now, part, asked, Clock(), stop):
                if event.answer is None:
                    yield event
                else:
                    answers.append(event.answer)
            turns.append((part, answers[-1].text))
        yield Event("answer", answer=together(question, answers))

    def _one(
        self,
        now: Snapshot,
        question: str,
        asked: str,
        clock: Clock,
        stop: threading.Event | None,
    ) -> Iterator[Event]:
        """Answer what asks for one thing; `asked` is the question made to stand alone."""
        yield Event("stage", "search")
        hits = now.retriever.retrieve(asked)
        clock.lap("search")

        yield Event("stage", "read")
        reading = now.reader.read(asked, hits)
        evidence = self._chosen(reading)
        clock.lap("read")

        if several := replies.several(topic(asked), reading.evidence):
            yield Event("answer", answer=self._quoted(now, question, several, reading, clock))
            return

        if not evidence or reading.answerable < self.settings.reader.min_answerable:
            yield Event("answer", answer=self._abstain(now, question, reading, clock))
            return

        yield Event("stage", "write")
        draft = notice = ""
        try:
            for piece in self._write(asked, evidence, stop):
                draft += piece
                yield Event("token", piece)
        except ModelError as error:
            notice = unwritten(error)
        clock.lap("write")

        yield Event("stage", "verify")
        written = "" if notice else draft
        verified = self._verifier.verify(asked, written, reading.evidence[:10])
        text, citations = cite(
            completed(verified.claims, gather(asked, reading.evidence)), now.place
        )
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
                notice=notice,
            ),
        )

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
        question = now.spelling.mended(self._checked(question))
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
        if self._is_remote:
            return
        next(iter(self._write("Who?", reading.evidence[:1], None)), None)

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

    @property
    def _is_remote(self) -> bool:
        return bool(getattr(self._models.generator, "remote", False))

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

    def _told(self, now: Snapshot, question: str, clock: Clock, *, first: bool) -> Answer | None:
        """Answer what needs no search: small talk, and what the documents are about as a whole."""
        said = smalltalk.reply(question, now.library.documents)
        if said is not None:
            return Answer(question, said, False, 1.0, timings=clock.laps("write"))
        if not asks_for_overview(smalltalk.without_greeting(question), first=first):
            return None
        evidence = now.overview.evidence()
        text, citations = cite([Claim(quoted(e), (e,)) for e in evidence], now.place)
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
            count=self._models.generator.count,
            examples=() if getattr(self._models.generator, "adapted", False) else EXAMPLES,
        )
        # one model, one draft at a time; a server has its own queue
        with nullcontext() if self._is_remote else self._models.writing:
            yield from self._models.generator.stream(messages, stop=stop)

    def _quoted(
        self, now: Snapshot, question: str, claims: Sequence[Claim], reading: Reading, clock: Clock
    ) -> Answer:
        text, citations = cite(claims, now.place)
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

    def _abstain(self, now: Snapshot, question: str, reading: Reading, clock: Clock) -> Answer:
        claims = replies.nearest(reading)
        cited, citations = cite(claims, now.place)
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


def unwritten(error: ModelError) -> str:
    """Log why the generator failed, and return what the answer says of it.

    Whoever asks is told the kind of failure; addresses and what a server said are the operator's.
    """
    notice = f"the language model failed ({type(error).__name__}), so the evidence is quoted"
    log.warning("%s: %s; %s", notice, error.message, error.hint)
    return notice


def short(reading: Reading) -> str:
    """Return the words that the reader points at in the best evidence; "" where at none."""
    return reading.evidence[0].answer_text if reading.evidence else ""


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
