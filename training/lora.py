"""Low-rank changes of a language model's linear layers, to be trained while the model stays.

After Hu et al. (2021), "LoRA", https://arxiv.org/abs/2106.09685: y = W x + SCALE * B A x, where A
begins random and B at zero. Only layers from a given one on are changed, so that nothing below it
is remembered for the backward pass. The frozen weights may be bfloat16; A and B are float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SCALE = 2.0  # on the change, whatever its rank
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Shape:
    """How much may change: the rank of a change, and the first layer that does."""

    low_rank: int = 16
    first: int = 8


class LowRank(nn.Module):
    """A frozen linear layer and what is added to it."""

    def __init__(self, inner: nn.Linear, rank: int) -> None:
        super().__init__()
        self.inner = inner
        self.a = nn.Parameter(torch.empty(rank, inner.in_features))
        self.b = nn.Parameter(torch.zeros(inner.out_features, rank))
        nn.init.normal_(self.a, std=inner.in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + SCALE * B A x, calculated in the type of x."""
        low = functional.linear(x, self.a.to(x.dtype))
        whole: Tensor = self.inner(x)
        return whole + functional.linear(low, (self.b * SCALE).to(x.dtype))


def adapt(model: Any, shape: Shape, seed: int) -> Any:
    """Freeze a Llama-like model and put changes on its upper layers; returns the same model."""
    model.requires_grad_(False)
    torch.manual_seed(seed)
    for layer in model.model.layers[shape.first :]:
        for part in (layer.self_attn, layer.mlp):
            for name in PROJECTIONS:
                if isinstance(inner := getattr(part, name, None), nn.Linear):
                    setattr(part, name, LowRank(inner, shape.low_rank))
    return model


def changed(model: Any) -> dict[str, nn.Parameter]:
    """Return what is trained: `NAME/a` and `NAME/b`, after each layer's name in the plain model."""
    return {
        f"{name}/{part}": getattr(module, part)
        for name, module in model.named_modules()
        if isinstance(module, LowRank)
        for part in ("a", "b")
    }
