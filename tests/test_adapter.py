"""The generator's adapter: a tiny Llama learns a handful of rows, and what it writes is shipped."""

from __future__ import annotations

import gzip
import json
import math
import shutil
import sysconfig
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from rag import adapter as shipped
from rag import models
from rag.errors import ModelDamaged
from rag.generator import TransformersGenerator
from rag.prompts import ABSTENTION, answer_prompt, short_prompt
from rag.settings import DEFAULT_GENERATOR, GeneratorSettings, ModelSettings
from training import adapter, phrasing, program
from training import run as running
from training.adapter import Row
from training.forest import alike
from training.lora import Shape, adapt, changed
from training.short_answers import ShortAnswer
from training.stating import stated

SHAPE = Shape(low_rank=4, first=2)
END, PAD = 1, 1
NONE = 3
SCHEDULE = running.Schedule(rows=10_000, rate=2e-2, decay=0.0, tokens=120, length=40)


COMPILER = shutil.which("g++") and Path(sysconfig.get_path("include"), "Python.h").exists()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        initializer_range=0.2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def load(base: Path) -> Any:
    return LlamaForCausalLM.from_pretrained(base, dtype=torch.float32).eval()


@pytest.fixture
def rows() -> list[Row]:
    """Prompts of some length, answered with the two tokens behind a mark."""
    random = Random(0)
    made = []
    for length in (8, 9, 12, 15, 15, 20):
        prompt = [random.randint(4, 49) for _ in range(length)]
        prompt[3] = 2
        made.append(Row((*prompt, *prompt[4:6], END), length))
    return made


@pytest.fixture
def begin(base: Path, tmp_path: Path) -> Callable[[str], adapter.Run]:
    def run(name: str) -> adapter.Run:
        return adapter.Run(adapt(load(base), SHAPE, 0), SCHEDULE, tmp_path / name, PAD)

    return run


def test_a_fresh_adapter_changes_nothing(base: Path) -> None:
    ids = torch.arange(20)[None]
    with torch.inference_mode():
        assert torch.equal(adapt(load(base), SHAPE, 0)(ids).logits, load(base)(ids).logits)


def test_only_the_upper_layers_learn(base: Path) -> None:
    model = adapt(load(base), SHAPE, 0)
    names = {name.rpartition("/")[0] for name in changed(model)}
    assert {name.split(".")[2] for name in names} == {"2", "3"}
    assert len(names) == 2 * 7
    learned = {id(p) for p in model.parameters() if p.requires_grad}
    assert learned == set(map(id, changed(model).values()))


def test_the_loss_is_that_of_the_answers_tokens(base: Path, rows: list[Row]) -> None:
    model = load(base)
    with torch.inference_mode():
        got = adapter.row_losses(model, rows, PAD, NONE)
        for row, loss in zip(rows, got, strict=True):
            ids = torch.tensor([row.ids])
            logits = model(ids).logits[0, row.answer - 1 : -1]
            wanted = functional.cross_entropy(logits, ids[0, row.answer :])
            assert float(loss) == pytest.approx(float(wanted), rel=1e-4)


def test_the_loss_goes_down(
    begin: Callable[[str], adapter.Run], rows: list[Row], tmp_path: Path
) -> None:
    run = begin("down")
    before = adapter.measure(run, rows, True)
    adapter.train(run, rows, rows, steps=60)
    lines = [json.loads(line) for line in (tmp_path / "down/log.jsonl").read_text().splitlines()]
    assert lines[-1]["held_out"]["phrased_loss"] < 0.3 * before["phrased_loss"]
    assert [line["step"] for line in lines if "answer" in line] == list(range(20, 61, 20))


