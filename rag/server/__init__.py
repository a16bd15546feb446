"""The server for other programs: REST, OpenAI's interface, the Model Context Protocol.

`build` returns it as an ASGI application, with the page or without; `serve` runs it. Everybody who
asks shares one pipeline and one bound on how much is worked on (`rag.server.desk`).
"""

from rag.server.application import Server, build, serve

__all__ = ["Server", "build", "serve"]
