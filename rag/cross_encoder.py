"""The trained reader's judgement of texts: question with passage, premise with hypothesis.

One small encoder reads both texts together, which a comparison of two vectors cannot. It says how
relevant a passage is, whether it answers the question, where, and whether a premise supports a
sentence. It knows nothing of documents, hits or what is done with its judgement; it loads torch
only when opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelDamaged, ModelMissing
from rag.threads import limit_threads
from rag.types import Judgement

if TYPE_CHECKING:
    from rag.reader_network import ReaderNetwork, Scores

BATCH = 8  # rows a forward pass
LENGTH = 256  # tokens a row; training saw 240
QUESTION = 48  # tokens of a question that are read
TITLE = 16  # tokens of a title that are read
STRIDE = 64  # tokens that two windows of a long passage share
LONGEST = 30  # tokens of an answer at most
HINT = "reinstall the package, or choose the untrained reader"


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a pair that fits a row: ids, and where its passage tokens are.

    The second text starts at position `second` of the row: a title, if there is one, then the
    passage from position `first`. `offsets` are the characters of each passage token in the whole
    passage. A span may begin where `opens`, and end where `closes`.
    """

    pair: int
    ids: tuple[int, ...]
    second: int
    first: int
    offsets: tuple[tuple[int, int], ...]
    opens: tuple[bool, ...]
    closes: tuple[bool, ...]


