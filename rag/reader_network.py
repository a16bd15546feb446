"""The trained reader's network, and how its weights are stored: a small change to a known base.

The encoder is the embedder's BERT; four heads say whether a passage is about the question, whether
it answers it, where, and whether a premise supports a hypothesis. Pooling joins `[CLS]` with the
mean over all tokens: the base was trained for the mean, and its `[CLS]` says little.

Weights are kept as int8 differences from the base with one scale a row. This module imports torch;
`rag.cross_encoder` imports it only when weights are opened.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

FORMAT = "rag-reader-1"
FROZEN = ("embeddings.word_embeddings", "embeddings.position_embeddings")
LAYER = re.compile(r"encoder\.encoder\.layer\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network says. `start` and `end` are (n, length), -inf where not readable."""

    relevance: Tensor  # (n,) logits
    answerable: Tensor  # (n,) logits
    start: Tensor
    end: Tensor
    support: Tensor  # (n, 3) logits: supported, refuted, unrelated

    def cpu(self) -> Scores:
        """Return the scores where Python can read them one by one."""
        parts = (self.relevance, self.answerable, self.start, self.end, self.support)
        return Scores(*(part.cpu() for part in parts))


class ReaderNetwork(nn.Module):
    """A BERT encoder of the given width, and heads."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.pool = nn.Linear(2 * width, width)
        self.relevance = nn.Linear(width, 1)
        self.answerable = nn.Linear(width, 1)
        self.support = nn.Linear(width, 3)
        self.span = nn.Linear(width, 2)

    @classmethod
    def start(cls, folder: Path, seed: int = 0) -> ReaderNetwork:
        """Begin from a BERT folder's weights, with fresh heads and no dropout."""
        from transformers import AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        level = logging.get_verbosity()
        logging.set_verbosity_error()  # the base's own pooler is left out on purpose
        torch.manual_seed(seed)
        encoder = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            add_pooling_layer=False,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        logging.set_verbosity(level)
        return cls(encoder, int(encoder.config.hidden_size))

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, readable: Tensor) -> Scores:
        """Score rows of `[CLS] question [SEP] passage [SEP]`; all arguments are (n, length).

        `readable` marks where a span may begin or end: the passage, and [CLS] for "no answer".
        """
        hidden = self.encoder(
            input_ids=ids, token_type_ids=types, attention_mask=mask
        ).last_hidden_state.float()
        weight = mask[..., None].float()
        mean = (hidden * weight).sum(1) / weight.sum(1)
        pooled = functional.gelu(self.pool(torch.cat([hidden[:, 0], mean], dim=-1)).float())
        spans = self.span(hidden).float().masked_fill(~readable[..., None], -math.inf)
        return Scores(
            self.relevance(pooled).float()[:, 0],
            self.answerable(pooled).float()[:, 0],
            spans[..., 0],
            spans[..., 1],
            self.support(pooled).float(),
        )

    def changed(self) -> dict[str, nn.Parameter]:
        """Return the parameters that training changes, by name.

        All but the two big tables, unless `only_support` left fewer.
        """
        return {
            name: weight
            for name, weight in self.named_parameters()
            if weight.requires_grad and not name.removeprefix("encoder.").startswith(FROZEN)
        }

    def only_support(self, upper: int) -> ReaderNetwork:
        """Leave the last `upper` layers of the encoder and the support head to be changed."""
        layers = {name: LAYER.match(name) for name, _ in self.named_parameters()}
        first = 1 + max(int(found[1]) for found in layers.values() if found) - upper
        for name, weight in self.named_parameters():
            layer = layers[name]
            head = name.startswith(("pool.", "support."))
            weight.requires_grad = int(layer[1]) >= first if layer else head
        return self


def pack(trained: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Write trained weights as differences from the base.

    Matrices of the encoder: int8 with a float32 scale a row (`NAME/int8`, `NAME/scale`), so that
    an element is off by at most half its row's scale. Everything else: float16 (`NAME`); what the
    base lacks counts as zero there.
    """
    packed = {}
    for name, weight in trained.items():
        delta = weight.detach().float() - base.get(name, torch.zeros(())).float()
        if delta.dim() == 2 and name in base:
            scale = (delta.abs().amax(dim=1) / 127).clamp_min(1e-12)  # (rows,)
            packed[f"{name}/int8"] = (delta / scale[:, None]).round().to(torch.int8)
            packed[f"{name}/scale"] = scale
        else:
            packed[name] = delta.to(torch.float16)
    return packed


def unpack(packed: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the trained weights that `pack` wrote, up to its rounding."""
    trained = {}
    for key, stored in packed.items():
        name, _, part = key.partition("/")
        if part == "scale":
            continue
        delta = stored.float()
        if part == "int8":
            delta = delta * packed[f"{name}/scale"][:, None]
        trained[name] = base.get(name, torch.zeros(())).float() + delta
    return trained


def encoder_weights(network: ReaderNetwork) -> dict[str, Tensor]:
    """Return the encoder's weights by their names in the whole network: the base of `pack`."""
    return {f"encoder.{name}": weight for name, weight in network.encoder.state_dict().items()}
