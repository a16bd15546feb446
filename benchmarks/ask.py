"""How long an answer takes with the models loaded: median, 95th percentile, first words.

    python benchmarks/ask.py [QUESTIONS.jsonl] [--index DIR] [--limit N] [--json]

QUESTIONS.jsonl holds {"question": ...} a line; the golden questions unless given. One question is
asked before the clock starts. First words are the first token of the draft; an answer without a
draft (an abstention) shows its words when it is done, and counts with that time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from rag import Pipeline
from rag.pipeline import History

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "seed.jsonl"


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of one answer; `stages` are the pipeline's own timings."""

    question: str
    abstained: bool
    first_words: float
    total: float
    stages: dict[str, float]


def timed(bot: Pipeline, question: str, history: History = ()) -> Timed:
    """Ask once and watch the clock."""
    began = time.perf_counter()
    first = 0.0
    for event in bot.stream(question, history):
        if event.kind == "token" and not first:
            first = time.perf_counter() - began
        if event.answer:
            total = time.perf_counter() - began
            answer = event.answer
    return Timed(question, answer.abstained, first or total, total, dict(answer.timings))


def summary(runs: Sequence[Timed], opened: float) -> dict[str, Any]:
    """Return the figures: seconds at the median and the 95th percentile."""
    names = [*dict.fromkeys(name for run in runs for name in run.stages if name != "total")]
    stages = {name: [run.stages[name] for run in runs if name in run.stages] for name in names}
    return {
        "questions": len(runs),
        "abstained": sum(run.abstained for run in runs),
        "open_s": opened,
        "ask_s": spread([run.total for run in runs]),
        "first_words_s": spread([run.first_words for run in runs]),
        "stages_s": {name: spread(values) for name, values in stages.items()},
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "transformers", "faiss-cpu")},
        },
    }


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile."""
    return {
        "median": round(float(np.median(seconds)), 4),
        "p95": round(float(np.quantile(seconds, 0.95)), 4),
    }


def table(figures: dict[str, Any]) -> str:
    """Lay the figures out for a person."""
    lines = [f"{'':<14} median     p95"]
    rows = {"ask": figures["ask_s"], "first words": figures["first_words_s"]}
    rows |= {f"  {name}": value for name, value in figures["stages_s"].items()}
    for name, value in rows.items():
        lines.append(f"{name:<14} {value['median']:5.2f} s {value['p95']:5.2f} s")
    lines.append(
        f"{figures['questions']} questions, {figures['abstained']} abstained; "
        f"opened in {figures['open_s']:.1f} s; {figures['machine']}"
    )
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("questions", nargs="?", type=Path, default=GOLDEN)
    parser.add_argument("--index", type=Path, help="the index's folder (default: index/)")
    parser.add_argument("--limit", type=int, default=0, help="ask only the first N")
    parser.add_argument("--json", action="store_true", help="print JSON, with every question")
    chosen = parser.parse_args()

    lines = chosen.questions.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    questions = [(row["question"], row.get("history", ())) for row in rows]
    began = time.perf_counter()
    with Pipeline.open(index=chosen.index) as bot:
        opened = time.perf_counter() - began
        bot.ask(*questions[0])
        runs = [timed(bot, *question) for question in questions[: chosen.limit or None]]
    figures = summary(runs, opened)
    if chosen.json:
        print(json.dumps({**figures, "runs": [asdict(run) for run in runs]}, ensure_ascii=False))
    else:
        print(table(figures))


if __name__ == "__main__":
    main()
