"""Train the generator's adapter: `python -m training.adapter --data ../shared/train`.

The adapter learns two things, each with the very prompt of the product: to phrase one sentence from
the evidence it is given, without worked examples, and to say the words of a text that answer a
question, or that none do. Loss is on the answer's tokens only, and only there is the large
vocabulary scored. `--export` writes what the last checkpoint of the run holds, for the package.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from rag import models
from rag.adapter import FORMAT, base_hash
from rag.decoding import Decoder
from rag.generator import TransformersGenerator
from rag.metrics import auroc
from rag.prompts import NONE, answer_prompt, short_prompt
from rag.settings import DEFAULT_GENERATOR, GeneratorSettings, ModelSettings
from training import likely, near_misses
from training import run as running
from training.base import base_folder
from training.forest import Forest, alike, size
from training.lora import SCALE, Shape, adapt, changed
from training.phrasing import Phrasing, phrasings
from training.program import add_options, carry_out, chosen, helpers, parser, seeds
from training.reader import neighbours
from training.short_answers import ShortAnswer, short_answers

PROGRAM = "training.adapter"
OUTPUT = Path("rag/weights/adapter.safetensors")
ANSWER = 40  # tokens of an answer at most, its end mark not counted
QUICK = 200  # held-out rows measured on the way; all of them at the end
POOL = 256  # rows at least among which those of about equal length are put together
VERDICT = 1.0  # what it counts for, beside a short answer's words, whether there is one
GRAPHS = 64  # forms of a layer that may be compiled: with and without changes, learning or not
BEGINNING = 64  # tokens by which a text is known


@dataclass(frozen=True, slots=True)
class Row:
    """A prompt and its answer as ids; the answer begins at position `answer`.

    That is behind the last where its words are not known. `verdict` is what it counts for whether
    there is an answer. Rows of one `group`, a question's, are learned from together.
    """

    ids: tuple[int, ...]
    answer: int
    source: str = ""
    verdict: float = 0.0
    group: int = 0

    def refuses(self, none: int) -> bool:
        """Tell whether the answer is that there is none, which begins with the token `none`."""
        return self.ids[self.answer : self.answer + 1] == (none,)


SCHEDULE = running.Schedule(
    rows=30_000,
    rate=4e-4,
    decay=0.0,
    tokens=3_000,
    length=360,
    checkpoint_minutes=5.0,
    measure_minutes=15.0,
)


class Run(running.Run):
    """A language model whose low-rank changes are being trained."""

    def __init__(
        self, model: Any, schedule: running.Schedule, folder: Path, pad: int, none: int = 0
    ) -> None:
        weights = changed(model)
        group = {"params": list(weights.values()), "lr": schedule.rate}
        super().__init__(weights, [group], schedule, folder)
        self.model = model
        self.pad = pad
        self.none = none  # the token that says that a text does not answer

    def learn(self, rows: Sequence[Row]) -> dict[str, float]:
        """Take one step; return its loss, the mean over rows of the mean over their tokens."""

        def parts() -> dict[str, Tensor]:
            return {"answer": row_losses(self.model, rows, self.pad, self.none).mean()}

        return self.descend(parts, len(rows))


def row_losses(model: Any, rows: Sequence[Row], pad: int, none: int) -> Tensor:
    """Return each row's loss (n,): the mean cross-entropy of its answer's tokens, and a verdict's.

    The verdict's is the cross-entropy of whether the answer begins with the token `none`.
    """
    hidden, paths = read(model, rows, pad)
    device = hidden.device
    said = [
        (index, place, token, 1 / (len(row.ids) - row.answer))
        for index, (row, path) in enumerate(zip(rows, paths, strict=True))
        for place, token in zip(path[row.answer - 1 :], row.ids[row.answer :], strict=False)
    ]
    losses = torch.zeros(len(rows), device=device)
    if said:
        owners, places, tokens, weights = zip(*said, strict=True)
        logits = model.lm_head(hidden[list(places)]).float()  # (tokens, vocabulary)
        each = functional.cross_entropy(
            logits, torch.tensor(tokens, device=device), reduction="none"
        )
        each = each * torch.tensor(weights, device=device)
        losses = losses.index_add(0, torch.tensor(owners, device=device), each)
    counts = torch.tensor([row.verdict for row in rows], device=device)
    if not counts.any():
        return losses
    refused = torch.tensor([float(row.refuses(none)) for row in rows], device=device)
    odds = refusal(model, hidden, rows, paths, none)
    return losses + counts * functional.binary_cross_entropy_with_logits(
        odds, refused, reduction="none"
    )


def read(model: Any, rows: Sequence[Row], pad: int) -> tuple[Tensor, list[list[int]]]:
    """Return hidden states (tokens, d), and for each row which of them are of its tokens."""
    forest = Forest.of([row.ids for row in rows], pad)
    hidden = model.model(
        input_ids=forest.ids.to(model.device),
        position_ids=forest.depths.to(model.device),
        attention_mask=forest.mask(model.dtype).to(model.device),
        use_cache=False,
    ).last_hidden_state  # (b, n, d)
    return hidden.flatten(0, 1), forest.paths


def refusal(
    model: Any, hidden: Tensor, rows: Sequence[Row], paths: Sequence[Sequence[int]], none: int
) -> Tensor:
    """Return the log-odds (n,) of hidden states (tokens, d) that answers begin with `none`."""
    last = [path[row.answer - 1] for row, path in zip(rows, paths, strict=True)]
    logits = model.lm_head(hidden[last]).float()  # (n, vocabulary)
    others = logits.index_fill(1, torch.tensor([none], device=logits.device), -torch.inf)
    return logits[:, none] - others.logsumexp(dim=1)


def refusals(model: Any, rows: Sequence[Row], none: int, pad: int) -> Tensor:
    """Return for each row the log-odds that its answer begins with the token `none`, (n,)."""
    asked = [replace(row, ids=row.ids[: row.answer]) for row in rows]
    hidden, paths = read(model, asked, pad)
    return refusal(model, hidden, asked, paths, none)


def encoded(
    generator: TransformersGenerator, one: Phrasing | ShortAnswer, length: int, end: int
) -> Row | None:
    """Return a row's tokens as the product would make them; None when it is too long."""
    room = {"budget": generator.settings.max_prompt_tokens, "count": generator.count}
    if isinstance(one, ShortAnswer):
        messages, verdict = short_prompt(one.question, one.text, **room), VERDICT
    else:
        messages = answer_prompt(one.question, one.shown, **room, examples=())
        verdict = 0.0
    prompt, _ = generator.encode(messages)
    answer = generator.tokenizer(one.answer, add_special_tokens=False)["input_ids"]
    if len(answer) > ANSWER or len(prompt) + len(answer) + 1 > length:
        return None
    said = (*answer, end) if one.answer else ()
    return Row((*prompt, *said), len(prompt), one.source, verdict, one.group)


