"""What is read twice is read once."""

from __future__ import annotations

from rag.types import Rereading
from training.described import RememberingRereader


class Counting:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def reread(self, question: str, text: str, answer: str) -> Rereading:
        self.asked.append((question, text, answer))
        return Rereading(float(len(self.asked)), "", 0.0, None)


def test_the_same_is_read_once_and_anything_else_anew() -> None:
    within = Counting()
    remembering = RememberingRereader(within)
    first = remembering.reread("q", "t", "a")
    assert remembering.reread("q", "t", "a") == first
    others = [("Q", "t", "a"), ("q", "T", "a"), ("q", "t", "A")]
    assert [remembering.reread(*one).refusal for one in others] == [2.0, 3.0, 4.0]
    assert within.asked == [("q", "t", "a"), *others]