def test_a_stopped_run_goes_on_exactly(
    begin: Callable[[str], adapter.Run], rows: list[Row]
) -> None:
    through, stopped = begin("through"), begin("stopped")
    adapter.train(through, rows, steps=9)
    adapter.train(stopped, rows, steps=5)
    resumed = begin("stopped")
    assert resumed.resume()
    adapter.train(resumed, rows, steps=4)
    assert (resumed.step, resumed.done) == (through.step, through.done)
    pairs = zip(through.weights.values(), resumed.weights.values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_processes_share_the_batches_and_take_as_many(rows: list[Row]) -> None:
    schedule = running.Schedule(tokens=30)
    parts = []
    for rank in (0, 1):
        todo = adapter.ordered(rows, schedule, rank, 2)
        parts.append([next(todo) for _ in range(2)])
    seen = [id(row) for part in parts for batch in part for row in batch]
    assert len(seen) == len(set(seen))


def test_a_changes_rank_and_a_process_rank_are_told_apart() -> None:
    given = ["--data", "d", "--rank", "1", "--low-rank", "4", "--minutes", "7", "--export"]
    asked = adapter.arguments(given)
    assert (asked.run, asked.rank, asked.export) == (Path("runs/adapter"), 1, True)
    assert program.chosen(asked, Shape()) == Shape(low_rank=4)
    assert program.chosen(asked, adapter.SCHEDULE) == replace(adapter.SCHEDULE, minutes=7.0)


@pytest.fixture
def weights(begin: Callable[[str], adapter.Run], rows: list[Row], base: Path) -> Path:
    run = begin("shipped")
    adapter.train(run, rows, steps=40)
    output = run.folder / "adapter.safetensors"
    assert adapter.export(run.folder, base, output) == output.stat().st_size
    return output


def test_merged_weights_write_what_the_adapted_model_does(
    begin: Callable[[str], adapter.Run], base: Path, weights: Path, rows: list[Row]
) -> None:
    trained = begin("shipped")
    trained.resume()
    merged, plain = load(base), load(base)
    shipped.merge(merged, base, weights)
    with torch.inference_mode():
        for row in rows:
            ids = torch.tensor([row.ids])
            wanted = trained.model(ids).logits
            assert torch.allclose(merged(ids).logits, wanted, atol=0.05)
            assert not torch.allclose(plain(ids).logits, wanted, atol=0.5)


def test_a_merge_rounds_once_to_the_models_own_type(base: Path, weights: Path) -> None:
    narrow, wide = load(base).to(torch.bfloat16), load(base)
    wide.load_state_dict({n: t.float() for n, t in narrow.state_dict().items()})
    shipped.merge(narrow, base, weights)
    shipped.merge(wide, base, weights)
    for name, tensor in narrow.state_dict().items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, wide.state_dict()[name].to(torch.bfloat16))


def test_weights_of_another_base_are_refused(base: Path, weights: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ModelDamaged, match="do not fit"):
        shipped.merge(load(base), other, weights)


