"""What the page's server answers beside the framework: style, script, pictures, a file being sent.

A file comes as the whole body of a request and is written as it arrives; its name and size are told
in the query, so that what may not come is known, and shown, before it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.requests import ClientDisconnect

from rag.errors import RagError, SourceError
from rag.page.pages import is_pdf, page_marks
from rag.page.pictures import picture
from rag.page.state import State
from rag.page.uploads import Upload
from rag.page.visitors import Visitor, token_of
from rag.types import Document

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

    @router.get("/page/picture")
    def page_picture(
        request: Request,
        document: str,
        page: int,
        quote: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        base = state.opening.bot
        token = token_of(request.headers.get("cookie", ""))
        if base is None or not token:
            return Response("There is nothing here.", 404)
        try:
            bot = state.visitors.get(token).over(base)
            data = pictured(bot.document(document), page, quote or [])
        except (KeyError, RagError):
            return Response("There is no such picture.", 404)
        return Response(data, media_type="image/png", headers={"cache-control": "private"})

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


def pictured(document: Document, page: int, quotes: Sequence[str]) -> bytes:
    """Return the picture of a document's page (from 0); `quotes` are offsets, "120-180".

    Raises SourceError where there is none.
    """
    marks = page_marks(document) if is_pdf(document) else []
    if not 0 <= page < len(marks):
        raise SourceError("There is no such page.")
    mark = marks[page]
    spans = [match for one in quotes[:20] if (match := re.fullmatch(r"(\d{1,9})-(\d{1,9})", one))]
    words = [
        document.text[max(int(span[1]), mark.start) : min(int(span[2]), mark.end)] for span in spans
    ]
    return picture(Path(document.source), mark.label, page, words)


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
