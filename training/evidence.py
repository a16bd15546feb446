"""Fit the coefficients of `rag.reader.SentenceReader` on question-answering data.

    python -m training.evidence --data ../shared/train --reader rag/weights/reader.safetensors

The questions are those of `training.cases`: each with its answer and without, and those written
over held-out passages and documents, answered or just missed; and those of `training.retold`, over
texts in other words. They are described (`training.described`) as the trained reader and the
generator's second reading see them, as the reader alone does, and without; four logistic models are
fitted to each (`training.fitting`).
Nothing here reads evaluation data.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rag.features import Judge
from rag.generator import TransformersGenerator
from rag.settings import GeneratorSettings, ModelSettings
from training.cases import OTHERWISE, Case, Corpus, cases, sample, yes_or_no
from training.data import held_out, rows
from training.described import Describer, described, read_again, unread
from training.documents import documents
from training.fitting import fit_all, fit_sentence
from training.retold import retold, retold_cases
from training.written import MANNERS, key, questions

OUTPUT = Path(__file__).parents[1] / "rag" / "weights" / "evidence.json"


def main() -> None:
    """Fit the coefficients without a reader, and with one if given; print figures, write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/reader"), help="kept vectors")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=int, default=0, help="so many questions; 0: all")
    parser.add_argument("--reader", type=Path, help="weights of a trained reader")
    parser.add_argument("--processes", type=int, default=2, help="each with one thread")
    options = parser.parse_args()
    judge = Describer(options.reader).judge if options.reader else None
    asked = every_case(options.data, options.cache, options.seed, options.limit, judge)
    read = described(asked, options.reader, options.processes)
    groups = {"plain": [unread(one) for one in read]}
    if options.reader:
        generator = TransformersGenerator.open(ModelSettings(threads=1), GeneratorSettings())
        groups = {"judged": read, **groups}
        if generator.adapted:
            groups = {"reread": read_again(read, generator, fit_sentence(read)), **groups}
    for group, these in groups.items():
        coefficients, found = fit_all(these)
        print(json.dumps({group: found}, indent=2), flush=True)
        known = json.loads(options.output.read_text()) if options.output.exists() else {}
        known[group] = {**coefficients, "held_out": found}
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def every_case(
    data: Path, cache: Path, seed: int, limit: int = 0, judge: Judge | None = None
) -> list[Case]:
    """Return the cases of all kinds; with a `limit` of so many of the public questions.

    With a `judge` changed questions are among them.
    """
    taken, titled = sample(data, seed)[: limit or None], yes_or_no(data, seed)
    texts = sorted({str(row["passage"]) for row in rows(data / "reader.jsonl.gz")})
    told = retold(data)
    sources = [texts, sorted({str(row["passage"]) for row in titled})]
    size = sum(map(len, sources))
    every = Corpus.of([*sources, sorted({one.text for one in told})], cache)
    corpus = every.among(range(size))
    kept = set(map(key, filter(held_out, texts)))
    written, otherwise = (
        {name: some for name, some in known.items() if name in kept}
        for known in (questions(), questions(MANNERS))
    )
    found = cases(cache, corpus, [*taken, *titled], written, judge=judge, seed=seed)
    found += retold_cases(cache, every, told)
    found += cases(cache, corpus, [], otherwise, OTHERWISE, twice=False)
    own = documents(kept=True)
    folder = Corpus.of([list(own)], cache, below_titles=True)
    over = {key(text): some for text, some in own.items()}
    return found + cases(cache, folder, [], over, twice=False)


if __name__ == "__main__":
    main()