def test_weights_that_are_not_right_are_refused(base: Path, weights: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(weights.read_bytes()[:300])
    with pytest.raises(ModelDamaged, match="cannot be read"):
        shipped.merge(load(base), base, broken)
    save_file({"a": torch.zeros(1)}, broken, metadata={"format": "other"})
    with pytest.raises(ModelDamaged, match="do not fit"):
        shipped.merge(load(base), base, broken)
    header = {"format": shipped.FORMAT, "base": shipped.base_hash(base), "scale": "2.0"}
    tensors = load_file(weights)
    short = dict(list(tensors.items())[1:])
    save_file(short, broken, metadata=header)
    with pytest.raises(ModelDamaged, match="not complete"):
        shipped.merge(load(base), base, broken)
    renamed = {f"nowhere.{name}": tensor for name, tensor in tensors.items()}
    save_file(renamed, broken, metadata=header)
    with pytest.raises(ModelDamaged, match="not complete"):
        shipped.merge(load(base), base, broken)


def test_a_converted_model_is_known_by_what_it_was_made_from(tmp_path: Path) -> None:
    (tmp_path / models.MANIFEST).write_text(json.dumps({"source": "abc", "sha256": {}}))
    (tmp_path / "model.safetensors").write_bytes(b"as some version of a library writes them")
    assert shipped.base_hash(tmp_path) == "abc"


@pytest.mark.models
def test_the_real_model_gets_its_adapter_and_no_other_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = models.locate(DEFAULT_GENERATOR, ModelSettings())
    name = "model.layers.29.mlp.down_proj"
    tensors = {f"{name}/a": torch.ones(1, 1536), f"{name}/b": torch.full((576, 1), 0.125)}
    header = {"format": shipped.FORMAT, "base": shipped.base_hash(folder), "scale": "2.0"}
    save_file(tensors, tmp_path / "adapter.safetensors", metadata=header)
    monkeypatch.setattr(shipped, "shipped", lambda: tmp_path / "adapter.safetensors")

    def layer(models: ModelSettings, **generation: bool) -> tuple[bool, torch.Tensor]:
        made = TransformersGenerator.open(models, GeneratorSettings(**generation))
        return made.adapted, made.decoder.model.get_submodule(name).weight

    adapted, changed = layer(ModelSettings())
    off, plain = layer(ModelSettings(), adapter=False)
    other, also = layer(ModelSettings(generator=str(folder)))
    assert (adapted, off, other) == (True, False, False)
    assert torch.equal(plain, also)
    assert torch.equal(changed, (plain.float() + 0.25).to(plain.dtype))


def test_a_verdict_is_whether_there_is_an_answer(base: Path, rows: list[Row]) -> None:
    model = load(base)
    refused = replace(rows[0], ids=(*rows[0].ids[: rows[0].answer], NONE, END), verdict=0.5)
    assert refused.refuses(NONE)
    assert not rows[1].refuses(NONE)
    these = [refused, *(replace(row, verdict=0.5) for row in rows[1:])]
    with torch.inference_mode():
        plain = adapter.row_losses(model, [replace(row, verdict=0.0) for row in these], PAD, NONE)
        weighed = adapter.row_losses(model, these, PAD, NONE)
        odds = adapter.refusals(model, these, NONE, PAD)
        for row, less, more, said in zip(these, plain, weighed, odds, strict=True):
            chances = model(torch.tensor([row.ids[: row.answer]])).logits[0, -1].softmax(0)
            none = float(chances[NONE])
            assert float(said) == pytest.approx(math.log(none / (1 - none)), rel=1e-3)
            loss = -math.log(none if row is refused else 1 - none)
            assert float(more - less) == pytest.approx(0.5 * loss, rel=1e-3)


def test_of_an_answer_without_words_only_the_verdict_is_learned(
    begin: Callable[[str], adapter.Run], rows: list[Row]
) -> None:
    run = begin("unknown")
    wordless = [replace(row, ids=row.ids[: row.answer], verdict=1.0) for row in rows]
    before = adapter.refusals(run.model, wordless, run.none, PAD)
    for _ in range(5):
        run.learn(wordless)
    assert (adapter.refusals(run.model, wordless, run.none, PAD) < before).all()
    still = [replace(row, verdict=0.0) for row in wordless]
    assert adapter.row_losses(run.model, still, PAD, NONE).tolist() == [0.0] * len(rows)


def test_rows_over_a_text_and_of_a_group_are_learned_from_together() -> None:
    texts = [tuple(range(100 * n, 100 * n + 64)) for n in range(1, 301)]
    asked = [
        Row((*text, n, 9), 65, group=2 * i + n) for i, text in enumerate(texts) for n in (0, 1)
    ]
    edits = [Row((*text[:9], 7, *text, 0, 9), 75, group=2 * i) for i, text in enumerate(texts)]
    found = list(adapter.batches([*asked, *edits], 1_000, Random(1)))
    assert Counter(row for batch in found for row in batch) == Counter([*asked, *edits])
    steps: dict[int, set[int]] = {}
    for number, batch in enumerate(found):
        assert len({row.ids[:64] for row in batch}) * 68 <= 1_000
        for row in batch:
            steps.setdefault(row.group // 2, set()).add(number)
    spread = [max(some) - min(some) for some in steps.values()]
    assert sum(spread) / len(spread) < len(found) / 3
    in_one = [{row.ids[:64] for row in batch if row in asked} for batch in found]
    assert sum(map(len, in_one)) == len(texts)  # each text is read in one step


def test_rows_over_one_text_are_read_as_each_alone(base: Path, rows: list[Row]) -> None:
    model, text = load(base), rows[0].ids * 3
    asked = [replace(r, ids=(*text, *r.ids), answer=len(text) + r.answer) for r in rows]
    assert len(alike([row.ids for row in asked])) == 1
    with torch.inference_mode():
        together = adapter.row_losses(model, asked, PAD, NONE)
        alone = torch.cat([adapter.row_losses(model, [row], PAD, NONE) for row in asked])
    assert torch.allclose(together, alone, rtol=1e-3)


@pytest.mark.skipif(not COMPILER, reason="compiling needs g++ and Python's headers")
def test_compiled_layers_learn_the_same(base: Path, rows: list[Row]) -> None:
    found = []
    for hasten in (lambda model: model, adapter.hastened):
        model = hasten(adapt(load(base), Shape(low_rank=2, first=1), 0))
        loss = adapter.row_losses(model, rows, PAD, NONE).mean()
        loss.backward()
        slopes = {name: weight.grad for name, weight in changed(model).items()}
        found.append((float(loss.detach()), slopes))
    (plain, slopes), (compiled, others) = found
    assert compiled == pytest.approx(plain, rel=1e-4)
    for name, slope in slopes.items():
        assert torch.allclose(slope, others[name], rtol=1e-3, atol=1e-6), name


def test_refusals_are_the_odds_of_their_token(base: Path, rows: list[Row]) -> None:
    model = load(base)
    with torch.inference_mode():
        got = adapter.refusals(model, rows, 7, PAD)
        for row, odds in zip(rows, got, strict=True):
            chances = model(torch.tensor([row.ids[: row.answer]])).logits[0, -1].softmax(-1)
            assert float(odds) == pytest.approx(float(chances[7].logit()), abs=1e-3)


def test_short_answers_are_measured_apart_and_by_how_refusals_rank(
    begin: Callable[[str], adapter.Run], rows: list[Row]
) -> None:
    run = begin("measured")
    run.none = rows[0].ids[rows[0].answer]
    short = [replace(row, verdict=1.0) for row in rows]
    found = adapter.measure(run, [*rows[:2], *short], True)
    assert (found["phrased_rows"], found["short_rows"]) == (2, len(rows))
    assert 0 <= found["refusal_auroc"] <= 1
    assert "refusal_auroc" not in adapter.measure(run, rows, True)


def test_a_run_goes_on_from_shipped_weights(
    begin: Callable[[str], adapter.Run], base: Path, weights: Path
) -> None:
    more = Shape(low_rank=6, first=1)
    model = adapt(load(base), more, 0)
    adapter.begin(model, weights)
    trained = begin("shipped")
    trained.resume()
    ids = torch.arange(20)[None]
    with torch.inference_mode():
        assert torch.allclose(model(ids).logits, trained.model(ids).logits, atol=0.05)
        assert not torch.allclose(model(ids).logits, load(base)(ids).logits, atol=0.05)


@pytest.mark.models
def test_a_short_answer_is_asked_for_as_the_product_does(generator: TransformersGenerator) -> None:
    one = ShortAnswer("Who built it?", "Ana Ruiz built it.", "Ana Ruiz", "x")
    end = int(generator.tokenizer.eos_token_id)
    row = adapter.encoded(generator, one, 300, end)
    assert row is not None
    sent = short_prompt(one.question, one.text, budget=512, count=generator.count)
    assert list(row.ids[: row.answer]) == generator.encode(sent)[0]
    assert generator.tokenizer.decode(row.ids[row.answer :]) == "Ana Ruiz<|im_end|>"
    assert row.verdict == adapter.VERDICT


@pytest.mark.models
def test_a_row_is_what_the_product_sends(generator: TransformersGenerator) -> None:
    one = phrasing.Phrasing("Who built it?", ("Ana Ruiz built it.",), "Ana built it.", None, "x")
    end = int(generator.tokenizer.eos_token_id)
    row = adapter.encoded(generator, one, 300, end)
    assert row is not None
    sent = answer_prompt(one.question, one.shown, budget=512, count=generator.count, examples=())
    assert list(row.ids[: row.answer]) == generator.encode(sent)[0]
    assert generator.tokenizer.decode(row.ids[row.answer :]) == "Ana built it.<|im_end|>"
    assert adapter.encoded(generator, one, len(row.ids) - 1, end) is None


# --- what is taught

PASSAGE = (
    "The stone bridge at Arta was built by Ana Ruiz in 1931. It cost 40 million drachmas. "
    "The harbour lies two miles below the bridge. Twelve boats sank there in the storm of 1954."
)


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("Who gave the boy a ring?", "the old woman", "The old woman gave the boy a ring."),
        ("Which country won the war?", "Chile", "Chile won the war."),
        ("What was painted by the boy?", "A door", "A door was painted by the boy."),
        ("What is the name of the first king?", "Olav", "The name of the first king is Olav."),
        ("What did the fox steal from Ann?", "a goose", "The fox stole a goose from Ann."),
        ("Who did the king marry?", "Ida Holm", "The king married Ida Holm."),
        ("When did the war end?", "1931", "The war ended in 1931."),
        ("Where did the boys sleep?", "In a barn", "The boys slept in a barn."),
        ("What did Ann do after lunch?", "Went to bed.", "Ann went to bed."),
        ("What did he decide to do?", "leave", "He decided to leave."),
        ("How did the king feel?", "Sad", "The king felt sad."),
        ("Who was the king looking for?", "Ann", None),
        ("What happened in 1931?", "The bridge", None),
        ("What did the man in the house see?", "a goose", "The man in the house saw a goose."),
        ("What did the man say about the house?", "because he was cold", None),
        ("Why did he run?", "to win", None),
        ("Who built it?", "He", None),
        ("What is required to win?", "A horse", None),
        ("Who did Ann sing with at noon?", "Bo Falk", None),
        ("When did Ann announce Bo would appear?", "1931", None),
        ("Who built the bridge?", "The bridge was built by Ana Ruiz", None),
    ],
)
def test_a_short_answer_is_stated_only_where_that_is_safe(
    question: str, answer: str, said: str | None
) -> None:
    assert stated(question, answer) == said


