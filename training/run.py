"""A training run: its budget, its state on disk, its log, and gradients shared between processes.

The learning rate follows the share of the budget that is used, rows or minutes, whichever is
further, so a run on a slow machine still ends well. Every few minutes the state is written, so that
a killed run goes on where it was. Knows nothing of what is learned, and no command line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, distributed, nn

LOGGED = 20  # steps a line of the log


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn. `minutes` 0 leaves the clock out of it."""

    rows: int = 110_000
    minutes: float = 0.0
    rate: float = 1.5e-4
    warmup: float = 0.06
    decay: float = 0.01
    tokens: int = 3_600
    length: int = 240
    seed: int = 0
    checkpoint_minutes: float = 8.0
    measure_minutes: float = 16.0

    def share(self, done: int, seconds: float) -> float:
        """Return how much of the budget is used, in [0, 1]."""
        clock = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(done / self.rows, clock))

    def factor(self, share: float) -> float:
        """Return the learning rate's factor: linear warm-up, then linear decay to nothing."""
        if share < self.warmup:
            return (share + 1e-3) / (self.warmup + 1e-3)
        return max(0.0, (1 - share) / (1 - self.warmup))


class Run:
    """Named weights being trained, with all that is needed to go on after a stop.

    `groups` are the optimiser's, each with its own `lr` at the schedule's peak.
    """

    def __init__(
        self,
        weights: Mapping[str, nn.Parameter],
        groups: list[dict[str, Any]],
        schedule: Schedule,
        folder: Path,
    ) -> None:
        self.weights = weights
        self.schedule = schedule
        self.folder = folder
        self.step = 0
        self.done = 0  # rows
        self.seconds = 0.0
        self.optimiser = torch.optim.AdamW(groups, lr=schedule.rate, weight_decay=schedule.decay)
        self.rates = [float(part["lr"]) for part in self.optimiser.param_groups]

    def descend(self, losses: Callable[[], dict[str, Tensor]], count: int) -> dict[str, float]:
        """Take one step on a batch of `count` rows; return the parts of its loss and their sum."""
        started = time.monotonic()
        factor = self.schedule.factor(self.schedule.share(self.done, self.seconds))
        for part, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            part["lr"] = rate * factor
        parts = losses()
        total = torch.stack(list(parts.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        clock = self.seconds + time.monotonic() - started
        counted, self.seconds = share_gradients(list(self.weights.values()), count, clock)
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimiser.step()
        self.step += 1
        self.done += counted
        return {name: float(part.detach()) for name, part in parts.items()} | {
            "loss": float(total.detach()),
            "rate": self.schedule.rate * factor,
        }

    def finished(self) -> bool:
        """Say whether the budget is used up."""
        return self.schedule.share(self.done, self.seconds) >= 1.0

    def save(self) -> None:
        """Write weights, optimiser and counters; a crash in between leaves the older state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {}
        for name, parameter in self.weights.items():
            tensors[f"weight/{name}"] = parameter.detach().contiguous()
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"state/{key}/{name}"] = value.reshape(-1).contiguous()
        counters = {"step": str(self.step), "done": str(self.done), "seconds": repr(self.seconds)}
        new = self.folder / "checkpoint.new"
        save_file(tensors, new, metadata=counters)
        new.replace(self.folder / "checkpoint.safetensors")

    def resume(self) -> bool:
        """Load the last saved state; False when there is none."""
        path = self.folder / "checkpoint.safetensors"
        if not path.exists():
            return False
        tensors = load_file(path)
        with torch.no_grad():
            for name, parameter in self.weights.items():
                parameter.copy_(tensors[f"weight/{name}"])
                self.optimiser.state[parameter] = {
                    key: tensors[f"state/{key}/{name}"].reshape(shape).to(_home(key, parameter))
                    for key, shape in moments(parameter).items()
                    if f"state/{key}/{name}" in tensors
                }
        with safe_open(path, "pt") as opened:
            counters = opened.metadata()
        self.step, self.done = int(counters["step"]), int(counters["done"])
        self.seconds = float(counters["seconds"])
        return True

    def train(
        self,
        learn: Callable[[], dict[str, float]],
        measure: Callable[[bool], dict[str, float]] | None,
        steps: int | None = None,
    ) -> None:
        """Call `learn` until the budget is used (or for so many steps), saving on the way.

        `measure` is asked for held-out figures now and then, quick ones, and at the end (with
        True) for all; only the first process logs, saves and measures.
        """
        rank, _ = place()
        last = sys.maxsize if steps is None else self.step + steps
        saved = measured = time.monotonic()
        sums: dict[str, float] = {}
        while not self.finished() and self.step < last:
            for name, value in learn().items():
                sums[name] = sums.get(name, 0.0) + value
            if rank > 0:
                continue
            if self.step % LOGGED == 0:
                counters = {"step": self.step, "rows": self.done, "seconds": round(self.seconds)}
                write(self.folder, counters | {n: round(v / LOGGED, 5) for n, v in sums.items()})
                sums = {}
            now = time.monotonic()
            if now - saved > 60 * self.schedule.checkpoint_minutes:
                self.save()
                saved = now
            if measure and now - measured > 60 * self.schedule.measure_minutes:
                write(self.folder, {"step": self.step, "held_out": measure(False)})
                measured = time.monotonic()
                self.seconds += measured - now
        if rank == 0:
            self.save()
            if measure:
                write(self.folder, {"step": self.step, "held_out": measure(True)})


def moments(parameter: Tensor) -> dict[str, torch.Size]:
    """Return the shapes of what AdamW remembers of a parameter."""
    return {"step": torch.Size(()), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}


def _home(key: str, parameter: Tensor) -> torch.device:
    """Return where AdamW keeps what it remembers: beside the parameter, its count of steps not."""
    return torch.device("cpu") if key == "step" else parameter.device


def share_gradients(
    parameters: Sequence[nn.Parameter], count: int, seconds: float
) -> tuple[int, float]:
    """Average gradients over the processes; return their rows together and the first's clock."""
    if not distributed.is_initialized():
        return count, seconds
    clock = seconds if distributed.get_rank() == 0 else 0.0
    gradients = [p.grad.flatten() for p in parameters if p.grad is not None]
    flat = torch.cat([*gradients, torch.tensor([float(count), clock])])
    distributed.all_reduce(flat)
    at = 0
    for parameter in parameters:
        mean = flat[at : at + parameter.numel()] / distributed.get_world_size()
        parameter.grad = mean.reshape(parameter.shape)
        at += parameter.numel()
    return int(flat[-2]), float(flat[-1])


def write(folder: Path, row: dict[str, Any]) -> None:
    """Add a line to the run's log."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")


def place() -> tuple[int, int]:
    """Return this process's rank and how many there are."""
    if not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()
