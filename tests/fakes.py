"""Small stand-ins for the models, whose results can be worked out by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rag import words
from rag.prompts import Message
from rag.types import EmbedderIdentity, Judgement


class WordEmbedder:
    """One axis a content stem: the cosine of two texts is that of their word counts."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.axes = {stem: i for i, stem in enumerate(dict.fromkeys(vocabulary))}

    @classmethod
    def of(cls, *texts: str) -> WordEmbedder:
        return cls([stem for text in texts for stem in words.content(text)])

    @property
    def identity(self) -> EmbedderIdentity:
        return EmbedderIdentity("words", "1", len(self.axes))

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), len(self.axes)), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for stem in words.content(text):
                if stem in self.axes:
                    row[self.axes[stem]] += 1
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        unit: NDArray[np.float32] = rows / np.where(lengths == 0, 1, lengths)
        return unit

    def query(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.passages([text])[0]
        return row


class PointingJudge:
    """A judge that points at some words in every part that holds them, and at nothing else."""

    def __init__(self, said: str) -> None:
        self.said = said

    def judge(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] = (),
        parts: Sequence[Sequence[tuple[int, int]]] = (),
    ) -> list[Judgement]:
        found = []
        for text, asked in zip(passages, parts, strict=True):
            spans = tuple(self._span(text, *part) for part in asked)
            best = max(spans, key=lambda span: span[2], default=self._span(text, 0, len(text)))
            found.append(Judgement(2.0, 1.5, *best, spans))
        return found

    def _span(self, text: str, start: int, end: int) -> tuple[int, int, float]:
        at = text.find(self.said, start, end)
        return (start, start, -np.inf) if at < 0 else (at, at + len(self.said), 3.0)


class ScriptedGenerator:
    """Writes what it was told to, a word at a time, and remembers what it was sent."""

    name = "scripted"

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.sent: list[Sequence[Message]] = []

    def count(self, text: str) -> int:
        return len(text.split())

    def stream(
        self, messages: Sequence[Message], *, stop: threading.Event | None = None
    ) -> Iterator[str]:
        self.sent.append(messages)
        for i, word in enumerate(self.reply.split(" ")):
            if stop is not None and stop.is_set():
                return
            yield word if i == 0 else f" {word}"
