"""Read a prompt and write its continuation, token by token, with a causal language model.

The loop is our own, over the model's forward pass, for three reasons. It runs in the caller's
thread, so stopping is leaving the loop and no thread can leak. The prompt is read in chunks, so
that a long one can be stopped too. And drafts mostly copy from the evidence, so the tokens that
followed the last few the last time they occurred are guessed and checked in one pass: prompt
lookup decoding (https://github.com/apoorvumang/prompt-lookup-decoding), a case of speculative
decoding (Leviathan et al., 2023, https://arxiv.org/abs/2211.17192). A guess is kept only where it
is what the model itself would write. Reading several tokens in one pass rounds differently from
reading them one by one, so where two words are a near tie the text may differ from a plain loop's;
it never differs from one run to the next.

Everything here works on token ids; the module knows nothing of text, chats or settings.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_MATCH = 3  # tokens looked for in what was read and written; the longest match guesses
GUESSES = 8  # tokens guessed a pass


@dataclass(frozen=True, slots=True)
class Prefix:
    """The keys and values of a prompt's beginning, kept to be read once: a pair a layer."""

    ids: tuple[int, ...]
    layers: tuple[tuple[Tensor, Tensor], ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """Log-probabilities: of a refusal, of each token of a suggested reply, and of the own one.

    `own` are the tokens of the model's own reply; `odds` has one more, for what ends it.
    """

    refusal: float
    reply: tuple[float, ...]
    own: tuple[int, ...]
    odds: tuple[float, ...]


def guess(ids: Sequence[int], most: int = GUESSES) -> list[int]:
    """Return up to `most` tokens that may come next: those that followed `ids`' end before.

    The longest ending of at most `LONGEST_MATCH` tokens that occurs earlier decides, at its latest
    occurrence. Empty when even the last token is new.
    """
    for length in range(min(LONGEST_MATCH, len(ids) - 1), 0, -1):
        ending = list(ids[-length:])
        for start in range(len(ids) - length - 1, -1, -1):
            if list(ids[start : start + length]) == ending:
                return list(ids[start + length : start + length + most])
    return []


class Decoder:
    """One model, and the beginning of the last prompt it read."""

    def __init__(self, model: Any, ends: frozenset[int], chunk: int) -> None:
        self.model = model
        self.ends = ends
        self.chunk = chunk
        self._prefix: Prefix | None = None

    def greedy(
        self, prompt: Sequence[int], shared: int, most: int, stop: threading.Event
    ) -> Iterator[int]:
        """Yield the likeliest continuation, up to an end mark (left out) or `most` tokens.

        The first `shared` tokens of the prompt are expected again in the next one. They are read
        by themselves whether or not they are remembered, so that the same prompt gives the same
        bytes either way.
        """
        cache, position = self._begin(prompt, shared)
        logits = self._read(cache, prompt, position, shared, stop)
        if logits is None:
            return
        ids = list(prompt)
        checkable = _can_rewind(cache)
        new = [int(logits[-1].argmax())]
        for _ in range(most):
            for token in new:
                if token in self.ends or len(ids) - len(prompt) >= most:
                    return
                ids.append(token)
                yield token
            if len(ids) - len(prompt) >= most or stop.is_set():
                return
            guessed = guess(ids) if checkable else []
            best = self._forward(cache, [ids[-1], *guessed]).argmax(-1).tolist()
            right = next((i for i, token in enumerate(guessed) if token != best[i]), len(guessed))
            if right < len(guessed):
                cache.crop(right - len(guessed))
            new = best[: right + 1]

    def sample(
        self,
        prompt: Sequence[int],
        shared: int,
        most: int,
        stop: threading.Event,
        *,
        temperature: float,
        seed: int,
    ) -> Iterator[int]:
        """Yield tokens drawn at `temperature` (> 0); the same seed draws the same tokens."""
        import torch

        source = torch.Generator().manual_seed(seed)
        cache, position = self._begin(prompt, shared)
        logits = self._read(cache, prompt, position, shared, stop)
        for _ in range(most):
            if logits is None or stop.is_set():
                return
            chances = torch.softmax(logits[-1].float() / temperature, dim=-1)
            token = int(torch.multinomial(chances, 1, generator=source))
            if token in self.ends:
                return
            yield token
            logits = self._forward(cache, [token])

    def weigh(
        self,
        prompt: Sequence[int],
        shared: int,
        refusal: int,
        reply: Sequence[int],
        most: int,
    ) -> Weighed:
        """Set a reply that someone else suggests, and a refusal, against the model's own reply.

        A refusal is one token. The model's own reply is the likeliest one that does not begin with
        it, `most` tokens at most.
        """
        cache, position = self._begin(prompt, shared)
        logits = self._read(cache, prompt, position, shared, threading.Event())
        assert logits is not None  # nothing stops it
        first = logits[-1].float().log_softmax(dim=-1)  # (vocabulary,)
        chances = first.clone()
        chances[refusal] = -math.inf
        own: list[int] = []
        odds: list[float] = []
        while True:
            token = int(chances.argmax())
            odds.append(float(chances[token]))
            if token in self.ends or len(own) == most:
                break
            own.append(token)
            chances = self._forward(cache, [token])[-1].float().log_softmax(dim=-1)
        said = [float(first[token]) for token in reply[:1]]
        if len(reply) > 1:
            cache.crop(len(prompt) - cache.get_seq_length())
            rows = self._forward(cache, reply[:-1]).float().log_softmax(dim=-1)
            said += [float(row[token]) for row, token in zip(rows, reply[1:], strict=True)]
        return Weighed(float(first[refusal]), tuple(said), tuple(own), tuple(odds))

    def _begin(self, prompt: Sequence[int], shared: int) -> tuple[Any, int]:
        """Return a cache holding what is remembered of the prompt, and how much that is."""
        from transformers.cache_utils import DynamicCache

        cache = DynamicCache(config=self.model.config)
        known = self._prefix
        if known is None or known.ids != tuple(prompt[:shared]):
            return cache, 0
        for index, (keys, values) in enumerate(known.layers):
            cache.update(keys, values, index)
        return cache, shared

    def _read(
        self, cache: Any, prompt: Sequence[int], position: int, shared: int, stop: threading.Event
    ) -> Tensor | None:
        """Read the rest of the prompt in chunks; None when stopped before its end."""
        logits = None
        while position < len(prompt):
            if stop.is_set():
                return None
            border = shared if position < shared else len(prompt)
            end = min(position + self.chunk, border)
            logits = self._forward(cache, prompt[position:end], last=True)
            position = end
            if position == shared and _can_rewind(cache):
                layers = tuple((layer.keys, layer.values) for layer in cache.layers)
                self._prefix = Prefix(tuple(prompt[:shared]), layers)
        return logits

    def _forward(self, cache: Any, ids: Sequence[int], *, last: bool = False) -> Tensor:
        """Run the model over new tokens; logits (n, vocabulary), or (1, vocabulary) of the last."""
        import torch

        with torch.inference_mode():
            output = self.model(
                input_ids=torch.tensor([list(ids)]),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1 if last else 0,
            )
            logits: Tensor = output.logits[0]
            return logits


def _can_rewind(cache: Any) -> bool:
    """Say whether tokens can be taken back: true for plain attention, not for windows or states."""
    from transformers.cache_utils import DynamicLayer

    return all(type(layer) is DynamicLayer for layer in cache.layers)
