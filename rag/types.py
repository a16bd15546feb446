"""The values that travel between stages: frozen, comparable, free of behaviour.

Every offset is a character offset into `Document.text` (Python string indices, end exclusive), so
`document.text[start:end]` is the quoted text for a passage, a sentence, an evidence and a citation
alike. Nothing here imports another module of the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["body", "title", "lead", "credit", "furniture"]
"""What a passage is: `furniture` (series blurbs, newsletter lines) and `credit` (who took the
picture) are kept and findable, but rank below `body`, `title` and `lead`."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a document's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}:{self.end}")


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start` to `end` (exclusive) of a document's text that its structure names.

    kind `heading`: the heading's line. `label` are its words and `level` its rank, from 1 (the
    greatest) to 6; it governs the text up to the next heading of its own rank or a greater one.
    kind `page`: the text of one page (of a presentation: one slide). `label` is its number as
    printed or counted.
    kind `table`: all rows of a table, as they are written into the text. `label` is its caption,
    or the name of its sheet.
    kind `row`: one row of a table.
    """

    kind: Literal["heading", "page", "table", "row"]
    start: int
    end: int
    label: str = ""
    level: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}:{self.end}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a passage or a quotation stands, for people; empty where the document has no marks.

    `headings` are those that govern it, outermost first. `page` is a page's label ("14"), or the
    first and the last one's ("14-15"). `table` is the caption or sheet name of the table it is in.
    """

    headings: tuple[str, ...] = ()
    page: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One source document.

    `id` is the `doc_id` of a JSON-lines row, else derived from the text, so that the same text
    has the same id on every machine. `source` is the path it came from, as the user gave it.
    `metadata` holds what was found beside the text: `credit`, `date`, `author`, `encoding`.
    `marks` are its headings, pages and tables, in order of where they start.
    """

    id: str
    text: str
    title: str = ""
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as a list of them shows it: without its text, which has `chars` characters."""

    id: str
    title: str
    source: str
    chars: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source, or a row of one, that was not taken as a document, and why.

    `source` is the path, followed by `:` and the line number for a row of a JSON-lines file.
    """

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of a document's text that is retrieved as one piece.

    `sentences` are in order, do not overlap, and lie inside `start:end`. `id` is derived from the
    document id and the offsets.
    """

    id: str
    document: str
    start: int
    end: int
    text: str
    sentences: tuple[Span, ...] = ()
    kind: Kind = "body"
    title: str = ""
    place: Place = Place()

    @property
    def context(self) -> str:
        """What stands above its words: the title, its headings and its table's name, each once."""
        names = dict.fromkeys((self.title, *self.place.headings, self.place.table))
        return " > ".join(name for name in names if name)

    def sentence(self, span: Span) -> str:
        """Return the words of one of this passage's sentences."""
        return self.text[span.start - self.start : span.end - self.start]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with the scores that brought it here.

    `score` orders hits (greater is better). `dense` is the cosine in [-1, 1] and `lexical` the
    BM25 score (>= 0, greater is better); None where that search did not return the passage.
    """

    passage: Passage
    score: float
    dense: float | None = None
    lexical: float | None = None

    @property
    def document(self) -> str:
        """The id of the passage's document."""
        return self.passage.document

    @property
    def start(self) -> int:
        """Where the passage starts in its document's text."""
        return self.passage.start

    @property
    def end(self) -> int:
        """Where the passage ends (exclusive)."""
        return self.passage.end

    @property
    def text(self) -> str:
        """The passage's words."""
        return self.passage.text


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a trained reader made of one passage.

    `relevance` and `answerable` are logits. `start:end` are the characters of the best answer span
    in the passage (0:0 for an empty passage); `span_score` is its logit above "no answer here", so
    that spans of different passages compare. `parts` are the best spans within the parts of the
    passage that were asked about: (start, end, score), the score -inf where there is none.
    """

    relevance: float
    answerable: float
    start: int
    end: int
    span_score: float
    parts: tuple[tuple[int, int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Rereading:
    """What the language model made of a text that may answer a question.

    `refusal` are the log-odds that it says that the text does not. `words` are what it would say
    otherwise. `own` is the mean log-probability of the tokens of these, and `given` that of the
    words that the reader points at, None where at none.
    """

    refusal: float
    words: str
    own: float
    given: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence (or a few in a row) of a passage, judged against a question.

    `score` is in [0, 1]: how likely this is what answers the question. `answer` is the narrower
    span inside `start:end` that holds the answer, when the reader can point at one.
    """

    passage: Passage
    start: int
    end: int
    score: float
    answer: Span | None = None

    @property
    def quote(self) -> str:
        """The evidence's exact words."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]

    @property
    def answer_text(self) -> str:
        """The words of the answer span; empty when the reader points at none."""
        if self.answer is None:
            return ""
        return self.passage.text[
            self.answer.start - self.passage.start : self.answer.end - self.passage.start
        ]

    @property
    def document(self) -> str:
        """The id of the document quoted."""
        return self.passage.document


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader made of a question and the hits: evidence best first, and two verdicts.

    `answerable` is the probability in [0, 1] that the hits hold the answer, `confidence` the
    probability that the first evidence is that answer. `hits` are the hits given, re-ranked.
    `missing` names what the question speaks of and no hit does.
    """

    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    answerable: float
    confidence: float
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker of the answer's text, resolved: `document text[start:end] == quote`."""

    marker: int
    document: str
    start: int
    end: int
    quote: str
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question got.

    `text` is for display and carries `[1]` markers, each of which is in `citations`. `confidence`
    is the probability in [0, 1] that the answer is right. `draft` is what the language model wrote
    before verification. `rejected` counts drafted sentences that did not pass. `timings` are
    seconds per stage, with their sum in `total`. `short` are the few words of a document that the
    reader points at, exactly as they stand there; where it abstained they are its best guess and
    no answer. `notice` says that the language model failed, and how, so that the evidence is
    quoted instead; "" where all went well.
    """

    question: str
    text: str
    abstained: bool
    confidence: float
    citations: tuple[Citation, ...] = ()
    passages: tuple[Hit, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    draft: str = ""
    rejected: int = 0
    short: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an answer being made.

    `stage` events name the stage that starts (`text`: search, read, write, verify); `token` events
    carry a piece of the draft, not yet verified; the one `answer` event comes last and carries the
    verified answer, which replaces the draft.
    """

    kind: Literal["stage", "token", "answer"]
    text: str = ""
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What makes two vectors comparable: an index built with another identity is of no use.

    `revision` is derived from the content of the model's files, so the same name with other
    weights is another identity; of a served model only the name is known. `dimension` is the length
    of a vector; `normalised` says that vectors have length 1, so that their inner product is their
    cosine.
    """

    name: str
    revision: str
    dimension: int
    normalised: bool = True


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file in an update of the index, and of how many documents from it.

    `reason` says why it was skipped. A row of a JSON-lines file that was skipped has an outcome
    of its own, with the line in its `source`.
    """

    source: str
    state: Literal["indexed", "updated", "unchanged", "removed", "skipped"]
    reason: str = ""
    documents: int = 0


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an update of the index did.

    Counts of documents, then of passages: in the index now, and embedded by this update. `files`
    accounts for every file that was read or was to be.
    """

    added: int
    updated: int
    unchanged: int
    removed: int
    passages: int
    embedded: int
    files: tuple[FileOutcome, ...] = ()
