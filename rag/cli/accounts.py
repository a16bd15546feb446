"""What became of each file, laid out: a row a file where there are few, counts where many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rag.cli.shown import count, table
from rag.cli.terminal import inert
from rag.types import FileOutcome, IndexReport

FEW = 25  # files that are shown one by one
MOST = 50  # skipped files that are named where there are more
STATES = ("indexed", "updated", "unchanged", "removed", "skipped")


def indexed(folder: str, done: IndexReport) -> str:
    """Say what indexing did: a line on the index, then the table of the files."""
    total = done.added + done.updated + done.unchanged
    skipped = sum(one.state == "skipped" for one in done.files)
    line = (
        f"{folder}: {count(total, 'document')} "
        f"({done.added:,} new, {done.updated:,} changed, {done.unchanged:,} unchanged, "
        f"{done.removed:,} removed, {skipped:,} skipped), "
        f"{count(done.passages, 'passage')} ({done.embedded:,} embedded now)"
    )
    return f"{inert(line)}\n\n{files(done.files)}" if done.files else inert(line)


def files(outcomes: Sequence[FileOutcome]) -> str:
    """Return a row a file; of more than `FEW` the counts, and the skipped ones up to `MOST`."""
    if len(outcomes) <= FEW:
        rows = [(one.state, _documents(one), one.source, one.reason) for one in outcomes]
        return table([("outcome", "documents", "file", "why"), *rows])
    number: Counter[str] = Counter(one.state for one in outcomes)
    documents: Counter[str] = Counter()
    for one in outcomes:
        documents[one.state] += one.documents
    counts = [
        (state, f"{number[state]:,}", f"{documents[state]:,}" if documents[state] else "")
        for state in STATES
        if number[state]
    ]
    parts = [table([("outcome", "files", "documents"), *counts])]
    skipped = [(one.source, one.reason) for one in outcomes if one.state == "skipped"]
    if skipped:
        parts += ["", table([("skipped", "why"), *skipped[:MOST]])]
    if len(skipped) > MOST:
        parts.append(f"and {len(skipped) - MOST:,} more; --report FILE names all of them")
    return "\n".join(parts)


def _documents(one: FileOutcome) -> str:
    return f"{one.documents:,}" if one.documents else ""


def row(one: FileOutcome) -> dict[str, Any]:
    """Return the line of `--report`, keys in their documented order."""
    return {
        "source": one.source,
        "outcome": one.state,
        "documents": one.documents,
        "reason": one.reason,
    }
