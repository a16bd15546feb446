"""Every string that is sent to the language model, budgeted in tokens.

The model is small and follows instructions badly, so it is never asked to cite, refuse or format:
it gets the evidence that was already found, the question, and an example, and phrases one short
sentence. This module knows nothing of models; it is given a function that counts tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


SYSTEM = "Answer the question in one short sentence, using only the words of the text."


def answer_prompt(
    question: str,
    evidence: Sequence[str],
    *,
    budget: int,
    count: Count,
    history: Sequence[tuple[str, str]] = (),
) -> list[Message]:
    """Ask for one sentence that answers `question` from `evidence` (best first)."""
    text = " ".join(" ".join(piece.split()) for piece in evidence)
    return [
        Message("system", SYSTEM),
        Message("user", f"Text: {text}\n\nQuestion: {question}"),
    ]
