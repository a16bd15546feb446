"""The commands and their arguments; each imports what it needs when it runs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag import __version__
from rag.cli import edge, signals

if TYPE_CHECKING:
    from rag.cli.terminal import Terminal
    from rag.collections import Collections
    from rag.page.bot import Opener, Progress
    from rag.pipeline import Pipeline
    from rag.settings import Settings

app = typer.Typer(
    cls=edge.Program,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(rich_markup_mode=None)
collections_app = typer.Typer(rich_markup_mode=None)
documents_app = typer.Typer(rich_markup_mode=None)
app.add_typer(models_app, name="models", invoke_without_command=True)
app.add_typer(collections_app, name="collections", invoke_without_command=True)
app.add_typer(documents_app, name="documents", invoke_without_command=True)

IndexOption = Annotated[
    Path | None,
    typer.Option("--index", metavar="DIR", help="The index's folder.  [default: index]"),
]
CollectionOption = Annotated[
    str | None,
    typer.Option("--collection", metavar="NAME", help="A named index, in place of --index."),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="PATH",
        help="Make the index hold just this file or folder (may be repeated).",
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Only documents with this in their metadata (may be repeated).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"rag {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Answer questions over documents; every citation is an exact span of a source.

    Settings come from the environment, such as RAG_RETRIEVER__TOP_K=5 (see docs/settings.md).
    """
    edge.quieten()


@app.command()
def index(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders or .jsonl collections.")
    ],
    index: IndexOption = None,
    collection: CollectionOption = None,
    report: Annotated[
        str, typer.Option(metavar="FILE", help="Write a JSON line for each file here.")
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the files and folders until Ctrl-C.")
    ] = False,
) -> None:
    """Read documents and build their index, or bring it up to date with exactly these.

    What did not change is not read again, and what an interrupted run has embedded is kept. Ends
    with a table of what became of each file. A line of --report is {"source", "outcome",
    "documents", "reason"}.
    """
    from rag.cli import indexing

    settings = _settings()
    folder = _folder(settings, index, collection)
    indexing.run(_terminal(), settings, paths, folder, report=report, watch=watch)


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", show_default=False)] = None,
    index: IndexOption = None,
    collection: CollectionOption = None,
    source: SourceOption = None,
    where: WhereOption = None,
    json: JsonOption = False,
    batch: Annotated[
        str, typer.Option(metavar="FILE", help="Answer a file of JSON lines (-: standard input).")
    ] = "",
    output: Annotated[
        str, typer.Option(metavar="FILE", help="Where --batch writes (-: standard output).")
    ] = "-",
) -> None:
    """Answer a question, with the quotes it rests on.

    A line of --batch is {"id", "question"[, "history": [[question, answer], ...]]}; a line of its
    output is {"id", "question", "text", "abstained", "confidence", "citations", "passages",
    "timings"}, as --json prints it; a citation also has "page", "headings" and "table" where known.
    """
    if output != "-" and not batch:
        raise typer.BadParameter("--output goes with --batch")
    if bool(batch) == (question is not None):
        raise typer.BadParameter("give either a question or --batch FILE")
    from rag.cli import asking
    from rag.cli.library import conditions

    wanted = conditions(where or ())
    terminal = _terminal(utf8=json or bool(batch))

    def opened() -> Pipeline:
        return _open(terminal, index, collection, source)

    if question is None:
        asking.batch(terminal, batch, output, wanted, opened)
    else:
        asking.one(terminal, question, wanted, opened, json=json)


@app.command(name="eval")
def evaluate(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="A folder with corpus and questions.")
    ],
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Use this index, built from the corpus if absent.  [default: cached]",
        ),
    ] = None,
    json: JsonOption = False,
    limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="Ask N questions drawn by the seed; 0: all.")
    ] = 0,
    retrieval_only: Annotated[
        bool, typer.Option("--retrieval-only", help="Rank documents, write no answers.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Seed of the sample and the intervals.")
    ] = 0,
    rows: Annotated[
        str, typer.Option(metavar="FILE", help="Write a JSON line for each question here.")
    ] = "",
    jobs: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Ask in N processes of one thread; the report is the same."
        ),
    ] = 1,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Measure what --rows wrote again, asking nothing."
        ),
    ] = None,
) -> None:
    """Ask a dataset's questions and print measures with 95 % intervals.

    DATASET holds corpus.jsonl ({"doc_id", "title", "text"} a line) and questions.jsonl ({"id",
    "question", "answers", "gold_doc_ids", "answerable"}), or queries.jsonl ({"id", "query",
    "qrels": {doc_id: grade}}), which judges ranking only.
    """
    from rag.cli import evaluate as running

    running.run(
        _terminal(utf8=json),
        _settings(),
        dataset,
        index=index,
        json=json,
        limit=limit,
        retrieval_only=retrieval_only,
        seed=seed,
        rows=rows,
        jobs=jobs,
        given=given,
    )


@app.command()
def chat(
    index: IndexOption = None,
    collection: CollectionOption = None,
    source: SourceOption = None,
) -> None:
    """Talk on the terminal; what was said before counts."""
    from rag.cli.chat import converse

    terminal = _terminal()
    converse(_open(terminal, index, collection, source), terminal)


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Listen here.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, metavar="PORT", help="Listen here.  [default: 7860]"),
    ] = None,
    index: IndexOption = None,
    collection: CollectionOption = None,
    source: SourceOption = None,
    no_page: Annotated[
        bool, typer.Option("--no-page", help="Serve other programs only, without the page.")
    ] = False,
) -> None:
    """Serve the chat page, and other programs: REST, OpenAI's interface, MCP.

    /openapi.json describes REST; /v1 is OpenAI's interface; /mcp is the Model Context Protocol.
    """
    from rag.server import serve as start

    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = _settings()
    page = settings.page.model_copy(update=chosen)
    settings = settings.model_copy(update={"page": page})
    folder = _folder(settings, index, collection, built=not source)
    uploads = settings.server.uploads or folder / "uploads"
    start(_opener(folder, source, settings), settings, uploads=uploads, page=not no_page)


