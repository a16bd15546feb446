"""How long indexing many small files takes: the first time, cut short, resumed, and again.

    python benchmarks/index.py [--files N] [--fake] [--json]

Each file holds 120 words drawn by a seed, no two alike. --fake embeds by hashing words, so that
what is timed is everything but the model. The run that is cut short gets SIGKILL when half of the
passages are embedded; the peak is the memory of the process that indexes (`ru_maxrss`).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import signal
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rag.embedder import Embedder, SentenceEmbedder
from rag.ingest import build
from rag.settings import Settings

SEED = 0
WORDS = 120
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write(folder: Path, count: int) -> None:
    """Write the files, in folders of a hundred."""
    dice = random.Random(SEED)
    known = ["".join(dice.choices(LETTERS, k=dice.randint(2, 9))) for _ in range(5_000)]
    for n in range(count):
        path = folder / f"{n // 100:03}" / f"note-{n:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        said = dice.choices(known, k=WORDS)
        lines = [" ".join(said[at : at + 12]).capitalize() + "." for at in range(0, WORDS, 12)]
        path.write_text(f"Note {n}\n\n" + " ".join(lines) + "\n", encoding="utf-8")


def opened(fake: bool) -> Embedder:
    """Load the embedder, or the one that hashes words."""
    settings = Settings()
    if not fake:
        return SentenceEmbedder.open(settings.models)
    from tests.index_fakes import HashEmbedder

    return HashEmbedder()


def run(docs: str, index: str, fake: bool, pipe: Connection) -> None:
    """Index once and send how it went: the body of each process."""
    embedder = opened(fake)
    began = time.perf_counter()
    at = {"read": 0.0}

    def progress(stage: str, done: int, total: int) -> None:
        at[stage] = time.perf_counter() - began
        if stage == "embed":
            pipe.send((done, total))

    report, skipped = build(Path(docs), Path(index), Settings(), embedder=embedder,
                            progress=progress)  # fmt: skip
    pipe.send(
        {
            "seconds": time.perf_counter() - began,
            "read": at["read"],
            "embed": at.get("embed", at["read"]) - at["read"],
            "embedded": report.embedded,
            "passages": report.passages,
            "files": len(report.files),
            "skipped": len(skipped),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )


def measured(docs: Path, index: Path, fake: bool, *, kill: bool = False) -> dict[str, Any]:
    """Index in a process of its own; with `kill` end it when half is embedded."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run, args=(str(docs), str(index), fake, theirs))
    process.start()
    theirs.close()
    told: Any = None
    while not isinstance(told, dict):
        told = ours.recv()
        if kill and isinstance(told, tuple) and told[0] * 2 >= told[1]:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            told = {"killed_at": told[0], "of": told[1]}
    process.join()
    return dict(told)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--fake", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as place:
        docs, index = Path(place) / "docs", Path(place) / "index"
        write(docs, chosen.files)
        found["cut short"] = measured(docs, index, chosen.fake, kill=True)
        found["resumed"] = measured(docs, index, chosen.fake)
        found["again, nothing changed"] = measured(docs, index, chosen.fake)
        (docs / "000" / "note-00007.txt").write_text("It says something else now.\n")
        found["again, one file changed"] = measured(docs, index, chosen.fake)
        found["from nothing"] = measured(docs, Path(place) / "fresh", chosen.fake)
        size = sum(path.stat().st_size for path in index.iterdir())
    if chosen.json:
        print(json.dumps({"files": chosen.files, "index_bytes": size, **found}, indent=2))
        return
    print(f"{chosen.files:,} files, seed {SEED}, index of {size / 1e6:.0f} MB")
    for name, figures in found.items():
        said = ", ".join(
            f"{key} {value:.1f}" if isinstance(value, float) else f"{key} {value:,}"
            for key, value in figures.items()
        )
        print(f"{name}: {said}")


if __name__ == "__main__":
    main()
