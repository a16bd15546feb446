"""Write the pages of docs/ that follow from the code, or with --check say which are stale.

python docs/generate.py [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rag import errors
from rag.settings import Settings

HERE = Path(__file__).parent
EVIDENCE = Path(errors.__file__).parent / "weights" / "evidence.json"
NOTE = "<!-- Written by docs/generate.py from the code; edit that. -->\n"
DEFAULTS = {  # of settings that depend on the machine
    "cache": "the user's cache folder",
    "data": "the user's data folder",
    "collections": "`collections` in the user's data folder",
}
COMMANDS = (
    "", "index", "ask", "eval", "chat", "serve", "mcp", "doctor", "collections",
    "collections delete", "documents", "documents remove", "models", "models get",
)  # fmt: skip


def settings_page() -> str:
    """Return the table of every setting: variable, default, bounds, meaning."""
    parts = [
        "# Settings\n",
        NOTE,
        "A setting is an argument in Python, `Settings(retriever=RetrieverSettings(top_k=5))`, or "
        "a variable of the\nenvironment, `RAG_RETRIEVER__TOP_K=5`. An impossible value or an "
        "unknown name in a group is an error.\n",
    ]
    for name, field in Settings.model_fields.items():
        group = field.annotation
        assert isinstance(group, type)
        assert issubclass(group, BaseModel)
        parts += [f"## {name}\n", f"{(group.__doc__ or '').strip()}\n", _table(name, group)]
    return "\n".join(parts)


def _table(name: str, group: type[BaseModel]) -> str:
    lines = ["| variable | default | bounds | meaning |", "|---|---|---|---|"]
    for key, field in group.model_fields.items():
        variable = f"RAG_{name}__{key}".upper()
        lines.append(
            f"| `{variable}` | {_default(key, field)} | {_bounds(field)} | {field.description} |"
        )
    return "\n".join(lines) + "\n"


def _default(key: str, field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return DEFAULTS[key]
    value = field.default
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value}`" if value is not None and str(value) else "unset"


def _bounds(field: FieldInfo) -> str:
    known: dict[str, Any] = {}
    for limit in field.metadata:
        for key in ("ge", "gt", "le", "lt"):
            if hasattr(limit, key):
                known[key] = getattr(limit, key)
    low = known.get("ge", known.get("gt"))
    high = known.get("le", known.get("lt"))
    if low is None and high is None:
        return ""
    if high is None:
        return f"from {low:,}"
    return f"{low:,} to {high:,}"


def cli_page() -> str:
    """Return every `--help` text, as it is printed 80 columns wide."""
    parts = [
        "# The program\n",
        NOTE,
        "Exit codes: 0 done; 1 an error, which is one line and a hint on standard error; 2 wrong "
        "usage; 130 Ctrl-C.\n`python -m rag` is the same program.\n",
    ]
    for command in COMMANDS:
        said = f"rag {command}".strip()
        parts += [f"## {said}\n", f"```\n{help_of(*command.split())}```\n"]
    return "\n".join(parts)


def help_of(*command: str) -> str:
    """Return what `rag COMMAND --help` prints."""
    from typer.testing import CliRunner

    from rag.cli.program import app

    done = CliRunner().invoke(app, [*command, "--help"], prog_name="rag", env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    return "\n".join(line.rstrip() for line in done.output.splitlines()) + "\n"


def errors_page() -> str:
    """Return the tree of errors as its module draws it."""
    body = (errors.__doc__ or "").split("\n\n", 1)[1].strip()
    tree, rest = body.split("\n\n", 1)
    return "\n".join(["# Errors\n", NOTE, f"```\n{tree}\n```\n", f"{rest}\n"])


def abstention_page() -> str:
    """Return what a stricter or looser threshold gives, by the figures kept with the weights."""
    held_out = json.loads(EVIDENCE.read_text(encoding="utf-8"))["reread"]["held_out"]
    odds = held_out["threshold"] / (1 - held_out["threshold"])
    lines = [
        "| `min_answerable` | answerable questions answered | unanswerable ones declined "
        "| answers that are wrong | right in all |",
        "|---|---|---|---|---|",
    ]
    for key in held_out:
        if key.startswith("right_at_"):
            at = key.removeprefix("right_at_")
            value = float(at) / (1 - float(at)) / odds
            cells = [f"{value / (1 + value):.2f}"]
            for name in ("answered", "abstained", "risk", "right"):
                cells.append(f"{100 * held_out[f'{name}_at_{at}']:.0f} %")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            "# When it says that the documents don't say\n",
            NOTE,
            "A question is answered when the reader gives it at least `RAG_READER__MIN_ANSWERABLE` "
            "(0.5) as the\nprobability that the passages hold its answer. A higher value answers "
            "less and errs less.\n",
            "On questions of the training data that neither the reader nor these models saw "
            f"({held_out['questions']:,.0f} in four\nfolds, parted eight times, weighed so "
            "that two thirds have an answer; of the others a third each "
            "lacks\nits passage, was changed or written so that the passage just misses it, or has "
            "a text in the passage's place\nthat leaves out just what is asked; those that are "
            "just missed are the hardest to tell):\n",
            *lines,
            "",
            "Most of what is declined without need is declined close to the threshold: the nearest "
            "quote is shown\nwith the refusal. On your own documents the shares will differ; `rag "
            "eval` prints the same curve for a\nset of questions of yours.\n",
        ]
    )


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "errors.md": errors_page,
    "abstention.md": abstention_page,
}


def stale() -> Iterator[str]:
    """Yield the pages that do not say what the code says."""
    for name, page in PAGES.items():
        path = HERE / name
        if not path.exists() or path.read_text(encoding="utf-8") != page():
            yield f"docs/{name}"


def main() -> None:
    """Write the pages; with --check, exit with 1 when one is stale."""
    if "--check" in sys.argv[1:]:
        old = list(stale())
        sys.exit(f"stale: {', '.join(old)}; run: python docs/generate.py" if old else 0)
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
