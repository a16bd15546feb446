"""REST: the documents of the index: listed, read, uploaded and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from rag.errors import DocumentMissing, SourceEmpty
from rag.server import problems
from rag.server.bodies import DocumentBody, Documents, FileBody, Text, Uploaded
from rag.server.desk import Desk, Library
from rag.server.uploads import Kept, Uploads, safe_name
from rag.types import Document, FileOutcome

FRESH = ("indexed", "updated")
Files = Annotated[list[UploadFile], File(description="One or more files.")]


def router(desk: Desk, uploads: Uploads) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/documents", tags=["documents"])

    @routes.get("", response_model=Documents)
    def documents(
        offset: Annotated[int, Query(ge=0, description="Documents to pass over.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000, description="Documents at most.")] = 100,
    ) -> Documents:
        """List the documents, in the order they were read."""
        known = desk.library().documents()
        shown = [DocumentBody.of(one) for one in known[offset : offset + limit]]
        return Documents(documents=shown, total=len(known))

    @routes.post("", response_model=Uploaded, response_model_exclude_defaults=True)
    def upload(files: Files, request: Request) -> Response:
        """Add files to the index, and keep them.

        A file whose name was uploaded before takes the earlier one's place. The answer says for
        each file what became of it; it is a problem (422) only when none could be read.
        """
        most = desk.settings.server.max_files
        if len(files) > most:
            raise HTTPException(413, f"An upload may have {most} files.")
        with uploads.lock:
            done = add(desk.library(), uploads, files)
        told = Uploaded(files=done).model_dump(mode="json", exclude_defaults=True)
        if all(one.status == "skipped" for one in done):
            said = "None of the files could be read."
            body = problems.problem(422, said, kind="source-error", **told)
            return problems.response(request.url.path, body)
        return JSONResponse(told, 201 if any(f.status in FRESH for f in done) else 200)

    @routes.get("/{id:path}", response_model=Text)
    def document(
        id: str,
        start: Annotated[int, Query(ge=0, description="First character wanted.")] = 0,
        end: Annotated[int | None, Query(ge=0, description="Character after the last.")] = None,
    ) -> Text:
        """Return a document with its text, or with a stretch of it."""
        return Text.cut(look_up(desk.library(), id), start, end)

    @routes.delete("/{id:path}", status_code=204)
    def delete(id: str) -> None:
        """Take a document out of the index; its file goes too if it was uploaded."""
        bot = desk.library()
        with uploads.lock:
            source = look_up(bot, id).source
            bot.remove([id])
            if all(one.source != source for one in bot.documents()):
                uploads.drop(source)

    return routes


def look_up(bot: Library, id: str) -> Document:
    """Return a document; DocumentMissing when there is none of that id."""
    try:
        return bot.document(id)
    except KeyError:
        raise DocumentMissing(
            f"There is no document {id!r}.", hint="GET /api/documents lists them."
        ) from None


def add(bot: Library, uploads: Uploads, files: Sequence[UploadFile]) -> list[FileBody]:
    """Keep the files and add them to the index; returns what became of each, in order."""
    kept: dict[str, Kept] = {}
    told: list[FileBody | str] = []  # a name stands for a file that was kept
    try:
        for file in files:
            name = safe_name(file.filename or "")
            if not name or name in kept:
                reason = "there is another file of this name" if name else "it has no usable name"
                told.append(_skipped(file.filename or "", reason))
                continue
            kept[name] = uploads.keep(name, file.file)
            told.append(name)
        became = _read(bot, [str(one.path) for one in kept.values()])
    except BaseException:
        for one in kept.values():
            uploads.undo(one)
        raise
    held: dict[str, list[str]] = {}
    for document in bot.documents():
        held.setdefault(document.source, []).append(document.id)
    done = {
        name: _outcome(name, became.get(str(one.path)), held.get(str(one.path), []))
        for name, one in kept.items()
    }
    _settle(bot, uploads, [(one, done[name].status != "skipped") for name, one in kept.items()])
    return [done[one] if isinstance(one, str) else one for one in told]


def _read(bot: Library, paths: Sequence[str]) -> dict[str, FileOutcome]:
    """Add the files to the index; returns what became of each, by its path."""
    if not paths:
        return {}
    try:
        return {one.source: one for one in bot.add(paths)[0].files}
    except SourceEmpty as error:  # not one could be opened
        return {path: FileOutcome(path, "skipped", error.hint) for path in paths}


def _outcome(name: str, became: FileOutcome | None, ids: list[str]) -> FileBody:
    if became is None or became.state in ("skipped", "removed"):
        reason = became.reason if became else "it was not read"
        return _skipped(name, reason.replace(became.source if became else name, name))
    return FileBody(name=name, status=became.state, documents=ids)


def _skipped(name: str, reason: str) -> FileBody:
    return FileBody(name=name, status="skipped", documents=[], reason=reason)


def _settle(bot: Library, uploads: Uploads, kept: Sequence[tuple[Kept, bool]]) -> None:
    """Keep the files that were taken; bring back what the others stood in the place of."""
    for one, taken in kept:
        (uploads.accept if taken else uploads.undo)(one)
    again = [str(one.path) for one, taken in kept if not taken and one.previous is not None]
    if again:
        bot.add(again)
