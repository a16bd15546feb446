"""JSON lines in and out: the rows of `rag ask --json` and `--batch`, a contract for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rag.errors import QuestionError, SourceEmpty, SourceMissing
from rag.public import answer_keys
from rag.types import Answer

BATCH_SHAPE = 'a line is {"id": "...", "question": "..."[, "history": [["q", "a"], ...]]}'
_RISKY = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of a batch; `id` is given back as it came (a string or a number)."""

    id: str | int | float
    question: str
    history: tuple[tuple[str, str], ...] = ()


def answer_row(answer: Answer, id: str | int | float | None = None) -> dict[str, Any]:
    """Return the public row of an answer, keys in their documented order.

    `notice` comes last, and only where there is one.
    """
    return {"id": id, **answer_keys(answer)}


def dump(row: object) -> str:
    """Return one line of JSON: UTF-8 as it is, but controls and lone surrogates escaped."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return _RISKY.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def read_batch(path: str) -> tuple[Asked, ...]:
    """Read and check every line of a batch (`-`: standard input); blank lines are passed.

    Raise QuestionError naming the first bad line, SourceMissing without the file, SourceEmpty
    without a question.
    """
    if path != "-" and not Path(path).is_file():
        raise SourceMissing(f"no such file: {path}", hint="--batch takes a file of JSON lines")
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    lines = enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
    asked = tuple(_asked(line, f"{path}:{number}") for number, line in lines if line.strip())
    if not asked:
        raise SourceEmpty(f"no question in {path}", hint=BATCH_SHAPE)
    return asked


def _asked(line: bytes, where: str) -> Asked:
    try:
        row = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise QuestionError(f"{where}: not JSON in UTF-8: {error}", hint=BATCH_SHAPE) from None
    if not isinstance(row, dict):
        raise QuestionError(f"{where}: not an object", hint=BATCH_SHAPE)
    id, question, history = row.get("id"), row.get("question"), row.get("history") or []
    if not isinstance(id, str | int | float) or isinstance(id, bool):
        raise QuestionError(f"{where}: no id", hint=BATCH_SHAPE)
    if not isinstance(question, str) or not question.strip():
        raise QuestionError(f"{where}: no question", hint=BATCH_SHAPE)
    if not isinstance(history, list) or not all(_is_turn(turn) for turn in history):
        raise QuestionError(f"{where}: history is not pairs of texts", hint=BATCH_SHAPE)
    return Asked(id, question, tuple((said, reply) for said, reply in history))


def _is_turn(turn: object) -> bool:
    return isinstance(turn, list) and len(turn) == 2 and all(isinstance(x, str) for x in turn)


def answer_batch(
    asked: Sequence[Asked],
    ask: Callable[[str, Sequence[tuple[str, str]]], Answer],
    output: TextIO,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Answer each question in turn and write its row as soon as it is there."""
    for done, one in enumerate(asked, 1):
        answer = ask(one.question, one.history)
        output.write(dump(answer_row(answer, one.id)) + "\n")
        if progress:
            progress("questions", done, len(asked))
    output.flush()


@contextmanager
def written(path: str) -> Iterator[TextIO]:
    """Open `path` for writing; it appears, or is replaced, only when all went well.

    `-` is standard output. A device or a pipe is written directly.
    """
    if path == "-":
        yield sys.stdout
        return
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8") as file:
            yield file
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