class CrossEncoder:
    """A trained reader, ready to judge."""

    def __init__(self, network: ReaderNetwork, tokenizer: Any, question: int = QUESTION) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._question = question

    @classmethod
    def open(
        cls,
        base: Path,
        weights: Path,
        threads: int = 0,
        *,
        question: int = QUESTION,
        upper: int = 0,
    ) -> CrossEncoder:
        """Load the base encoder's folder and put the weights file's changes on it.

        `question` bounds the tokens of a question that are read. With `upper` the file holds only
        so many of the last layers and the support head: `support` is all that may be asked then.

        Raises:
            ModelMissing: a file is not there.
            ModelDamaged: the weights are of another format, or were made for another base.
        """
        model, tokens = base / "model.safetensors", base / "tokenizer.json"
        for path in (model, tokens, weights):
            if not path.is_file():
                raise ModelMissing(f"a trained model's file is not there: {path}", hint=HINT)
        from tokenizers import Tokenizer

        limit_threads(threads)
        network = load_network(base, weights, upper)
        tokenizer = Tokenizer.from_file(str(tokens))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(network, tokenizer, question)

    def judge(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] = (),
        parts: Sequence[Sequence[tuple[int, int]]] = (),
    ) -> list[Judgement]:
        """Judge every passage against the question, in order.

        `titles` and `parts`, if given, are one a passage. A title is read before its passage, but
        no span lies in it. Parts are characters (start, end) of the passage, its sentences say,
        in each of which the best span is wanted.
        A passage longer than a row is read in windows: the best window's relevance and
        answerability, and the best spans of all.
        """
        found: dict[int, list[Judgement]] = {}
        titles = titles or [""] * len(passages)
        parts = parts or [()] * len(passages)
        asked = [(question, *pair) for pair in zip(passages, titles, strict=True)]
        for windows, scores in self._scores(asked):
            for i, window in enumerate(windows):
                spans = SpanScores.of(
                    np.asarray(scores.start[i]), np.asarray(scores.end[i]), window
                )
                one = Judgement(
                    float(scores.relevance[i]),
                    float(scores.answerable[i]),
                    *spans.best(),
                    tuple(spans.best(part) for part in parts[window.pair]),
                )
                found.setdefault(window.pair, []).append(one)
        return [join(found[i]) for i in range(len(passages))]

    def support(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Say whether premises support hypotheses: pairs (premise, hypothesis) -> (n, 3).

        Columns are the probabilities of supported, refuted and unrelated. Of a long premise the
        window with the least "unrelated" counts.
        """
        out = np.zeros((len(pairs), 3), dtype=np.float64)
        out[:, 2] = 2.0
        asked = [(hypothesis, premise, "") for premise, hypothesis in pairs]
        for windows, scores in self._scores(asked):
            rows = np.asarray(scores.support.double().softmax(dim=-1))
            for window, row in zip(windows, rows, strict=True):
                if row[2] < out[window.pair, 2]:
                    out[window.pair] = row
        return out

    def _scores(
        self, pairs: Sequence[tuple[str, str, str]]
    ) -> Iterator[tuple[list[Window], Scores]]:
        """Yield batches of windows of (question, passage, title), with their scores."""
        import torch

        questions: dict[str, list[int]] = {}
        windows: list[Window] = []
        for i, (question, passage, title) in enumerate(pairs):
            if question not in questions:
                questions[question] = self._ids(question, self._question)
            windows += self._windows(i, questions[question], passage, self._ids(title, TITLE))
        windows.sort(key=lambda window: len(window.ids))
        for at in range(0, len(windows), BATCH):
            part = windows[at : at + BATCH]
            with torch.inference_mode():
                yield part, self._network(*(torch.from_numpy(array) for array in pad(part)))

    def _ids(self, text: str, most: int) -> list[int]:
        """Return a text's first tokens."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids[:most]

    def _windows(
        self, pair: int, question: Sequence[int], passage: str, title: Sequence[int] = ()
    ) -> Iterator[Window]:
        """Yield the rows that a passage needs: one, or several that share `STRIDE` tokens."""
        cls, sep = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        read = self._tokenizer.encode(passage, add_special_tokens=False)
        words = [*read.word_ids, None]
        before = (cls, *question, sep, *title)
        room = LENGTH - len(before) - 1
        for at in range(0, max(1, len(read.ids) - STRIDE), room - STRIDE):
            end = min(at + room, len(read.ids))
            yield Window(
                pair,
                (*before, *read.ids[at:end], sep),
                len(question) + 2,
                len(before),
                tuple(read.offsets[at:end]),
                tuple(i == 0 or words[i] != words[i - 1] for i in range(at, end)),
                tuple(words[i] != words[i + 1] for i in range(at, end)),
            )


def load_network(base: Path, weights: Path, upper: int = 0) -> ReaderNetwork:
    """Return the network of a base folder and a weights file, ready for inference.

    With `upper` the file must hold just the parts that `ReaderNetwork.only_support` leaves.

    Raises:
        ModelDamaged: the weights are of another format, or were made for another base.
    """
    from safetensors import SafetensorError, safe_open

    from rag.reader_network import FORMAT, ReaderNetwork, encoder_weights, unpack

    try:
        with safe_open(weights, "pt") as opened:
            about = opened.metadata() or {}
            packed = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelDamaged(f"{weights.name} cannot be read: {error}", hint=HINT) from error
    if about.get("format") != FORMAT or about.get("base") != base_hash(base):
        raise ModelDamaged(f"{weights.name}: these weights do not fit the embedder", hint=HINT)
    network = ReaderNetwork.start(base)
    if upper:
        network.only_support(upper)
    trained = unpack(packed, encoder_weights(network))
    if set(trained) != set(network.changed()):
        raise ModelDamaged(f"{weights.name}: these weights are not complete", hint=HINT)
    network.load_state_dict(trained, strict=False)
    return network.eval()


def base_hash(base: Path) -> str:
    """Return the SHA-256 of the base's weights, which a weights file names."""
    with (base / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pad(windows: Sequence[Window]) -> tuple[NDArray[Any], ...]:
    """Return ids, types, mask and readable, each (n, length of the longest)."""
    shape = (len(windows), max(len(window.ids) for window in windows))
    ids, types, mask = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    readable = np.zeros(shape, dtype=bool)
    for i, window in enumerate(windows):
        size = len(window.ids)
        ids[i, :size] = window.ids
        types[i, window.second : size] = 1
        mask[i, :size] = 1
        readable[i, window.first : size - 1] = True
        readable[i, 0] = True
    return ids, types, mask, readable


@dataclass(frozen=True, slots=True)
class SpanScores:
    """The scores (count, count) of a window's spans, first token by last; -inf for no span."""

    pairs: NDArray[np.float32]
    offsets: NDArray[np.int64]  # (count, 2) characters of the passage

    @classmethod
    def of(cls, start: NDArray[np.float32], end: NDArray[np.float32], window: Window) -> SpanScores:
        """Score every span of whole words.

        The score is start + end of the span less start + end of "no answer", as for SQuAD 2.0
        (Devlin et al. 2019, "BERT", section 4.3). A word of more than `LONGEST` tokens has no span.
        """
        count = len(window.offsets)
        inside = slice(window.first, window.first + count)
        opens = np.where(window.opens, start[inside], -np.inf)
        closes = np.where(window.closes, end[inside], -np.inf)
        pairs = opens[:, None] + closes[None, :] - (start[0] + end[0])
        upper = np.tri(count, count, LONGEST - 1, dtype=bool)
        allowed = upper & ~np.tri(count, count, -1, dtype=bool)
        offsets = np.array(window.offsets, dtype=np.int64).reshape(count, 2)
        return cls(np.where(allowed, pairs, -np.inf), offsets)

    def best(self, part: tuple[int, int] | None = None) -> tuple[int, int, float]:
        """Return the characters of the best span and its score; of those within a part if given.

        Without a span: an empty one where the part begins, and the score -inf.
        """
        low, high = 0, len(self.offsets)
        if part is not None:
            low = int(np.searchsorted(self.offsets[:, 0], part[0]))
            high = int(np.searchsorted(self.offsets[:, 1], part[1], side="right"))
        pairs = self.pairs[low:high, low:high]
        if not np.isfinite(pairs).any():
            at = part[0] if part else 0
            return at, at, -np.inf
        first, last = np.unravel_index(int(pairs.argmax()), pairs.shape)
        return (
            int(self.offsets[low + first, 0]),
            int(self.offsets[low + last, 1]),
            float(pairs[first, last]),
        )


def join(windows: Sequence[Judgement]) -> Judgement:
    """Return the judgement of a passage from those of its windows."""
    span = max(windows, key=lambda one: one.span_score)
    relevance = max(one.relevance for one in windows)
    answerable = max(one.answerable for one in windows)
    parts = zip(*(one.parts for one in windows), strict=True)
    best = tuple(max(same, key=lambda part: part[2]) for same in parts)
    return Judgement(relevance, answerable, span.start, span.end, span.span_score, best)
