"""OpenAI's chat completions as values: what a request may hold, and what an answer becomes.

https://platform.openai.com/docs/api-reference/chat; nothing here knows of HTTP.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, Strict

from rag.page.sessions import plain
from rag.server.bodies import CitationBody, Words
from rag.types import Answer, Citation

MODEL = "rag"
"""The one model there is: the pipeline over its index."""
PIECE = re.compile(r"\s*\S+\s*")
MARKER = re.compile(r"\[(\d+)\]")


class Ignoring(BaseModel):
    """A part of a request; what is not named here is passed over, as other servers do."""

    model_config = ConfigDict(extra="ignore")


class Part(Ignoring):
    """A part of a message's content."""

    type: str
    text: Words | None = None


class Message(Ignoring):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Words | list[Part] | None = None

    @property
    def words(self) -> str:
        """The message's text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""

    @property
    def other(self) -> str:
        """The type of the first part that is not text; "" when all are."""
        parts = self.content if isinstance(self.content, list) else []
        return next((p.type for p in parts if p.type not in ("text", "refusal")), "")


class StreamOptions(Ignoring):
    """How to stream."""

    include_usage: bool = False


class ResponseFormat(Ignoring):
    """The form of an answer; only text is written here."""

    type: Literal["text"]


class Completion(Ignoring):
    """A request for an answer.

    Of the parameters that steer a language model none is obeyed: the answer is checked against
    the documents, and sampling is a setting of the server. They are passed over.
    """

    model: str = Field(description=f"`{MODEL}`, see `/v1/models`.", examples=[MODEL])
    messages: list[Message] = Field(
        min_length=1,
        max_length=500,
        description="The last one is the question; earlier ones of user and assistant are what "
        "was said before it. Those of system and developer are not obeyed.",
        examples=[[{"role": "user", "content": "Who founded the Zetas?"}]],
    )
    stream: Annotated[bool, Strict()] | None = Field(
        False, description="Send the answer as server-sent events, once it is checked."
    )
    stream_options: StreamOptions | None = None
    n: int | None = Field(1, ge=1, le=1, description="One answer a request.")
    temperature: float | None = Field(None, ge=0, le=2, description="Passed over.")
    max_tokens: int | None = Field(None, ge=1, description="Passed over.")
    response_format: ResponseFormat | None = None
    tool_choice: Literal["none", "auto"] | None = Field(None, description="No tool is called.")


class BadRequest(ValueError):
    """A request that is well formed and cannot be met; `param` names its part."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


def conversation(messages: list[Message]) -> tuple[str, list[tuple[str, str]]]:
    """Return the question, and the earlier turns as (question, answer without markers).

    Raises:
        BadRequest: the last message is not a user's, or one holds more than text.
    """
    for at, one in enumerate(messages):
        if one.role in ("user", "assistant") and one.other:
            raise BadRequest(f"Only text can be read, not {one.other!r}.", f"messages.{at}.content")
    if messages[-1].role != "user":
        raise BadRequest("The last message must be the user's: it is the question.", "messages")
    turns: list[tuple[str, str]] = []
    asked = ""
    for one in messages[:-1]:
        if one.role == "user":
            asked = one.words
        elif one.role == "assistant" and asked and one.words:
            turns.append((asked, plain(one.words)))
            asked = ""
    return messages[-1].words, turns


@dataclass(frozen=True, slots=True)
class Ticket:
    """What all parts of one completion share: its id, and the second it was asked."""

    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        """Return one chunk of a stream."""
        choice = {"index": 0, "delta": dict(delta), "finish_reason": finish, "logprobs": None}
        return self.form("chat.completion.chunk", choices=[choice])

    def form(self, kind: str, **more: Any) -> dict[str, Any]:
        """Return an object of OpenAI's with these members."""
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL, **more}


@dataclass(frozen=True, slots=True)
class Reply:
    """A checked answer on its way to a client of OpenAI's interface.

    `base` is the server's address, for links to documents. `title` gives the title of a document
    by its id, `count` the tokens of a text.
    """

    ticket: Ticket
    asked: Completion
    answer: Answer
    base: str
    title: Callable[[str], str]
    count: Callable[[str], int]

    def whole(self) -> dict[str, Any]:
        """Return the answer as one completion."""
        message = {
            "role": "assistant",
            "content": self.answer.text,
            "refusal": None,
            "annotations": self.annotations(),
        }
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return self.ticket.form(
            "chat.completion", choices=[choice], usage=self.usage(), rag=self.verdict()
        )

    def chunks(self) -> Iterator[dict[str, Any]]:
        """Yield the answer in pieces: words, annotations, the end, and the usage if asked for."""
        for piece in PIECE.findall(self.answer.text):
            yield self.ticket.chunk({"content": piece})
        listed = [{"index": i, **one} for i, one in enumerate(self.annotations())]
        if listed:
            yield self.ticket.chunk({"annotations": listed})
        end = self.ticket.chunk({}, finish="stop")
        yield {**end, "rag": self.verdict()}
        if self.asked.stream_options and self.asked.stream_options.include_usage:
            yield {**end, "choices": [], "usage": self.usage()}

    def annotations(self) -> list[dict[str, Any]]:
        """Return an annotation for each marker in the text, in order.

        `url_citation` is the kind that OpenAI's clients know: where the marker stands in the
        content, and a link. `file_citation` beside it has the quote and its exact place.
        """
        cited = {one.marker: one for one in self.answer.citations}
        return [
            self._annotation(cited[int(found[1])], found.start(), found.end())
            for found in MARKER.finditer(self.answer.text)
            if int(found[1]) in cited
        ]

    def _annotation(self, one: Citation, start: int, end: int) -> dict[str, Any]:
        title = self.title(one.document)
        if one.place.page:
            title = f"{title}, p. {one.place.page}"
        link = f"{self.base}/api/documents/{quote(one.document, safe='')}"
        body = CitationBody.of(one).model_dump(mode="json", exclude_defaults=True)
        return {
            "type": "url_citation",
            "url_citation": {
                "start_index": start,
                "end_index": end,
                "title": title,
                "url": f"{link}?start={one.start}&end={one.end}",
            },
            "file_citation": body,
        }

    def usage(self) -> dict[str, int]:
        """Return tokens of the messages that came and of the text that goes."""
        prompt = sum(self.count(one.words) for one in self.asked.messages)
        written = self.count(self.answer.text)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
        }

    def verdict(self) -> dict[str, Any]:
        """Return what OpenAI's form has no place for."""
        return {"abstained": self.answer.abstained, "confidence": self.answer.confidence}


def model() -> dict[str, Any]:
    """Return the model's card."""
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}