def row(answer: str, question: str = "Who built the bridge?", source: str = "x") -> dict[str, Any]:
    return {"question": question, "passages": [PASSAGE], "answer": answer, "source": source}


def test_a_row_shows_its_evidence_among_others() -> None:
    places = set()
    for seed in range(40):
        made = next(phrasing.phrase(row("The bridge was built by Ana Ruiz."), Random(seed)))
        assert made.answer == "The bridge was built by Ana Ruiz."
        assert made.evidence is not None
        assert made.evidence.quote == PASSAGE.split(". It")[0] + "."
        assert made.evidence.quote in made.shown
        assert 1 <= len(made.shown) <= 3
        assert all(text in PASSAGE for text in made.shown)
        places.add((len(made.shown), made.shown.index(made.evidence.quote)))
    assert {(1, 0), (2, 0), (2, 1), (3, 0)} <= places


@pytest.mark.parametrize(
    "answer",
    [
        "Pedro Lopez built the bridge.",
        "The bridge was built by Ana Ruiz in 1850.",
        "Because Ana Ruiz built the bridge.",
        "Built the bridge.",
        "Ana Ruiz",
    ],
)
def test_what_the_verifier_refuses_or_no_sentence_says_is_not_taught(answer: str) -> None:
    asked = row(answer, "By whom was the bridge built?")
    assert list(phrasing.phrase(asked, Random(0))) == []


