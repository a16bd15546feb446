"""The decoding loop against transformers' own `generate`, on a tiny model with random weights."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rag.decoding import Decoder, guess

PROMPT = [5, 6, 7, 8, 9, 5, 6, 7, 3, 4, 5, 6]


def test_guess_continues_the_latest_longest_match() -> None:
    assert guess([1, 2, 3, 9, 1, 2, 3], most=2) == [9, 1]
    assert guess([1, 2, 8, 1, 2, 9, 1, 2], most=1) == [9]
    assert guess([7, 1, 2, 3, 4, 2, 3, 5, 1, 2, 3], most=1) == [4]  # three tokens beat two
    assert guess([4, 4, 4], most=5) == [4]


@pytest.mark.parametrize("ids", [[], [1], [1, 2, 3]])
def test_guess_has_nothing_to_say_of_new_tokens(ids: list[int]) -> None:
    assert guess(ids) == []


@pytest.fixture(scope="module")
def model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=0,
        pad_token_id=0,
        initializer_range=0.6,
    )
    return LlamaForCausalLM(config).eval()


def expected(model: Any, prompt: list[int], most: int) -> list[int]:
    import torch

    ids = torch.tensor([prompt])
    reply = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, do_sample=False
    )[0, len(prompt) :].tolist()
    return reply[: reply.index(0)] if 0 in reply else reply


def prompts(seed: int) -> Iterator[list[int]]:
    import random

    source = random.Random(seed)
    for _ in range(12):
        yield [source.randrange(1, 40) for _ in range(source.randrange(1, 30))]


@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_greedy_writes_what_generate_writes(model: Any, chunk: int) -> None:
    for prompt in prompts(seed=chunk):
        decoder = Decoder(model, frozenset({0}), chunk)
        written = list(decoder.greedy(prompt, 0, 40, threading.Event()))
        assert written == expected(model, prompt, 40)


def test_greedy_writes_the_same_with_a_remembered_prefix(model: Any) -> None:
    decoder = Decoder(model, frozenset({0}), 4)
    for shared in (0, 6, 11):
        runs = [list(decoder.greedy(PROMPT, shared, 30, threading.Event())) for _ in range(3)]
        assert runs == [expected(model, PROMPT, 30)] * 3
    other = [*PROMPT[:6], 30, 31, 32]
    assert list(decoder.greedy(other, 6, 30, threading.Event())) == expected(model, other, 30)
    assert list(decoder.greedy([9, *PROMPT], 3, 30, threading.Event())) == expected(
        model, [9, *PROMPT], 30
    )


@pytest.mark.parametrize("most", [0, 1, 2, 7])
def test_never_more_tokens_than_asked_for(model: Any, most: int) -> None:
    decoder = Decoder(model, frozenset(), 64)
    event = threading.Event()
    assert len(list(decoder.greedy(PROMPT, 0, most, event))) == most
    drawn = decoder.sample(PROMPT, 0, most, event, temperature=1, seed=0)
    assert len(list(drawn)) == most


def test_an_end_mark_ends_and_is_left_out(model: Any) -> None:
    free = list(Decoder(model, frozenset(), 64).greedy(PROMPT, 0, 20, threading.Event()))
    end = free[5]
    ended = list(Decoder(model, frozenset({end}), 64).greedy(PROMPT, 0, 20, threading.Event()))
    assert ended == free[: free.index(end)]


def test_a_stop_ends_the_reply_at_once(model: Any) -> None:
    event = threading.Event()
    decoder = Decoder(model, frozenset(), 64)
    reply = decoder.greedy([5], 0, 40, event)
    first = next(reply)
    event.set()
    rest = list(reply)
    assert [first, *rest][:1] == expected(model, [5], 1)
    assert len(rest) <= 8
    assert list(decoder.greedy(PROMPT, 0, 40, event)) == []


def test_a_seed_draws_the_same_tokens_and_another_seed_others(model: Any) -> None:
    decoder = Decoder(model, frozenset(), 64)

    def draw(seed: int) -> list[int]:
        stop = threading.Event()
        return list(decoder.sample(PROMPT, 4, 30, stop, temperature=1.5, seed=seed))

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_a_low_temperature_approaches_greedy(model: Any) -> None:
    decoder = Decoder(model, frozenset({0}), 64)
    drawn = decoder.sample(PROMPT, 0, 20, threading.Event(), temperature=1e-4, seed=7)
    assert list(drawn) == expected(model, PROMPT, 20)


def test_weighing_agrees_with_reading_each_reply_by_itself(model: Any) -> None:
    import torch

    def odds(reply: list[int]) -> list[float]:
        with torch.inference_mode():
            rows = model(torch.tensor([PROMPT + reply])).logits[0].log_softmax(dim=-1)
        return [float(rows[len(PROMPT) - 1 + i, token]) for i, token in enumerate(reply)]

    decoder = Decoder(model, frozenset({0}), 4)
    refusal = expected(model, PROMPT, 1)[0]
    for reply in ([], [9], [9, 3, 0]):
        found = decoder.weigh(PROMPT, 5, refusal, reply, 6)
        assert found.refusal == pytest.approx(odds([refusal])[0], abs=1e-4)
        assert list(found.reply) == pytest.approx(odds(reply), abs=1e-4)
        assert found.own[0] != refusal
        assert len(found.own) <= 6
        told = odds([*found.own, 0])
        assert list(found.odds[:-1]) == pytest.approx(told[:-1], abs=1e-4)
        assert list(decoder.greedy(PROMPT, 5, 8, threading.Event())) == expected(model, PROMPT, 8)


def test_a_models_own_reply_may_be_empty(model: Any) -> None:
    ends = frozenset(range(40)) - {expected(model, PROMPT, 1)[0]}
    found = Decoder(model, ends, 4).weigh(PROMPT, 5, expected(model, PROMPT, 1)[0], [], 6)
    assert found.own == ()
    assert len(found.odds) == 1