@app.command()
def mcp(
    index: IndexOption = None, collection: CollectionOption = None, source: SourceOption = None
) -> None:
    """Serve the Model Context Protocol on standard input and output.

    For programs that start their tools themselves; `rag serve` has the same tools at /mcp.
    """
    from rag.server.stdio import run

    # a thread waits for standard input, and nothing but its end would wake it
    signal.signal(signal.SIGINT, lambda *_: os._exit(signals.INTERRUPTED))
    settings = _settings()
    folder = _folder(settings, index, collection, built=not source)
    run(_opener(folder, source, settings), settings)


@app.command()
def doctor(index: IndexOption = None) -> None:
    """Check versions, models, index and disk.

    A line is `ok`, or a problem with what to run about it; a problem makes the exit code 1.
    """
    from rag.cli import shown
    from rag.doctor import examine

    terminal = _terminal()
    settings = _settings()
    found = examine(settings, _folder(settings, index))
    terminal.print(shown.checks(found, terminal))
    problems = sum(not check.ok for check in found)
    if problems:
        terminal.note(f"{problems} problem{'s' * (problems > 1)} found")
        raise typer.Exit(1)


@collections_app.callback()
def collections(ctx: typer.Context) -> None:
    """List the named indexes: documents, passages and size."""
    if ctx.invoked_subcommand is None:
        from rag.cli import library

        library.list_collections(_terminal(), _collections(_settings()))


@collections_app.command(name="delete")
def delete_collection(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The collection.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a named index, not the files it was made from."""
    from rag.cli import library

    known = _collections(_settings())
    library.delete(_terminal(), known, name, sure=yes, ask=typer.confirm)


@documents_app.callback()
def documents(
    ctx: typer.Context,
    index: IndexOption = None,
    collection: CollectionOption = None,
    where: WhereOption = None,
    json: JsonOption = False,
) -> None:
    """List the documents of an index: id, title, passages, source, metadata."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = (index, collection)  # for `rag documents --index DIR remove ID`
        return
    from rag.cli import library

    folder = _folder(_settings(), index, collection, built=True)
    wanted = library.conditions(where or ())
    library.list_documents(_terminal(utf8=json), folder, wanted, json=json)


@documents_app.command(name="remove")
def remove_documents(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="What `rag documents` lists.")],
    index: IndexOption = None,
    collection: CollectionOption = None,
) -> None:
    """Take documents out of an index, not off the disk."""
    from rag.cli import library

    if index is None and collection is None:
        index, collection = ctx.obj
    folder = _folder(_settings(), index, collection, built=True)
    library.remove_documents(_terminal(), folder, ids)


@models_app.callback()
def models(ctx: typer.Context) -> None:
    """List the models: which, where, how big, ready or not."""
    if ctx.invoked_subcommand is None:
        from rag.cli import shown
        from rag.models import status

        _terminal().print(shown.models(status(_settings().models)))


@models_app.command()
def get() -> None:
    """Download what is missing and convert it, once."""
    from rag.cli import shown
    from rag.models import fetch, status

    terminal, settings = _terminal(), _settings()
    with terminal.progress() as progress:
        fetch(settings.models, progress)
    terminal.print(shown.models(status(settings.models)))


def _opener(folder: Path, source: list[str] | None, settings: Settings) -> Opener:
    """Return what opens the pipeline in the background, and warms it up."""

    def open_pipeline(progress: Progress) -> Pipeline:
        from rag.pipeline import Pipeline

        bot = Pipeline.open(source or None, folder, settings, progress=progress)
        bot.warm_up()
        return bot

    return open_pipeline


def _terminal(*, utf8: bool = False) -> Terminal:
    from rag.cli.terminal import Terminal

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8" if utf8 else None, errors="replace")
    return Terminal.open()


def _settings() -> Settings:
    from rag.settings import Settings

    return Settings.load()


def _folder(
    settings: Settings, index: Path | None, collection: str | None = None, *, built: bool = False
) -> Path:
    """Return the folder of the index that was named; with `built` a collection must be there."""
    if collection is None:
        return Path("index") if index is None else index
    if index is not None:
        raise typer.BadParameter("--collection takes the place of --index")
    known = _collections(settings)
    return known.existing(collection) if built else known.folder(collection)


def _collections(settings: Settings) -> Collections:
    from rag.collections import Collections

    return Collections(settings.index.collections)


def _open(
    terminal: Terminal, index: Path | None, collection: str | None, source: list[str] | None
) -> Pipeline:
    from rag.index import Index
    from rag.pipeline import SOURCES, Pipeline

    settings = _settings()
    folder = _folder(settings, index, collection, built=not source)
    if not source and not Index.exists(folder):
        terminal.note(f"no index in {folder}: building it from {SOURCES}")
    with terminal.progress() as progress:
        return Pipeline.open(source or None, folder, settings, progress=progress)


def main() -> None:
    """Run the program on this process's arguments.

    After Ctrl-C or SIGTERM everything of ours is unwound by the time `app` ends. The process then
    leaves at once: the models' libraries have threads that may abort an interpreter that is
    shutting down.
    """
    signals.unwind(signal.SIGINT, signal.SIGTERM)
    try:
        app(prog_name="rag")
    except KeyboardInterrupt:
        os._exit(signals.INTERRUPTED)
    except SystemExit as end:
        if end.code in (signals.INTERRUPTED, signals.TERMINATED):
            os._exit(int(end.code))
        raise
