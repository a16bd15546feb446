"""The command line of a training program, and the processes of one thread each that it runs in.

Processes, not threads: on busy cores two threads wait for each other at every operation, two
processes only once a step. It knows nothing of what is learned.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from torch import distributed

from training.run import Run, Schedule, write

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Values = TypeVar("Values", bound="DataclassInstance")


def parser(program: str, about: str | None, schedule: Schedule) -> argparse.ArgumentParser:
    """Return what reads the command line of a training program; `schedule` are its defaults."""
    made = argparse.ArgumentParser(prog=program, description=about)
    run = Path("runs") / program.rpartition(".")[2]
    made.add_argument("--data", type=Path, required=True, help="folder of the training files")
    made.add_argument("--run", type=Path, default=run, help="folder of the run")
    made.add_argument("--processes", type=int, default=2, help="each with one thread")
    made.add_argument("--rank", type=int, default=0, help="set between the processes")
    made.add_argument("--device", default="cpu", help="cpu, or cuda with --processes 1")
    made.add_argument("--passes", type=int, default=1, help="plans of rows, each another draw")
    add_options(made, schedule)
    return made


def add_options(made: argparse.ArgumentParser, defaults: DataclassInstance) -> None:
    """Let the command line set each field of `defaults`."""
    for name, default in asdict(defaults).items():
        made.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)


def chosen(asked: argparse.Namespace, defaults: Values) -> Values:
    """Return `defaults` as the command line, which has their fields as options, sets them."""
    return replace(defaults, **{name: getattr(asked, name) for name in asdict(defaults)})


def seeds(asked: argparse.Namespace, *, kept: bool) -> range:
    """Return the seed of each plan of rows; the held-out rows have one."""
    return range(asked.seed, asked.seed + (1 if kept else asked.passes))


def helpers(
    program: str, given: Sequence[str], asked: argparse.Namespace
) -> list[subprocess.Popen[bytes]]:
    """Start the run's other processes, if this is the first: the same program, another rank."""
    if asked.rank:
        return []
    asked.run.mkdir(parents=True, exist_ok=True)  # without it they would wait for ever
    meeting(asked.run).unlink(missing_ok=True)
    command = [sys.executable, "-m", program, *given, "--rank"]
    return [subprocess.Popen([*command, str(i)]) for i in range(1, asked.processes)]


def meeting(run: Path) -> Path:
    """Return the file through which the processes of a run find each other."""
    return (run / "meeting").resolve()


def carry_out(
    run: Run,
    train: Callable[[], None],
    about: Mapping[str, Any],
    asked: argparse.Namespace,
    others: Sequence[subprocess.Popen[bytes]],
) -> None:
    """Go on from the last checkpoint, meet the other processes, train, and wait for them.

    `about` goes to the run's log with the schedule.
    """
    run.resume()
    if asked.processes > 1:
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{meeting(run.folder)}",
            rank=asked.rank,
            world_size=asked.processes,
        )
    if asked.rank == 0:
        write(run.folder, {"schedule": asdict(run.schedule), **about, "step": run.step})
    train()
    for other in others:
        other.wait()
