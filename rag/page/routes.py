"""What the page's server answers beside the framework: style, script, and a file being sent.

A file comes as the whole body of a request and is written as it arrives; its name and size are told
in the query, so that what may not come is known, and shown, before it is sent.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.requests import ClientDisconnect

from rag.errors import RagError
from rag.page.state import State
from rag.page.uploads import Upload
from rag.page.visitors import Visitor, token_of

HERE = Path(__file__).parent
UPLOAD = "/page/upload"


def routes(state: State) -> APIRouter:
    """Return the page's own addresses."""
    router = APIRouter()

    @router.get("/page/style.css")
    def style() -> FileResponse:
        return FileResponse(HERE / "style.css", media_type="text/css")

    @router.get("/page/script.js")
    def script() -> FileResponse:
        return FileResponse(HERE / "script.js", media_type="text/javascript")

    @router.post(UPLOAD)
    async def upload(request: Request, name: str = "", size: int = -1) -> JSONResponse:
        token = token_of(request.headers.get("cookie", ""))
        if not token:
            return JSONResponse({"error": "Load the page first."}, 403)
        visitor = state.visitors.get(token)
        try:
            taken = visitor.take(name[:1_000], max(size, 0))
            if taken.over:
                return JSONResponse({"skipped": taken.reason})
            await receive(request, visitor, taken)
        except RagError as error:
            return JSONResponse({"error": f"{error.message} {error.hint}".strip()}, 429)
        done = next((u for u in visitor.uploads if u.number == taken.number), taken)
        if done.over:
            return JSONResponse({"skipped": done.reason})
        state.ingest.put(visitor, taken.number)
        return JSONResponse({"number": taken.number})

    return router


async def receive(request: Request, visitor: Visitor, upload: Upload) -> None:
    """Write the body of a request as the file of an upload; a wrong size makes it skipped."""
    got = 0
    reason = "It did not arrive whole."
    try:
        with visitor.path(upload).open("wb") as file:
            async for piece in request.stream():
                got += len(piece)
                if got > upload.size:
                    break
                file.write(piece)
    except ClientDisconnect:
        reason = "The page was closed before it arrived."
    except RagError as error:
        reason = error.message
        raise
    finally:
        if got != upload.size:
            visitor.skip(upload.number, reason)
