"""Files into an index: read, cut, embedded, and every one of them accounted for.

This module joins the loaders, the cutting and the embedder to the index; it knows nothing of
questions. What is read at all is `rag.intake`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rag import documents
from rag.choosing import open_embedder
from rag.embedder import Embedder
from rag.errors import SourceEmpty, SourceError
from rag.index import Index, own
from rag.index.update import described, writing
from rag.intake import Intake, Progress
from rag.passages import split
from rag.settings import PassageSettings, Settings
from rag.types import Document, IndexReport, Passage, Skipped

__all__ = ["Progress", "Sources", "build"]

Sources = Sequence[str | Path] | str | Path
log = logging.getLogger(__name__)


def build(
    sources: Sources,
    folder: Path,
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
    exactly: bool = True,
    empty: bool = False,
) -> tuple[IndexReport, tuple[Skipped, ...]]:
    """Bring the index at `folder` up to date with exactly these sources.

    Without `exactly` they are read beside what it holds: then a file's documents replace those
    the file gave before, and all others stay. `empty` allows an index that holds nothing. Returns
    what changed, and what was left out and why.

    Raises:
        SourceMissing, SourceEmpty, ModelError, StoreError: see `Pipeline.open`.
    """
    found = [  # paths only
        item
        for item in documents.files(sources)
        if isinstance(item, Skipped) or not own(item[0], Path(folder))
    ]
    if not empty and all(isinstance(item, Skipped) for item in found):
        raise SourceEmpty(
            "there is no document to index",
            hint=_left_out([item for item in found if isinstance(item, Skipped)])
            or "name files or folders with text",
        )

    embedder = embedder or open_embedder(settings.models)
    tell_switch(Path(folder), embedder)
    embed = (lambda done, total: progress("embed", done, total)) if progress else None
    intake: Intake | None = None
    try:
        with writing(
            folder,
            split=lambda document: _cut(document, settings.passages),
            embedder=embedder,
            recipe=settings.passages.model_dump_json(),
            exactly=exactly,
            empty=empty or not exactly,
            progress=embed,
        ) as change:
            intake = Intake(change)
            intake.take(found, progress)
        report = replace(change.report(), files=tuple(intake.outcomes))
    except SourceEmpty as error:
        if intake and intake.skipped:
            raise SourceEmpty(error.message, hint=_left_out(intake.skipped)) from error
        raise
    return report, intake.skipped


def tell_switch(folder: Path, embedder: Embedder) -> None:
    """Log that an index is embedded again, where another embedder made it."""
    built = Index.built_with(folder)
    if built is not None and built != embedder.identity:
        log.warning(
            "the index in %s was built with %s; with %s every passage is embedded again",
            folder,
            described(built),
            described(embedder.identity),
        )


def _cut(document: Document, settings: PassageSettings) -> Sequence[Passage]:
    """Cut a document; an error of the cutting is one of this document, not of all."""
    try:
        return split(document, settings)
    except Exception as error:
        reason = f"cannot be cut into passages ({type(error).__name__}: {error})"
        raise SourceError(reason) from error


def _left_out(skipped: Sequence[Skipped]) -> str:
    reasons = "; ".join(f"{one.source}: {one.reason}" for one in skipped[:3])
    return f"left out: {reasons}" if reasons else ""
