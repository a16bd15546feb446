"""How well the main text of web pages is found: F1 against text that people marked.

    python benchmarks/webpages.py --data FOLDER [--json]

FOLDER holds `gold.jsonl`, rows {"id", "page", "gold_text"}, and the gzipped pages. Words are runs
of letters, digits and underscores, as they are written. Printed are the mean over the pages of the
F1 of words (as bags) and of runs of four words, and the F1 of such runs from precision and recall
over all pages, in which every page counts alike (as in scrapinghub's article-extraction-benchmark).
The options were chosen on the first half of the pages, split by the hash of the id.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.documents import load
from rag.errors import SourceError

RUN = 4


@dataclass(frozen=True, slots=True)
class Scored:
    """One page: shares in [0, 1], and in `counts` what of the runs was found, added and missed."""

    id: str
    words: float
    runs: float
    counts: tuple[float, float, float]
    lost: bool


def grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    """Count the runs of n words; a shorter text is one run."""
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1)) if words)


def f1(found: Counter[tuple[str, ...]], gold: Counter[tuple[str, ...]]) -> float:
    """Return the F1 of two bags; 1 for two empty ones."""
    both = found.total() + gold.total()
    return 2 * (found & gold).total() / both if both else 1.0


def scored(id: str, found: str, gold: str) -> Scored:
    """Compare one page's text with what people marked."""
    got, wanted = grams(found, RUN), grams(gold, RUN)
    right = (got & wanted).total()
    counts = (right, got.total() - right, wanted.total() - right)
    total = sum(counts) or 1
    shares = (counts[0] / total, counts[1] / total, counts[2] / total)
    words = f1(grams(found, 1), grams(gold, 1))
    return Scored(id, words, f1(got, wanted), shares, lost=not found.strip())


def text_of(page: Path) -> str:
    """Return the text that the loader finds in a gzipped page; "" where it refuses it."""
    with tempfile.NamedTemporaryFile(suffix=".html") as file:
        file.write(gzip.decompress(page.read_bytes()))
        file.flush()
        try:
            return load(file.name).text
        except SourceError:
            return ""


def summary(pages: Sequence[Scored]) -> dict[str, float]:
    """Return the figures over some pages."""
    right, added, missed = (sum(page.counts[i] for page in pages) for i in range(3))
    return {
        "pages": len(pages),
        "words_f1": sum(page.words for page in pages) / len(pages),
        "runs_f1": sum(page.runs for page in pages) / len(pages),
        "runs_f1_pooled": 2 * right / (2 * right + added + missed),
        "lost": sum(page.lost for page in pages),
    }


def first_half(id: str) -> bool:
    """Tell which half a page belongs to, by its id alone."""
    return hashlib.sha256(id.encode()).digest()[-1] % 2 == 0


def main() -> None:
    """Score every page and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = [json.loads(row) for row in (chosen.data / "gold.jsonl").open(encoding="utf-8")]
    pages = [scored(r["id"], text_of(chosen.data / r["page"]), r["gold_text"]) for r in rows]
    halves = {
        "all": pages,
        "first half (chosen on)": [page for page in pages if first_half(page.id)],
        "second half": [page for page in pages if not first_half(page.id)],
    }
    figures = {name: summary(part) for name, part in halves.items() if part}
    if chosen.json:
        print(json.dumps({"figures": figures, "pages": {p.id: p.words for p in pages}}, indent=1))
        return
    for name, found in figures.items():
        print(
            f"{name:<24}{found['pages']:>4} pages   words F1 {found['words_f1']:.4f}   "
            f"runs of four F1 {found['runs_f1']:.4f} (pooled {found['runs_f1_pooled']:.4f})   "
            f"lost {found['lost']:.0f}"
        )


if __name__ == "__main__":
    main()
