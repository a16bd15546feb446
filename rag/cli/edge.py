"""Where errors become one line and an exit code, and where other libraries are told to be quiet.

Exit codes: 0 done; 1 an error (one line and a hint on standard error); 2 wrong usage; 130 Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Any

import typer
from typer.core import TyperGroup

from rag.cli.signals import INTERRUPTED
from rag.errors import RagError

QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


class Program(TyperGroup):
    """The group of commands; turns errors into a line, a hint and an exit code."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except RagError as error:
            _say(f"error: {error.message}", f"hint: {error.hint}" if error.hint else "")
            raise typer.Exit(1) from None
        except BrokenPipeError:
            _close_output()
            raise typer.Exit(0) from None
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            _say(f"error: {error.strerror or error}{where}")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


class Notes(logging.Handler):
    """Shows what the package logs as a line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        _say(f"note: {record.getMessage()}")


def _say(*lines: str) -> None:
    from rag.cli.terminal import inert

    for line in lines:
        if line:
            print(" ".join(inert(line).split()), file=sys.stderr)


def _close_output() -> None:
    """Point standard output at nothing, so that the flush at exit does not complain either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def quieten() -> None:
    """Keep the libraries' warnings, bars and telemetry off; what the user has set stays.

    Our own warnings become notes on standard error.
    """
    ours = logging.getLogger("rag")
    if not any(isinstance(handler, Notes) for handler in ours.handlers):
        ours.addHandler(Notes(logging.WARNING))
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
