"""The chat page: `build` makes the web application, `serve` runs it.

It needs something that opens a `Bot` (`rag.Pipeline` is one) and `PageSettings`; it knows nothing
of how an answer is made. One public endpoint, `chat`, for programs:

    from gradio_client import Client
    Client("http://127.0.0.1:7860").predict("Who ...?", [["question", "answer"]], api_name="/chat")
"""

from rag.page.bot import Bot, Opener, Progress
from rag.page.server import build, serve

__all__ = ["Bot", "Opener", "Progress", "build", "serve"]