def batches(rows: Sequence[Row], tokens: int, random: Random) -> Iterator[list[Row]]:
    """Yield trees of rows of about equal size, at most `tokens` with their padding, in any order.

    Rows over one text, and those of a group, are near each other: what an edit changes is learned
    best beside what it edits.
    """
    known = Counter(row.ids[:BEGINNING] for row in rows)
    texts: dict[int, tuple[int, ...]] = {}  # of each group that over which there are most rows
    for row in rows:
        text = row.ids[:BEGINNING]
        if known[text] > known[texts.setdefault(row.group, text)]:
            texts[row.group] = text
    places = {text: random.random() for text in dict.fromkeys(texts.values())}
    order = sorted(rows, key=lambda row: places[texts[row.group]])
    pool = max(POOL, tokens // 3)
    for first in range(0, len(order), pool):
        some = order[first : first + pool]
        trees = [[some[i] for i in tree] for tree in alike([row.ids for row in some])]
        sized = sorted(
            ((size([row.ids for row in tree]), tree) for tree in trees), key=itemgetter(0)
        )
        packed: list[list[list[Row]]] = [[]]
        for wide, tree in sized:
            if packed[-1] and (len(packed[-1]) + 1) * wide > tokens:
                packed.append([])
            packed[-1].append(tree)
        random.shuffle(packed)
        for planted in packed:
            yield [row for tree in planted for row in tree]


def ordered(
    rows: Sequence[Row], schedule: running.Schedule, rank: int = 0, processes: int = 1
) -> Iterator[list[Row]]:
    """Yield a process's batches of a run, the same at each call, pass after pass."""
    for epoch in itertools.count():
        every = list(batches(rows, schedule.tokens, Random(f"{schedule.seed}/{epoch}")))
        whole = max(processes, len(every) - len(every) % processes)  # each takes as many
        yield from every[rank:whole:processes]


def measure(run: Run, kept: Sequence[Row], every: bool) -> dict[str, float]:
    """Return the held-out loss of both kinds of rows, the means over them, and how many they were.

    `refusal_auroc` is over the short answers: do those that are none get the higher odds?
    """
    found: dict[str, float] = {}
    for name, these in (
        ("phrased", [row for row in kept if not row.verdict]),
        ("short", [row for row in kept if row.verdict]),
    ):
        losses: list[float] = []
        odds: list[float] = []
        none: list[bool] = []
        with torch.inference_mode():
            chosen = these if every else these[:QUICK]
            for rows in batches(chosen, run.schedule.tokens, Random(0)):
                losses += row_losses(run.model, rows, run.pad, run.none).tolist()
                odds += refusals(run.model, rows, run.none, run.pad).tolist()
                none += [row.refuses(run.none) for row in rows]
        if losses:
            found |= {f"{name}_loss": sum(losses) / len(losses), f"{name}_rows": len(losses)}
        if name == "short" and 0 < sum(none) < len(none):
            found["refusal_auroc"] = auroc(odds, none)
    return found


def train(
    run: Run, rows: Sequence[Row], kept: Sequence[Row] = (), *, steps: int | None = None
) -> None:
    """Learn until the budget is used (or for so many steps), saving and measuring on the way."""
    rank, processes = running.place()
    todo = itertools.islice(ordered(rows, run.schedule, rank, processes), run.step, None)
    run.train(lambda: run.learn(next(todo)), partial(measure, run, kept) if kept else None, steps)


def export(run: Path, base: Path, output: Path) -> int:
    """Write the last checkpoint's changes as the package ships them; return the file's bytes.

    They are kept as float16: the merged weights are rounded more coarsely than that.
    """
    tensors = load_file(run / "checkpoint.safetensors")
    weights = {
        name.removeprefix("weight/"): tensor.to(torch.float16).contiguous()
        for name, tensor in tensors.items()
        if name.startswith("weight/")
    }
    header = {"format": FORMAT, "base": base_hash(base), "scale": repr(SCALE)}
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, output, metadata=header)
    return output.stat().st_size


