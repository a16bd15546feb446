"""The chat page: `python app.py` builds what is missing and serves it on 127.0.0.1:7860.

`build` returns the page as an ASGI application for other servers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag import page
from rag.errors import RagError
from rag.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI


def opener(
    sources: Sequence[str | Path] | None, index: str | Path | None, settings: Settings
) -> page.Opener:
    """Return what opens the pipeline; the models are imported only when it is called."""

    def open_pipeline(progress: page.Progress) -> page.Bot:
        from rag.pipeline import Pipeline

        bot = Pipeline.open(sources, index, settings, progress=progress)
        bot.warm_up()
        return bot

    return open_pipeline


def build(
    sources: Sequence[str | Path] | None = None,
    index: str | Path | None = None,
    settings: Settings | None = None,
) -> FastAPI:
    """Return the page over `sources` (seeds/ by default) and `index` (index/ by default)."""
    settings = settings or Settings()
    return page.build(opener(sources, index, settings), settings.page)


def main(
    sources: Sequence[str | Path] | None = None,
    index: str | Path | None = None,
    settings: Settings | None = None,
) -> None:
    """Serve the page until interrupted."""
    settings = settings or Settings()
    page.serve(opener(sources, index, settings), settings.page)


def refuse(given: Sequence[str]) -> None:
    """Exit on any arguments: with 0 after --help, else with 2; the page takes none."""
    argparse.ArgumentParser(
        prog="app.py",
        description="Serve the chat page on 127.0.0.1:7860.",
        epilog="RAG_PAGE__PORT and RAG_PAGE__HOST change that; `rag serve --help` has more.",
    ).parse_args(given)


if __name__ == "__main__":
    refuse(sys.argv[1:])
    try:
        main()
    except RagError as error:
        sys.exit(f"{error.message}\n{error.hint}".strip())