def test_what_the_passage_does_not_answer_is_an_abstention() -> None:
    asked = row("The text does not name him.", "Who painted it?", "squad-x/partial-abstain")
    (made,) = phrasing.phrase(asked, Random(0))
    assert (made.answer, made.evidence) == (ABSTENTION, None)
    assert made.shown


def test_evidence_that_is_withheld_leaves_nothing_of_the_answer() -> None:
    found = [m for s in range(90) for m in phrasing.phrase(row("Ana Ruiz built it."), Random(s))]
    without = [made for made in found if made.evidence is None]
    assert 0 < len(without) < 0.3 * len(found)
    assert all(made.answer == ABSTENTION for made in without)
    assert not any("Ruiz" in text for made in without for text in made.shown)


def test_a_run_has_few_abstentions_and_keeps_passages_aside(tmp_path: Path) -> None:
    free = [
        row("The bridge was built by Ana Ruiz.", source="clapnq-dev")
        | {"passages": [f"{PASSAGE} It is bridge number {i}."]}
        for i in range(120)
    ]
    empty = [one | {"source": "clapnq-dev/unanswerable"} for one in free]
    for name, some in {"generative": free + empty, "reader": []}.items():
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(one) + "\n" for one in some)
    first = phrasing.phrasings(tmp_path, 3)
    assert first == phrasing.phrasings(tmp_path, 3)
    kept = phrasing.phrasings(tmp_path, 3, kept=True)
    fewer = phrasing.phrasings(tmp_path, 3, share=0.25)
    assert 0.1 * len(first) < len(fewer) < 0.4 * len(first)
    assert phrasing.phrasings(tmp_path, 3, kept=True, share=0.25) == kept
    told = [made for made in first if made.evidence]
    assert len(first) - len(told) == round(phrasing.ABSTAINED * len(told))
    texts = [{m.evidence.passage.text for m in part if m.evidence} for part in (first, kept)]
    assert texts[1]
    assert not texts[0] & texts[1]
