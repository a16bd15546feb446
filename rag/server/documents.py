"""REST: the documents of the index: listed, read, uploaded and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from rag import documents as sources
from rag.errors import DocumentMissing, SourceEmpty
from rag.server import problems
from rag.server.bodies import DocumentBody, Documents, FileBody, Text, Uploaded
from rag.server.desk import Desk, Library
from rag.server.uploads import Kept, Uploads, safe_name
from rag.types import Document, Skipped

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
        return JSONResponse(told, 201 if any(f.status == "indexed" for f in done) else 200)

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
    before = {one.id for one in bot.documents()}
    try:
        for file in files:
            given = file.filename or ""
            name = safe_name(given)
            if not name or name in kept:
                reason = "there is another file of this name" if name else "it has no usable name"
                told.append(_skipped(given, reason))
                continue
            kept[name] = uploads.keep(name, file.file)
            told.append(name)
        skipped = _read(bot, list(kept.values()))
    except BaseException:
        for one in kept.values():
            uploads.undo(one)
        raise
    after = bot.documents()
    done = {
        name: outcome(name, str(one.path), after, before, skipped) for name, one in kept.items()
    }
    for name, one in kept.items():
        (uploads.undo if done[name].status == "skipped" else uploads.accept)(one)
    return [done[one] if isinstance(one, str) else one for one in told]


def _read(bot: Library, kept: Sequence[Kept]) -> Sequence[Skipped]:
    """Add the files to the index; returns those, or those of their rows, that were left out."""
    paths = [str(one.path) for one in kept]
    try:
        return bot.add(paths)[1] if paths else ()
    except SourceEmpty:  # nothing was added; say why of each
        return [item for item in sources.read(paths) if isinstance(item, Skipped)]


def outcome(
    name: str, source: str, after: Sequence[Document], before: set[str], skipped: Sequence[Skipped]
) -> FileBody:
    """Return what became of the file that was read from `source`."""
    if left_out := [s.reason for s in skipped if s.source == source]:
        return _skipped(name, left_out[0].replace(source, name))
    ids = [one.id for one in after if one.source == source]
    if ids:
        fresh = any(id not in before for id in ids)
        return FileBody(name=name, status="indexed" if fresh else "unchanged", documents=ids)
    rows = [s.reason for s in skipped if s.source.startswith(f"{source}:")]
    return _skipped(name, "; ".join(rows[:3]) or "it holds no text")


def _skipped(name: str, reason: str) -> FileBody:
    return FileBody(name=name, status="skipped", documents=[], reason=reason)
