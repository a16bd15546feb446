"""A run of training: steps, learning rate, log, and a state from which a killed run goes on.

The learning rate follows the share of the budget that is used, rows or minutes, whichever is
further, so a run on a slow machine still ends well. It knows no data and no command line.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import distributed

from rag.reader_network import ReaderNetwork
from training.encoding import Row, batches, collate
from training.measure import measure
from training.network import losses, score

LOGGED = 20  # steps a line of the log
QUICK = 400  # held-out groups measured on the way; all of them at the end


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn. `minutes` 0 leaves the clock out of it."""

    rows: int = 110_000
    minutes: float = 0.0
    rate: float = 1.5e-4
    head_rate: float = 3e-4
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
    """A network being trained, with all that is needed to go on after a stop."""

    def __init__(self, network: ReaderNetwork, schedule: Schedule, folder: Path) -> None:
        self.network = network
        self.schedule = schedule
        self.folder = folder
        self.step = 0
        self.done = 0  # rows
        self.seconds = 0.0
        self.optimiser = torch.optim.AdamW(
            parameter_groups(network), lr=schedule.rate, weight_decay=schedule.decay
        )
        self.rates = (schedule.rate, schedule.rate, schedule.head_rate)

    def learn(self, groups: Sequence[tuple[Row, ...]]) -> dict[str, float]:
        """Take one step; return the parts of the loss and their sum."""
        started = time.monotonic()
        factor = self.schedule.factor(self.schedule.share(self.done, self.seconds))
        for part, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            part["lr"] = rate * factor
        batch = collate(groups)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            scores = score(self.network, batch)
        parts = losses(scores, batch)
        total = torch.stack(list(parts.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        clock = self.seconds + time.monotonic() - started
        counted, self.seconds = share_gradients(self.network, len(batch), clock)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
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
        for name, parameter in self.network.changed().items():
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
            for name, parameter in self.network.changed().items():
                parameter.copy_(tensors[f"weight/{name}"])
                self.optimiser.state[parameter] = {
                    key: tensors[f"state/{key}/{name}"].reshape(shape)
                    for key, shape in moments(parameter).items()
                    if f"state/{key}/{name}" in tensors
                }
        with safe_open(path, "pt") as opened:
            counters = opened.metadata()
        self.step, self.done = int(counters["step"]), int(counters["done"])
        self.seconds = float(counters["seconds"])
        return True


def parameter_groups(network: ReaderNetwork) -> list[dict[str, Any]]:
    """Return the optimiser's groups: encoder matrices, encoder vectors (no decay), heads."""
    named = network.changed().items()
    encoder = [p for name, p in named if name.startswith("encoder.")]
    heads = [p for name, p in named if not name.startswith("encoder.")]
    return [
        {"params": [p for p in encoder if p.dim() > 1]},
        {"params": [p for p in encoder if p.dim() < 2], "weight_decay": 0.0},
        {"params": heads},
    ]


def moments(parameter: torch.Tensor) -> dict[str, torch.Size]:
    """Return the shapes of what AdamW remembers of a parameter."""
    return {"step": torch.Size(()), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}


def share_gradients(network: ReaderNetwork, count: int, seconds: float) -> tuple[int, float]:
    """Average gradients over the processes; return their rows together and the first's clock."""
    if not distributed.is_initialized():
        return count, seconds
    clock = seconds if distributed.get_rank() == 0 else 0.0
    parameters = list(network.changed().values())
    gradients = [p.grad.flatten() for p in parameters if p.grad is not None]
    flat = torch.cat([*gradients, torch.tensor([float(count), clock])])
    distributed.all_reduce(flat)
    at = 0
    for parameter in parameters:
        mean = flat[at : at + parameter.numel()] / distributed.get_world_size()
        parameter.grad = mean.reshape(parameter.shape)
        at += parameter.numel()
    return int(flat[-2]), float(flat[-1])


def ordered(
    groups: Sequence[tuple[Row, ...]], schedule: Schedule, rank: int = 0, processes: int = 1
) -> Iterator[list[tuple[Row, ...]]]:
    """Yield a process's batches of a run, the same at each call, pass after pass."""
    for epoch in itertools.count():
        every = batches(groups, schedule.tokens, Random(f"{schedule.seed}/{epoch}"))
        yield from itertools.islice(every, rank, None, processes)


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


def train(
    run: Run,
    groups: Sequence[tuple[Row, ...]],
    kept: Sequence[tuple[Row, ...]] = (),
    *,
    steps: int | None = None,
) -> None:
    """Learn until the budget is used (or for so many steps), saving and measuring on the way."""
    rank, processes = place()
    todo = itertools.islice(ordered(groups, run.schedule, rank, processes), run.step, None)
    last = sys.maxsize if steps is None else run.step + steps
    saved = measured = time.monotonic()
    sums: dict[str, float] = {}
    while not run.finished() and run.step < last:
        for name, value in run.learn(next(todo)).items():
            sums[name] = sums.get(name, 0.0) + value
        if rank > 0:
            continue
        if run.step % LOGGED == 0:
            counters = {"step": run.step, "rows": run.done, "seconds": round(run.seconds)}
            write(run.folder, counters | {n: round(v / LOGGED, 5) for n, v in sums.items()})
            sums = {}
        now = time.monotonic()
        if now - saved > 60 * run.schedule.checkpoint_minutes:
            run.save()
            saved = now
        if kept and now - measured > 60 * run.schedule.measure_minutes:
            write(run.folder, {"step": run.step, "held_out": measure(run.network, kept[:QUICK])})
            measured = time.monotonic()
            run.seconds += measured - now
    if rank == 0:
        run.save()
        if kept:
            write(run.folder, {"step": run.step, "held_out": measure(run.network, kept)})
