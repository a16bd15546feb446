"""Find words that a language model would have expected in the place of others.

    python -m training.likely --data ../shared/train --output runs/likely.jsonl.gz

A near miss that a person writes is good English: "What did he write at Yale?" where the passage
says what he taught. A word drawn by chance is not, and oddness is told more easily than a fact
that is missing. So the plain language model reads passage and question, and of the words that it
expects where both say the same, those are kept that mean something else by the embedder's vectors:
in the question, which the passage then no longer answers, and in the sentence that answers, where
other words are exchanged as well, which the question does not ask about. They are found once and
kept in a file that the next trainings read.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from rag import models, words
from rag.settings import DEFAULT_GENERATOR, ModelSettings
from training.base import base_folder
from training.data import answer_span, drawn, held_out, rows
from training.edited import IDLE, Asked, common, ending
from training.exchange import Exchange, Likely
from training.forest import Forest
from training.mining import embed
from training.unanswerable import WORD

PROGRAM = "training.likely"
OUTPUT = Path("runs/likely.jsonl.gz")
LONGEST = 1_600  # characters of a passage
EXPECTED = 200  # tokens, the likeliest ones, that are looked at in a place
KEPT = 2  # words for a place
PLACES = 6  # of an answering sentence that the question does not share
SEEN = 4  # times at least that a word stands in the passages
SAME = 0.4  # cosine of two words from which on they may mean the same
RATE = 0.03  # of a word's places at least in which such a word follows it as follows here
ADJECTIVE = 0.25  # the same where that is a word that means something
TOKENS = 1_500  # of a batch
PARTS = 200

BEHIND = re.compile(r" ([A-Za-z0-9][\w'’-]*)")
CONTENT, MARK = "*", "#"  # a word that means something, and a mark or the end


def follower(text: str, end: int) -> str:
    """Return what follows a word that ends there: a stop word, `CONTENT`, or `MARK`."""
    match = BEHIND.match(text, end)
    if match is None:
        return MARK
    word = words.fold(match[1])
    return word if word in words.STOP_WORDS else CONTENT


class Lexicon:
    """Words that may come in: each a token of the language model, and common in the passages."""

    def __init__(
        self,
        tokens: Sequence[int],
        said: Sequence[str],
        vectors: NDArray[Any],
        behind: Mapping[str, Counter[str]],
    ) -> None:
        self.tokens = torch.tensor(tokens)
        self.said = said
        self.vectors = dict(zip(said, vectors, strict=True))
        self.behind = behind  # what follows each word, and how often

    @classmethod
    def of(cls, tokenizer: Any, passages: Sequence[str], cache: Path) -> Lexicon:
        """Return those of some passages; vectors are kept in the cache folder."""
        behind: dict[str, Counter[str]] = {}
        for text in passages:
            for match in WORD.finditer(text):
                if common(match.group()):
                    after = follower(text, match.end())
                    behind.setdefault(match.group(), Counter())[after] += 1
        known = {word for word, found in behind.items() if found.total() >= SEEN}
        found = {}
        for token in range(len(tokenizer)):
            text = tokenizer.decode([token])
            if text.startswith(" ") and text[1:] in known:
                found[text[1:]] = token
        said = sorted(found)
        vectors = embed(said, base_folder(), cache, 40)
        return cls([found[word] for word in said], said, vectors, behind)

    def fits(self, word: str, after: str) -> bool:
        """Tell whether what stands behind a place often stands behind a word."""
        found = self.behind[word]
        least = ADJECTIVE if after == CONTENT else RATE
        return found[after] >= least * found.total()

    def others(
        self, logits: torch.Tensor, old: str, after: str, avoid: frozenset[str]
    ) -> tuple[str, ...]:
        """Return the likeliest words, by logits (vocabulary,), in the place of one of its form.

        `after` is what follows there. Not those with a stem to avoid, nor any that may mean the
        same; none if that is not known.
        """
        if old not in self.vectors:
            return ()
        found: list[str] = []
        order = logits[self.tokens].topk(min(EXPECTED, len(self.said))).indices.tolist()
        for index in order:
            new = self.said[index]
            if ending(new) != ending(old) or words.stem(new) in avoid:
                continue
            if not self.fits(new, after):
                continue
            if float(self.vectors[new] @ self.vectors[old]) < SAME:
                found.append(new)
            if len(found) == KEPT:
                break
        return tuple(found)


def places(asked: Asked) -> list[Exchange]:
    """Return where words of the question and of the answering sentence may be exchanged."""
    start, end = asked.home()
    wanted = set(words.content(asked.question)) - IDLE
    first, last = asked.span
    here = [
        match
        for match in WORD.finditer(asked.passage, start, end)
        if common(match.group()) and not (match.start() < last and first < match.end())
    ]
    said = {words.stem(match.group()) for match in here}
    both = [match for match in here if words.stem(match.group()) in wanted]
    others = [match for match in here if words.stem(match.group()) not in wanted]
    found = [Exchange(*match.span(), (), True, False) for match in both]
    found += [Exchange(*match.span(), (), False, False) for match in others[:PLACES]]
    return found + [
        Exchange(*match.span(), (), True, True)
        for match in WORD.finditer(asked.question)
        if common(match.group()) and words.stem(match.group()) in said & wanted
    ]


class Expecting:
    """The plain language model, asked what it expects in some places of a passage and question."""

    def __init__(self, lexicon: Lexicon, base: Path) -> None:
        from training.adapter import opened

        generator = opened(base)
        self.model, self.tokenizer = generator.decoder.model, generator.tokenizer
        self.lexicon = lexicon

    def exchanges(self, some: Sequence[Asked]) -> list[list[Exchange]]:
        """Return for each question the exchanges for which there are words."""
        texts = [f"{one.passage}\n\nQuestion: " for one in some]
        encoded = [
            self.tokenizer(text + one.question, return_offsets_mapping=True)
            for text, one in zip(texts, some, strict=True)
        ]
        forest = Forest.of([one["input_ids"] for one in encoded], self.tokenizer.eos_token_id)
        found: list[list[Exchange]] = []
        with torch.inference_mode():
            hidden = self.model.model(
                input_ids=forest.ids,
                position_ids=forest.depths,
                attention_mask=forest.mask(self.model.dtype),
                use_cache=False,
            ).last_hidden_state.flatten(0, 1)
            for text, one, ids, path in zip(texts, some, encoded, forest.paths, strict=True):
                todo = []
                for exchange in places(one):
                    at = exchange.start + (len(text) if exchange.asked else 0)
                    token = next(i for i, (_, end) in enumerate(ids["offset_mapping"]) if end > at)
                    if token > 0:
                        todo.append((exchange, path[token - 1]))
                logits = self.model.lm_head(hidden[[place for _, place in todo]]).float()
                found.append(list(self._filled(one, [e for e, _ in todo], logits)))
        return found

    def _filled(
        self, one: Asked, todo: Sequence[Exchange], logits: torch.Tensor
    ) -> Iterator[Exchange]:
        """Yield the exchanges with words for them, likeliest first."""
        start, end = one.home()
        avoid = frozenset(words.stems(one.question) | words.stems(one.passage[start:end]))
        for exchange, row in zip(todo, logits, strict=True):
            whole = one.question if exchange.asked else one.passage
            old = whole[exchange.start : exchange.end]
            after = follower(whole, exchange.end)
            if news := self.lexicon.others(row, old, after, avoid):
                yield Exchange(exchange.start, exchange.end, news, exchange.shared, exchange.asked)


def asked_of(folder: Path, seed: int, share: float) -> list[Asked]:
    """Return the reader's questions that have an answer in a passage that is not too long.

    Of the passages only the `share` is read that a run of that seed takes.
    """
    return [
        Asked(row["question"], row["passage"], span)
        for row in rows(folder / "reader.jsonl.gz")
        if (span := answer_span(row))
        and len(row["passage"]) <= LONGEST
        and (held_out(row["passage"]) or drawn(row["passage"], seed, share))
    ]


def described(data: Path, cache: Path, part: Sequence[Asked]) -> list[list[Exchange]]:
    """Return the exchanges of each question."""
    torch.set_num_threads(1)
    base = models.locate(DEFAULT_GENERATOR, ModelSettings())
    if base not in _OPENED:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        passages = sorted({row["passage"] for row in rows(data / "reader.jsonl.gz")})
        _OPENED[base] = Expecting(Lexicon.of(tokenizer, passages, cache), base)
    expecting = _OPENED[base]
    found: list[list[Exchange]] = [[] for _ in part]
    for batch in packed(part):
        some = expecting.exchanges([part[i] for i in batch])
        for i, exchanges in zip(batch, some, strict=True):
            found[i] = exchanges
    return found


_OPENED: dict[Path, Expecting] = {}  # of this process


def packed(part: Sequence[Asked]) -> list[list[int]]:
    """Return the indices of questions that are read together, those over one passage first."""
    order = sorted(range(len(part)), key=lambda i: (len(part[i].passage), part[i].passage))
    batches: list[list[int]] = []
    room = 0
    before = ""
    for i in order:
        cost = 25 + (0 if part[i].passage == before else len(part[i].passage) // 4)
        if cost > room or not batches:
            batches.append([])
            room = TOKENS
        batches[-1].append(i)
        room -= cost
        before = part[i].passage
    return batches


def likely(path: Path | None) -> Likely:
    """Return what a file of this program holds."""
    return {
        (row["question"], row["passage"]): [
            Exchange(**one | {"news": tuple(one["news"])}) for one in row["exchanges"]
        ]
        for row in (rows(path) if path else ())
    }


def add_option(made: argparse.ArgumentParser) -> None:
    """Let a training program's command line name a file of this one."""
    made.add_argument("--likely", type=Path, help=f"file of {PROGRAM}")


def main(given: Sequence[str]) -> None:
    """Read all questions, in processes with one thread each, and write what was found in order."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--cache", type=Path, default=Path("runs/reader"), help="kept vectors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="of the passages, by that seed")
    parser.add_argument("--processes", type=int, default=2, help="each with one thread")
    asked = parser.parse_args(given)
    every = sorted(asked_of(asked.data, asked.seed, asked.share), key=lambda one: one.passage)
    step = -(-len(every) // PARTS)
    parts = [every[i : i + step] for i in range(0, len(every), step)]
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    work = partial(described, asked.data, asked.cache)
    with (
        ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool,
        gzip.open(asked.output, "wt", encoding="utf-8") as file,
    ):
        for n, (part, found) in enumerate(zip(parts, pool.map(work, parts), strict=True)):
            print(f"{n + 1} of {len(parts)}", flush=True)
            for one, exchanges in zip(part, found, strict=True):
                row = {
                    "question": one.question,
                    "passage": one.passage,
                    "exchanges": [asdict(exchange) for exchange in exchanges],
                }
                print(json.dumps(row, ensure_ascii=False), file=file)
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
