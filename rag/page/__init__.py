"""The chat page: `build` makes the web application, `serve` runs it.

It needs something that opens a `Bot` (`rag.Pipeline` is one) and `PageSettings`; it knows nothing
of how an answer is made. One public endpoint, `chat`, for programs:

    from gradio_client import Client
    Client("http://127.0.0.1:7860").predict("Who ...?", [["question", "answer"]], api_name="/chat")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.page.bot import Bot, Opener, Progress

if TYPE_CHECKING:
    from rag.page.server import build, serve

__all__ = ["Bot", "Opener", "Progress", "build", "serve"]


def __getattr__(name: str) -> Any:
    """Import what needs Gradio on first use: the server for programs does without it."""
    if name in ("build", "serve"):
        from rag.page import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
