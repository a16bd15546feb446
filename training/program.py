"""The command line of a training program, and the processes of one thread each that it runs in.

Processes, not threads: on busy cores two threads wait for each other at every operation, two
processes only once a step.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from torch import distributed

from training.encoding import Row
from training.run import Run, Schedule, train, write


def parser(program: str, about: str | None, schedule: Schedule) -> argparse.ArgumentParser:
    """Return what reads the command line of a training program; `schedule` are its defaults."""
    made = argparse.ArgumentParser(prog=program, description=about)
    run = Path("runs") / program.rpartition(".")[2]
    made.add_argument("--data", type=Path, required=True, help="folder of the training files")
    made.add_argument("--run", type=Path, default=run, help="folder of the run")
    made.add_argument("--processes", type=int, default=2, help="each with one thread")
    made.add_argument("--rank", type=int, default=0, help="set between the processes")
    for name, default in asdict(schedule).items():
        made.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    return made


def chosen(asked: argparse.Namespace) -> Schedule:
    """Return the schedule of a command line."""
    return Schedule(**{name: getattr(asked, name) for name in asdict(Schedule())})


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
    groups: Sequence[tuple[Row, ...]],
    kept: Sequence[tuple[Row, ...]],
    asked: argparse.Namespace,
    others: Sequence[subprocess.Popen[bytes]],
) -> None:
    """Go on from the last checkpoint, meet the other processes, train, and wait for them."""
    run.resume()
    if asked.processes > 1:
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{meeting(run.folder)}",
            rank=asked.rank,
            world_size=asked.processes,
        )
    if asked.rank == 0:
        start = {"schedule": asdict(run.schedule), "groups": len(groups), "step": run.step}
        write(run.folder, start)
    train(run, groups, kept)
    for other in others:
        other.wait()
