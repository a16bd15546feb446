"""Near but wrong passages for a question, from the training passages themselves.

Two searches, as in the product: BM25 and the embedder's cosine. A passage that holds the answer's
words is never offered as wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer  # type: ignore[import-untyped]

DEPTH = 12  # ranks taken from each search


class Neighbours:
    """For every question, the passages that a search would confuse with the right one."""

    def __init__(self, passages: Sequence[str], near: dict[str, tuple[int, ...]]) -> None:
        self.passages = passages
        self.near = near

    @classmethod
    def none(cls) -> Neighbours:
        """Return neighbours that offer nothing (for tests)."""
        return cls((), {})

    @classmethod
    def build(
        cls, passages: Sequence[str], questions: Sequence[str], encoder: Path, cache: Path
    ) -> Neighbours:
        """Search every question among the passages; vectors are kept in the cache folder."""
        lexical = bm25_top(questions, passages, DEPTH)
        dense = dense_top(
            embed(questions, encoder, cache, 40), embed(passages, encoder, cache, 160), DEPTH
        )
        near = {
            question: tuple(dict.fromkeys(i for pair in zip(a, b, strict=True) for i in pair))
            for question, a, b in zip(questions, lexical.tolist(), dense.tolist(), strict=True)
        }
        return cls(passages, near)

    def candidates(self, question: str) -> list[str]:
        """Return the passages found for a question, the two searches' ranks in turn."""
        return [self.passages[i] for i in self.near.get(question, ())]

    def passage(self, question: str, avoid: Sequence[str], random: Random) -> str | None:
        """Draw a near passage that holds none of the texts to avoid; nearer ones more often."""
        folded = [text.casefold() for text in avoid if text]
        good = [
            text
            for text in self.candidates(question)
            if not any(part in text.casefold() for part in folded)
        ]
        if not good:
            return None
        return good[min(int(random.expovariate(0.3)), len(good) - 1)]


def bm25_top(
    questions: Sequence[str], passages: Sequence[str], k: int, k1: float = 0.9, b: float = 0.4
) -> NDArray[np.int64]:
    """Return the indices of the k best passages for each question, best first. Shape (n, k).

    BM25 as in Robertson and Zaragoza (2009) with Anserini's constants, as a sparse product.
    """
    counter = CountVectorizer(lowercase=True, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    counts = counter.fit_transform(passages).tocsr()  # (p, terms)
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log(1 + (len(passages) - frequency + 0.5) / (frequency + 0.5))
    counts.data = (counts.data / (counts.data + norm[rows]) * idf[counts.indices]).astype(
        np.float32
    )
    asked = counter.transform(questions).tocsr()
    asked.data[:] = 1.0
    turned = counts.T.tocsr()
    best = [top((asked[i : i + 256] @ turned).toarray(), k) for i in range(0, len(questions), 256)]
    return np.concatenate(best)


def dense_top(
    questions: NDArray[np.float32], passages: NDArray[np.float32], k: int
) -> NDArray[np.int64]:
    """Return the indices of the k passages of greatest cosine for each question. Shape (n, k)."""
    turned = passages.T.copy()
    return np.concatenate(
        [top(questions[i : i + 1024] @ turned, k) for i in range(0, len(questions), 1024)]
    )


def top(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the columns of the k greatest scores of each row, greatest first."""
    k = min(k, scores.shape[1])
    part = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, part, axis=1), axis=1, kind="stable")
    return np.take_along_axis(part, order, axis=1)


def embed(texts: Sequence[str], encoder: Path, cache: Path, tokens: int) -> NDArray[np.float32]:
    """Return unit vectors of the texts (n, d), from the cache when the same texts were seen."""
    key = hashlib.sha256("\0".join([str(tokens), *texts]).encode()).hexdigest()[:16]
    kept = cache / f"vectors-{key}.npy"
    if kept.exists():
        return np.asarray(np.load(kept))
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder)
    model = AutoModel.from_pretrained(encoder, dtype=torch.float32).eval()
    out = np.zeros((len(texts), model.config.hidden_size), np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for first in range(0, len(order), 64):
            these = order[first : first + 64]
            batch = tokenizer(
                [texts[i] for i in these],
                truncation=True,
                max_length=tokens,
                padding=True,
                return_tensors="pt",
            )
            hidden = model(**batch).last_hidden_state.float()
            mask = batch["attention_mask"][..., None]
            mean = (hidden * mask).sum(1) / mask.sum(1)
            out[these] = torch.nn.functional.normalize(mean, dim=-1).numpy()
    cache.mkdir(parents=True, exist_ok=True)
    np.save(kept, out)
    return out
