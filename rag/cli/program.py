"""The commands and their arguments; each imports what it needs when it runs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag import __version__
from rag.cli import edge
from rag.errors import QuestionError

if TYPE_CHECKING:
    from rag.cli.terminal import Terminal
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
app.add_typer(models_app, name="models", invoke_without_command=True)

IndexOption = Annotated[
    Path | None,
    typer.Option("--index", metavar="DIR", help="The index's folder.  [default: index]"),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="PATH",
        help="Make the index hold just this file or folder (may be repeated).",
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
) -> None:
    """Read documents and build their index, or bring it up to date."""
    from rag.cli import shown
    from rag.pipeline import build

    terminal, settings = _terminal(), _settings()
    folder = _folder(index)
    with terminal.progress() as progress:
        done, skipped = build(paths, folder, settings, progress=progress)
    terminal.print(shown.indexed(str(folder), done, skipped))


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", show_default=False)] = None,
    index: IndexOption = None,
    source: SourceOption = None,
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
    if batch and question is None:
        _ask_batch(batch, output, index, source)
    elif question is not None and not batch:
        _ask_one(question, index, source, json)
    else:
        raise typer.BadParameter("give either a question or --batch FILE")


def _ask_one(question: str, index: Path | None, source: list[str] | None, json: bool) -> None:
    from rag.cli import rows, shown

    if not question.strip():
        raise QuestionError("the question is empty", hint="ask something")
    terminal = _terminal(utf8=json)
    bot = _open(terminal, index, source)
    answer = bot.ask(question.encode(errors="replace").decode())
    if json:
        terminal.print(rows.dump(rows.answer_row(answer)))
    else:
        terminal.print(shown.answer(answer, bot.document, terminal))


def _ask_batch(batch: str, output: str, index: Path | None, source: list[str] | None) -> None:
    from rag.cli import rows

    terminal = _terminal(utf8=True)
    asked = rows.read_batch(batch)
    with rows.written(output) as file:
        bot = _open(terminal, index, source)
        with terminal.progress() as progress:
            rows.answer_batch(asked, bot.ask, file, progress)


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
def chat(index: IndexOption = None, source: SourceOption = None) -> None:
    """Talk on the terminal; what was said before counts."""
    from rag.cli.chat import converse

    terminal = _terminal()
    converse(_open(terminal, index, source), terminal)


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
    source: SourceOption = None,
) -> None:
    """Start the chat page."""
    from rag.page import serve as start
    from rag.pipeline import Pipeline

    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = _settings()
    page = settings.page.model_copy(update=chosen)
    settings = settings.model_copy(update={"page": page})
    start(lambda progress: Pipeline.open(source or None, index, settings, progress=progress), page)


@app.command()
def doctor(index: IndexOption = None) -> None:
    """Check versions, models, index and disk.

    A line is `ok`, or a problem with what to run about it; a problem makes the exit code 1.
    """
    from rag.cli import shown
    from rag.doctor import examine

    terminal = _terminal()
    found = examine(_settings(), _folder(index))
    terminal.print(shown.checks(found, terminal))
    problems = sum(not check.ok for check in found)
    if problems:
        terminal.note(f"{problems} problem{'s' * (problems > 1)} found")
        raise typer.Exit(1)


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


def _terminal(*, utf8: bool = False) -> Terminal:
    from rag.cli.terminal import Terminal

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8" if utf8 else None, errors="replace")
    return Terminal.open()


def _settings() -> Settings:
    from rag.settings import Settings

    return Settings.load()


def _folder(index: Path | None) -> Path:
    return Path("index") if index is None else index


def _open(terminal: Terminal, index: Path | None, source: list[str] | None) -> Pipeline:
    from rag.index import Index
    from rag.pipeline import SOURCES, Pipeline

    if not source and not Index.exists(_folder(index)):
        terminal.note(f"no index in {_folder(index)}: building it from {SOURCES}")
    with terminal.progress() as progress:
        return Pipeline.open(source or None, index, _settings(), progress=progress)


def main() -> None:
    """Run the program on this process's arguments.

    After Ctrl-C or SIGTERM everything of ours is unwound by the time `app` ends. The process then
    leaves at once: the models' libraries have threads that may abort an interpreter that is
    shutting down.
    """
    signal.signal(signal.SIGTERM, edge.terminated)
    try:
        app(prog_name="rag")
    except KeyboardInterrupt:
        os._exit(edge.INTERRUPTED)
    except SystemExit as end:
        if end.code in (edge.INTERRUPTED, edge.TERMINATED):
            os._exit(int(end.code))
        raise
