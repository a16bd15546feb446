"""What travels in requests and answers: every body of the REST interface, with its description.

The keys of an answer are those of `rag ask --json`; a contract for programs.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from rag.types import Answer, Citation, Document, Hit, Place

MAX_TURNS = 50
MAX_TURN_CHARS = 20_000


def unicode(text: str) -> str:
    """Return a text; ValueError when it is not Unicode: JSON can spell half a character."""
    text.encode()
    return text


Words = Annotated[str, AfterValidator(unicode)]
Said = Annotated[Words, StringConstraints(max_length=MAX_TURN_CHARS)]
Turn = Annotated[tuple[Said, Said], Field(description="A question and the text of its answer.")]


class Body(BaseModel):
    """A body; unknown keys of a request are refused, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(Body):
    """A question, and what was said before it."""

    question: Words = Field(
        description="The question. Its greatest length is the setting "
        "`RAG_PAGE__MAX_QUESTION_CHARS` (characters).",
        examples=["Who founded the Zetas?"],
    )
    history: list[Turn] = Field(
        default_factory=list,
        max_length=MAX_TURNS,
        description="Earlier turns, oldest first, for follow-up questions.",
        examples=[[["Who founded the Zetas?", "Former Mexican military elites."]]],
    )


class Search(Body):
    """A search."""

    question: Words = Field(description="What to look for.", examples=["Who founded the Zetas?"])
    limit: int = Field(10, ge=1, le=100, description="Passages to return at most.")


class Placed(Body):
    """Where in its document something stands; keys are left out where they would be empty."""

    page: str = Field("", description='Page, or first and last page ("14-15").')
    headings: tuple[str, ...] = Field((), description="Headings above it, outermost first.")
    table: str = Field("", description="Caption or sheet name of the table it is in.")


def place(where: Place) -> dict[str, Any]:
    """Return a place as keys, without the empty ones."""
    known = {"page": where.page, "headings": where.headings, "table": where.table}
    return {key: value for key, value in known.items() if value}


class CitationBody(Placed):
    """A marker of the answer's text and the exact words it stands for."""

    marker: int = Field(description="The number between the brackets.", examples=[1])
    document: str = Field(description="Id of the document.")
    start: int = Field(description="First character of the quote in the document's text.")
    end: int = Field(description="Character after its last.")
    quote: str = Field(description="Exactly those characters.")

    @classmethod
    def of(cls, one: Citation) -> CitationBody:
        """Return a citation as a body."""
        return cls(
            marker=one.marker,
            document=one.document,
            start=one.start,
            end=one.end,
            quote=one.quote,
            **place(one.place),
        )


class PassageBody(Body):
    """A passage that was retrieved."""

    document: str = Field(description="Id of the document.")
    start: int = Field(description="First character of the passage in the document's text.")
    end: int = Field(description="Character after its last.")
    score: float = Field(description="Greater is better; orders the passages of one answer.")


class FoundBody(PassageBody, Placed):
    """A passage that was found, with its words."""

    title: str = Field(description="Title of the document.")
    text: str = Field(description="The passage's words.")

    @classmethod
    def of(cls, hit: Hit) -> FoundBody:
        """Return a hit as a body."""
        return cls(
            document=hit.document,
            start=hit.start,
            end=hit.end,
            score=hit.score,
            title=hit.passage.title,
            text=hit.text,
            **place(hit.passage.place),
        )


class Found(Body):
    """What a search found, best first."""

    passages: list[FoundBody]


class AnswerBody(Body):
    """A checked answer; every sentence of it was tested against the words it cites."""

    question: str
    text: str = Field(
        description="For display, with [1] markers.",
        examples=["The Zetas were founded by former Mexican military elites. [1]"],
    )
    abstained: bool = Field(description="True: the documents do not answer it; `text` says so.")
    confidence: float = Field(
        ge=0, le=1, description="Probability that the answer (or the abstention) is right."
    )
    citations: list[CitationBody] = Field(description="What each marker stands for.")
    passages: list[PassageBody] = Field(description="What was retrieved, best first.")
    timings: dict[str, float] = Field(
        description="Seconds a stage, and in `total`.", examples=[{"search": 0.02, "total": 1.3}]
    )

    notice: str = Field("", description="What the reader should know of how it came about, if any.")

    @classmethod
    def of(cls, answer: Answer) -> AnswerBody:
        """Return an answer as a body."""
        return cls(
            question=answer.question,
            text=answer.text,
            abstained=answer.abstained,
            confidence=answer.confidence,
            citations=[CitationBody.of(one) for one in answer.citations],
            passages=[
                PassageBody(document=h.document, start=h.start, end=h.end, score=h.score)
                for h in answer.passages
            ],
            timings=dict(answer.timings),
            notice=answer.notice,
        )


class DocumentBody(Body):
    """A document of the index, without its text."""

    id: str
    title: str
    source: str = Field(description="The path it was read from.")
    metadata: dict[str, str] = Field(description="What was found beside its text: date, author.")
    characters: int = Field(description="Length of its text.")

    @classmethod
    def of(cls, one: Document) -> DocumentBody:
        """Return a document as a body."""
        return cls(
            id=one.id,
            title=one.title,
            source=one.source,
            metadata=dict(one.metadata),
            characters=len(one.text),
        )


class Documents(Body):
    """Some of the documents, in the order they were read."""

    documents: list[DocumentBody]
    total: int = Field(description="How many there are in all.")


class Text(DocumentBody):
    """A document, and its text or a stretch of it."""

    start: int = Field(description="First character of `text` in the document's text.")
    end: int = Field(description="Character after its last.")
    text: str

    @classmethod
    def cut(cls, one: Document, start: int, end: int | None) -> Text:
        """Return a document with the characters from `start` to `end` that it has."""
        end = len(one.text) if end is None else min(end, len(one.text))
        start = min(start, end)
        return cls(
            **DocumentBody.of(one).model_dump(), start=start, end=end, text=one.text[start:end]
        )


class FileBody(Body):
    """What became of one uploaded file."""

    name: str = Field(examples=["report.pdf"])
    status: Literal["indexed", "updated", "unchanged", "skipped"]
    documents: list[str] = Field(description="Ids of the documents it holds.")
    reason: str = Field("", description="Why it was skipped.")


class Uploaded(Body):
    """What became of an upload, file by file, in the order they came."""

    files: list[FileBody]


class Alive(Body):
    """The process answers."""

    status: Literal["alive"]


class Ready(Body):
    """Models are loaded and the index is open."""

    status: Literal["ready"]