def begin(model: Any, weights: Path) -> None:
    """Let the changes of an adapted model begin as a weights file has them; others stay new.

    Where a change has a higher rank than the file's, what is beyond begins new as well.
    """
    own = changed(model)
    with torch.no_grad():
        for name, tensor in load_file(weights).items():
            rows, columns = tensor.shape
            own[name][:rows, :columns].copy_(tensor)


def hastened(model: Any) -> Any:
    """Let the layers be compiled, with attention written out; returns the same model.

    That takes a C++ compiler and a minute, and makes a step on a CPU a third shorter.
    """
    torch._dynamo.config.recompile_limit = GRAPHS
    model.set_attn_implementation("eager")
    for layer in model.model.layers:
        layer.compile(dynamic=True)
    return model


def opened(base: Path) -> TransformersGenerator:
    """Return the plain generator with bfloat16 weights, wherever it runs."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    here = {"local_files_only": True, "trust_remote_code": False}
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, use_safetensors=True, **here
    )
    tokenizer = AutoTokenizer.from_pretrained(base, **here)
    decoder = Decoder(model, frozenset(), 1)
    return TransformersGenerator(DEFAULT_GENERATOR, decoder, tokenizer, GeneratorSettings())


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    made = parser(PROGRAM, __doc__, SCHEDULE)
    made.add_argument("--export", action="store_true", help="write the weights and do no more")
    made.add_argument("--output", type=Path, default=OUTPUT, help="file that is written")
    made.add_argument("--compiled", action="store_true", help="faster; needs a C++ compiler")
    made.add_argument("--start", type=Path, help="weights file to go on from")
    made.add_argument("--cache", type=Path, default=Path("runs/reader"), help="kept vectors")
    made.add_argument("--share", type=float, default=1.0, help="of the texts that is taken")
    near_misses.add_option(made)
    likely.add_option(made)
    add_options(made, Shape())
    return made.parse_args(given)


def main(given: Sequence[str]) -> None:
    """Train, and leave the weights in the run's folder and in the package's."""
    asked = arguments(given)
    torch.set_num_threads(1)
    base = models.locate(DEFAULT_GENERATOR, ModelSettings())
    if not asked.export:
        learned(asked, given, base)
    if asked.rank == 0:
        size = export(asked.run, base, asked.output)
        print(f"{asked.output}: {size / 1e6:.1f} MB")


def learned(asked: argparse.Namespace, given: Sequence[str], base: Path) -> None:
    """Train from the last checkpoint, if there is one, to the end of the budget."""
    schedule, shape = chosen(asked, SCHEDULE), chosen(asked, Shape())
    others = helpers(PROGRAM, given, asked)
    generator = opened(base)
    end = int(generator.tokenizer.eos_token_id)
    none = int(generator.tokenizer(NONE, add_special_tokens=False)["input_ids"][0])
    near = neighbours(asked.data, base_folder(), asked.cache)
    changes = near_misses.changes(asked.near_misses, asked.likely)
    made: dict[bool, list[Row]] = {}
    for kept in (False, True):
        made[kept] = [
            row
            for seed in seeds(asked, kept=kept)
            for one in (
                *phrasings(asked.data, seed, kept=kept, share=asked.share),
                *short_answers(asked.data, near, changes, seed, kept=kept, share=asked.share),
            )
            if (row := encoded(generator, one, schedule.length, end))
        ]
    adapted = adapt(generator.decoder.model, shape, schedule.seed).to(asked.device)
    if asked.start:
        begin(adapted, asked.start)
    if asked.compiled:
        hastened(adapted)
    run = Run(adapted, schedule, asked.run, end, none)
    about = {"shape": asdict(shape), "rows": len(made[False]), "held_out": len(made[True])}
    carry_out(run, partial(train, run, made[False], made[True]), about, asked, others)


if __name__ == "__main__":
    main(sys.argv[1:])
