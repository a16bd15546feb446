"""One question's way through the stages: from the search to the checked answer.

What the stages read is one `Snapshot`, which does not change on the way. Where it came from, and
what else is done with an index, is `rag.pipeline`'s.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace

from rag import replies, smalltalk
from rag.abbreviations import abbreviated
from rag.citations import Claim, Verifier, cite, quoted
from rag.clock import Clock
from rag.comparing import comparison
from rag.contrast import contrasted
from rag.conversation import standalone
from rag.deciding import Decided, decided
from rag.errors import ModelError
from rag.gathering import gather, overlap
from rag.joining import together
from rag.naming import named
from rag.overview import asks_for_overview, overview_of
from rag.passages import sentences
from rag.polar import polar
from rag.prompts import EXAMPLES, answer_prompt
from rag.questions import asks_twice, parts, topic
from rag.rephrasing import interrogative
from rag.settings import Settings
from rag.snapshot import Models, Snapshot
from rag.speakers import asks_for_speakers, speakers
from rag.types import Answer, Event, Evidence, Hit, Reading

History = Sequence[tuple[str, str]]
"""Earlier turns, oldest first: (question, answer text)."""
log = logging.getLogger(__name__)


class Answering:
    """Answers questions from snapshots, with the models that they share."""

    def __init__(self, settings: Settings, models: Models) -> None:
        self.settings = settings
        self._models = models
        self._verifier = Verifier(settings.verifier, sentences, models.judge)

    @property
    def is_remote(self) -> bool:
        """Whether the generator is in another program."""
        return bool(getattr(self._models.generator, "remote", False))

    def stream(
        self, now: Snapshot, question: str, history: History, stop: threading.Event | None
    ) -> Iterator[Event]:
        """Yield stages, draft tokens, then the checked answer; see `Pipeline.stream`."""
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
        hits = now.retriever.retrieve(interrogative(asked))
        short_form = abbreviated(asked, (hit.text for hit in hits))
        if short_form != asked:
            asked = short_form
            hits = now.retriever.retrieve(interrogative(asked))
        clock.lap("search")

        yield Event("stage", "read")
        read = interrogative(asked)
        reading = now.reader.read(read, hits)
        clock.lap("read")

        if about := replies.several(topic(asked), reading.evidence):
            yield Event("answer", answer=self._quoted(now, question, about, reading, clock))
            return
        if found := self._compared(now, asked, reading):
            yield Event("answer", answer=self._decided(now, question, found, reading, clock))
            return
        if not reading.evidence or reading.answerable < self.settings.reader.min_answerable:
            yield Event("answer", answer=self._abstain(now, question, reading, clock))
            return
        yield from self._written(now, question, asked, reading, clock, stop)

    def _written(
        self,
        now: Snapshot,
        question: str,
        asked: str,
        reading: Reading,
        clock: Clock,
        stop: threading.Event | None,
    ) -> Iterator[Event]:
        """Let the generator draft an answer from what was read, and check it.

        Two things asked at once are quoted: a draft is apt to answer one of them.
        """
        yield Event("stage", "write")
        draft = notice = ""
        chosen = () if asks_twice(asked) else self._chosen(reading)
        try:
            for piece in self.write(interrogative(asked), chosen, stop) if chosen else ():
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

    def _told(self, now: Snapshot, question: str, clock: Clock, *, first: bool) -> Answer | None:
        """Answer what needs no search: small talk, and what the documents are about as a whole."""
        said = smalltalk.reply(question, now.library.documents)
        if said is not None:
            return Answer(question, said, False, 1.0, timings=clock.laps("write"))
        bare = smalltalk.without_greeting(question)
        phrase = overview_of(bare)
        about = named(phrase, now.library.documents()) if phrase else ()
        if about or asks_for_overview(bare, first=first):
            evidence = now.overview.evidence(about or None)
            return self._listed(now, question, [Claim(quoted(e), (e,)) for e in evidence], clock)
        kind = asks_for_speakers(bare)
        people = speakers(now.library, kind) if kind is not None else ()
        claims = [Claim(one.sentence, (one.evidence,)) for one in people]
        return self._listed(now, question, claims, clock) if claims else None

    def _listed(
        self, now: Snapshot, question: str, claims: Sequence[Claim], clock: Clock
    ) -> Answer:
        """Answer by quotes that were found without a search; abstain where there are none."""
        evidence = [e for claim in claims for e in claim.evidence]
        text, citations = cite(claims, now.place)
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

    def write(
        self, question: str, evidence: Sequence[Evidence], stop: threading.Event | None
    ) -> Iterator[str]:
        """Yield pieces of a draft from the evidence."""
        messages = answer_prompt(
            question,
            [e.quote for e in evidence],
            budget=self.settings.generator.max_prompt_tokens,
            count=self._models.generator.count,
            examples=() if getattr(self._models.generator, "adapted", False) else EXAMPLES,
        )
        # one model, one draft at a time; a server has its own queue
        with nullcontext() if self.is_remote else self._models.writing:
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

    def _compared(self, now: Snapshot, asked: str, reading: Reading) -> Decided | None:
        """Decide between two things, or set them beside each other; None where nothing is."""
        judge, both, compared = self._models.judge, polar(asked), comparison(asked)
        if judge is not None and both is not None:
            return decided(both, reading, judge, now.reader.read)
        if compared is None:
            return None

        def ask(question: str) -> Reading:
            return now.reader.read(question, now.retriever.retrieve(question))

        return contrasted(compared, ask, self.settings.reader.min_answerable)

    def _decided(
        self, now: Snapshot, question: str, found: Decided, reading: Reading, clock: Clock
    ) -> Answer:
        claims = [Claim(quoted(one), (one,)) for one in found.evidence]
        answer = self._quoted(now, question, claims, reading, clock)
        text = f"{found.opening} {answer.text}".strip()
        return replace(answer, text=text, confidence=found.confidence, short=found.short)

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
