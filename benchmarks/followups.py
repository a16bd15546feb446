"""How well follow-up questions are made to stand alone, measured against people's rewrites.

    python benchmarks/followups.py --data ../shared/train [--half tune|report] [--json]

`rewrite.jsonl.gz` holds {"source", "history", "question", "rewrite"} a line. Conversations are
split in two by a hash of how they begin: rules were made while looking at one half (`tune`), the
figures to quote are those of the other (`report`). A question is a follow-up when its rewrite has
content words that it has not, else it stands alone. Words are compared as stems:

    left alone   of the questions that stand alone, those returned as they are
    resolved     of the follow-ups, those that were changed
    recall       of the words that rewrites add and the history holds, those that we add too
    precision    of the words that we add, those that the rewrite has
    p95          milliseconds of CPU, every turn read for the first time
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rag import words
from rag.conversation import standalone
from rag.questions import analyse

History = Sequence[tuple[str, str]]
Rule = Callable[[str, History], str]

QUESTIONS_ONLY = ("trec-cast-2019", "mtrag-human")
"""Sources whose history holds questions alone; the others alternate question and answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """A question of a conversation, and how a person made it stand alone."""

    source: str
    history: tuple[tuple[str, str], ...]
    question: str
    rewrite: str

    @property
    def added(self) -> frozenset[str]:
        """The stems that the rewrite adds."""
        return frozenset(words.content(self.rewrite)) - frozenset(words.content(self.question))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a rule does to some rows; shares in [0, 1], CPU milliseconds (95th percentile)."""

    rule: str
    alone: int
    left_alone: float
    followups: int
    resolved: float
    recall: float
    precision: float
    ms: float


def read(data: Path, half: str) -> Iterator[Row]:
    """Yield the rows of a half: `tune` or `report`."""
    with gzip.open(data / "rewrite.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            begins = (row["history"] or [row["question"]])[0]
            digest = hashlib.sha256(begins.encode()).digest()
            if ("tune", "report")[digest[0] % 2] == half:
                turns = tuple(_turns(row["source"], row["history"]))
                yield Row(row["source"], turns, row["question"], row["rewrite"])


def _turns(source: str, history: Sequence[str]) -> Iterator[tuple[str, str]]:
    if source.startswith(QUESTIONS_ONLY):
        yield from ((question, "") for question in history)
    else:
        padded = [*history, ""]
        yield from zip(padded[0:-1:2], padded[1::2], strict=False)


def measured(name: str, rule: Rule, rows: Sequence[Row]) -> Figures:
    """Return the figures of a rule."""
    alone = left = followups = changed = wanted = met = ours = right = 0
    seconds = []
    for row in rows:
        began = time.process_time()
        said = rule(row.question, row.history)
        seconds.append(time.process_time() - began)
        adds = frozenset(words.content(said)) - frozenset(words.content(row.question))
        ours += len(adds)
        right += len(adds & frozenset(words.content(row.rewrite)))
        if not row.added:
            alone += 1
            left += said == row.question
            continue
        followups += 1
        changed += said != row.question
        before = words.stems(" ".join(part for turn in row.history for part in turn))
        wanted += len(row.added & before)
        met += len(row.added & before & adds)
    return Figures(
        name,
        alone,
        left / max(1, alone),
        followups,
        changed / max(1, followups),
        met / max(1, wanted),
        right / max(1, ours),
        1000 * float(np.quantile(seconds, 0.95)),
    )


# --- what there was before: names or content words of the last question, put in front

_POINTS_BACK = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|that|those|this|these|there|"
    r"one|ones|same|another|others?)\b|^(?:and|but|so|also|what about|how about|why|when|where|"
    r"who|how)\b[^?]{0,12}\??$",
    re.IGNORECASE,
)


def before(question: str, history: History) -> str:
    """Apply the first rule this project had."""
    analysed = analyse(question)
    points = len(analysed.content) < 2 or _POINTS_BACK.search(question) is not None
    if not history or analysed.names or not points:
        return question
    earlier = history[-1][0]
    content = [t for t in words.tokens(earlier) if words.fold(t) not in words.STOP_WORDS]
    topic = " ".join(dict.fromkeys(words.names(earlier))) or " ".join(content)
    return f"{topic}: {question}" if topic else question


def last_question(question: str, history: History) -> str:
    """Put the whole last question in front of every question."""
    return f"{history[-1][0]} {question}" if history else question


RULES: dict[str, Rule] = {
    "last question": last_question,
    "before": before,
    "now": standalone,
}


def table(figures: Sequence[Figures]) -> str:
    """Lay the figures out for a person."""
    first = figures[0]
    lines = [
        f"{first.alone} questions that stand alone, {first.followups} follow-ups",
        f"{'':<14} left alone  resolved  recall  precision   p95",
    ]
    lines += [
        f"{f.rule:<14} {f.left_alone:10.1%} {f.resolved:9.1%} {f.recall:7.1%} {f.precision:10.1%} "
        f"{f.ms:5.2f} ms"
        for f in figures
    ]
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of rewrite.jsonl.gz")
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--sources", action="store_true", help="a table for each source too")
    chosen = parser.parse_args()

    rows = [row for row in read(chosen.data, chosen.half) if row.history]
    groups = {"all": rows}
    if chosen.sources:
        for row in rows:
            groups.setdefault(row.source.split("/")[0], []).append(row)
    found = {
        group: [measured(name, rule, some) for name, rule in RULES.items()]
        for group, some in groups.items()
    }
    if chosen.json:
        print(json.dumps({group: [asdict(f) for f in some] for group, some in found.items()}))
    else:
        print("\n\n".join(f"{group}: {table(some)}" for group, some in found.items()))


if __name__ == "__main__":
    main()
