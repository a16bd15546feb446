"""How good the generator's drafts are, with its adapter and without.

    python -m benchmarks.drafts --data ../shared/train [--limit N] [--adapter FILE] [--json]

The rows are held-out ones of the adapter's training (`training.phrasing`). Each is drafted greedily
twice: by the plain model after the worked examples, as it is used without an adapter, and by the
adapted one without them. A draft is accepted when the verifier has nothing against any sentence of
it; an abstention is never accepted. F1 is the overlap of words with the reference (Rajpurkar et
al. 2016, "SQuAD"). Rows whose evidence was withheld count only for "abstains rightly".
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from rag import adapter, models
from rag.citations import Verifier
from rag.generator import TransformersGenerator
from rag.metrics import token_f1
from rag.passages import sentences
from rag.prompts import ABSTENTION, EXAMPLES, answer_prompt
from rag.settings import GeneratorSettings, ModelSettings, VerifierSettings
from training.phrasing import Phrasing, phrasings

VERIFIER = Verifier(VerifierSettings(), sentences)


@dataclass(frozen=True, slots=True)
class Drafted:
    """One draft: what was asked and written, in how many tokens and seconds."""

    question: str
    reference: str
    draft: str
    accepted: bool
    f1: float
    tokens: int
    seconds: float


def opened(weights: Path | None) -> TransformersGenerator:
    """Return the built-in generator as it is, or with an adapter on it."""
    settings = ModelSettings()
    made = TransformersGenerator.open(settings, GeneratorSettings(adapter=False))
    if weights is not None:
        adapter.merge(made.decoder.model, models.locate(settings.generator, settings), weights)
        made.adapted = True
    return made


def drafted(generator: TransformersGenerator, row: Phrasing) -> Drafted:
    """Draft one row's sentence and judge it."""
    messages = answer_prompt(
        row.question,
        row.shown,
        budget=generator.settings.max_prompt_tokens,
        count=generator.count,
        examples=() if generator.adapted else EXAMPLES,
    )
    began = time.perf_counter()
    draft = "".join(generator.stream(messages)).strip()
    seconds = time.perf_counter() - began
    return Drafted(
        row.question,
        row.answer,
        draft,
        accepted(row, draft),
        token_f1(draft, [row.answer]),
        generator.count(draft),
        seconds,
    )


def accepted(row: Phrasing, draft: str) -> bool:
    """Tell whether the evidence supports every sentence of a draft, and there is one."""
    spans = sentences(draft)
    if row.evidence is None or not spans:
        return False
    return all(
        VERIFIER.objections(row.question, draft[s.start : s.end], row.evidence) == () for s in spans
    )


def summary(rows: Sequence[Phrasing], drafts: Sequence[Drafted]) -> dict[str, float]:
    """Return the figures of one generator."""
    pairs = list(zip(rows, drafts, strict=True))
    told = [draft for row, draft in pairs if row.evidence]
    untold = [draft for row, draft in pairs if not row.evidence]
    seconds = sum(draft.seconds for draft in drafts)
    return {
        "rows": len(drafts),
        "accepted": mean([draft.accepted for draft in told]),
        "F1": mean([draft.f1 for draft in told]),
        "abstains wrongly": mean([draft.draft == ABSTENTION for draft in told]),
        "abstains rightly": mean([draft.draft == ABSTENTION for draft in untold]),
        "tokens": mean([draft.tokens for draft in drafts]),
        "tokens/s": sum(draft.tokens for draft in drafts) / seconds if seconds else 0.0,
        "s a draft": seconds / len(drafts) if drafts else 0.0,
    }


def mean(values: Sequence[float]) -> float:
    """Return the mean; NaN of nothing."""
    return sum(values) / len(values) if values else float("nan")


def table(figures: dict[str, dict[str, float]]) -> str:
    """Lay the figures out as a Markdown table, a line a generator."""
    names = list(next(iter(figures.values())))
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for name, row in figures.items():
        lines.append(f"| {name} | {' | '.join(f'{row[key]:.3g}' for key in names)} |")
    return "\n".join(lines)


def main() -> None:
    """Draft and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the training files")
    parser.add_argument("--limit", type=int, default=100, help="rows; 0 for all")
    parser.add_argument("--adapter", type=Path, default=adapter.shipped(), help="weights file")
    parser.add_argument("--json", action="store_true", help="print JSON, with every draft")
    chosen = parser.parse_args()

    kept = phrasings(chosen.data, 0, kept=True)
    rows = Random(0).sample(kept, min(chosen.limit or len(kept), len(kept)))
    generators = {"plain, three examples": None}
    if chosen.adapter is not None:
        generators["adapted, no examples"] = chosen.adapter
    figures, runs = {}, {}
    for name, weights in generators.items():
        generator = opened(weights)
        drafted(generator, rows[0])  # what is set up once is not counted
        runs[name] = [drafted(generator, row) for row in rows]
        figures[name] = summary(rows, runs[name])
    if chosen.json:
        listed = {name: [asdict(one) for one in drafts] for name, drafts in runs.items()}
        print(json.dumps({"figures": figures, "drafts": listed}, ensure_ascii=False))
    else:
        print(table(figures))


if __name__ == "__main__":
    main()
