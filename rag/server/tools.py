"""The Model Context Protocol: asking, searching and reading as tools of other programs' models.

https://modelcontextprotocol.io; results are the bodies of the REST interface.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from rag import __version__
from rag.errors import RagError
from rag.server.bodies import MAX_TURNS, AnswerBody, Found, Text, Turn, Words
from rag.server.desk import Desk
from rag.server.documents import look_up
from rag.server.questions import found

ABOUT = (
    "Questions over a collection of documents. `ask` answers with citations that are exact spans "
    "of the documents, or says that they don't answer it; `search` finds passages; "
    "`read_document` gives a document's own words, for instance around a citation."
)
READ_CHARS = 20_000
STAGES = ("search", "read", "write", "verify")
HARMLESS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

Lifespan = Callable[[MCPServer[None]], AbstractAsyncContextManager[None]]
"""What to hold while the server runs."""
Asked = Annotated[Words, Field(description="A question in plain words, best in English.")]
History = Annotated[
    list[Turn],
    Field(description="Earlier turns, oldest first, for follow-ups.", max_length=MAX_TURNS),
]
Limit = Annotated[int, Field(description="Passages to return at most.", ge=1, le=100)]
Id = Annotated[str, Field(description="A document's id, as a citation or passage names it.")]
Start = Annotated[int, Field(description="First character wanted.", ge=0)]
Length = Annotated[int, Field(description="How many characters.", ge=1, le=200_000)]


def build(desk: Desk, lifespan: Lifespan | None = None) -> MCPServer[None]:
    """Return the server of the tools; it answers before the models are loaded."""
    with _logging_untouched():
        server = MCPServer[None]("rag", instructions=ABOUT, version=__version__, lifespan=lifespan)

    @server.tool(title="Ask the documents", annotations=HARMLESS)
    async def ask(question: Asked, context: Context, history: History = []) -> AnswerBody:  # noqa: B006
        """Answer a question from the documents, or say that they don't answer it.

        `text` holds [1] markers; `citations` holds for each the exact quote and its place.
        `abstained` is true where the documents do not answer; `confidence` is the probability
        that the answer is right.
        """
        with told():
            await desk.opened()
            job = desk.ask(question, history)
            async with contextlib.aclosing(job.items()) as events:
                async for event in events:
                    if event is not None and event.answer is not None:
                        return AnswerBody.of(event.answer)
                    if event is not None and event.text in STAGES:
                        done = STAGES.index(event.text)
                        await context.report_progress(done, len(STAGES), event.text)
        raise ToolError("The answer was stopped.")

    @server.tool(title="Search the documents", annotations=HARMLESS)
    async def search(question: Asked, limit: Limit = 10) -> Found:
        """Find the passages for a question, best first, without answering it."""
        with told():
            await desk.opened()
            return await asyncio.to_thread(found, desk, question, limit)

    @server.tool(title="Read a document", annotations=HARMLESS)
    async def read_document(document: Id, start: Start = 0, length: Length = READ_CHARS) -> Text:
        """Return a document's text, or a stretch of it, with its title and where it comes from."""
        with told():
            bot = await desk.opened()
            whole = await asyncio.to_thread(look_up, bot, document)
            return Text.cut(whole, start, start + length)

    return server


@contextlib.contextmanager
def _logging_untouched() -> Iterator[None]:
    """Keep the root logger as it is: the library would set it up for the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn our errors into what a model is told of a tool that failed."""
    try:
        yield
    except RagError as error:
        raise ToolError(f"{error.message} {error.hint}".strip()) from error
