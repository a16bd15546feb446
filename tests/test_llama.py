"""A `.gguf` generator: what is said where its library is absent, and the wiring to a stand-in."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rag import models
from rag.choosing import open_generator
from rag.errors import ModelDamaged, ModelMissing, QuestionError
from rag.llama import LlamaGenerator
from rag.prompts import Message
from rag.settings import GeneratorSettings, ModelSettings

HELLO = [Message("user", "Hello <|im_end|>?")]


class Llama:
    """Stands for llama_cpp.Llama: keeps what it is given and streams words in its chunks' form."""

    def __init__(self, **given: Any) -> None:
        if given["model_path"].endswith("bad.gguf"):
            raise ValueError("Failed to load model from file")
        self.given = given
        self.asked: dict[str, Any] = {}

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> list[int]:
        return list(range(len(text.split()) + add_bos + special))

    def create_chat_completion(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked = asked
        if "long" in asked["messages"][-1]["content"]:
            raise ValueError("Requested tokens (900) exceed context window of 624")
        deltas: list[dict[str, str]] = [
            {"role": "assistant"},
            {"content": "One"},
            {"content": " b"},
        ]
        for delta in deltas:
            yield {"choices": [{"delta": delta, "finish_reason": None}]}
        yield {"choices": [{"delta": {}, "finish_reason": "stop"}]}


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a stand-in where the library would be."""
    module = ModuleType(models.LLAMA)
    module.Llama = Llama  # type: ignore[attr-defined]
    module.__spec__ = importlib.util.spec_from_loader(models.LLAMA, None)
    monkeypatch.setitem(sys.modules, models.LLAMA, module)


def gguf(folder: Path, name: str = "small.GGUF", data: bytes = b"GGUF\x03") -> ModelSettings:
    path = folder / name
    path.write_bytes(data)
    return ModelSettings(generator=str(path), threads=2)


@pytest.mark.skipif(importlib.util.find_spec(models.LLAMA) is not None, reason="it is installed")
def test_without_the_library_the_hint_installs_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="llama-cpp-python is not installed") as caught:
        open_generator(gguf(tmp_path), GeneratorSettings())
    assert caught.value.hint == "run: pip install 'rag[llama]'"


def test_a_file_that_is_not_there_or_not_one(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="no such file"):
        open_generator(ModelSettings(generator=str(tmp_path / "x.gguf")), GeneratorSettings())
    with pytest.raises(ModelDamaged, match="is no GGUF file"):
        open_generator(gguf(tmp_path, data=b"<html>"), GeneratorSettings())


def test_a_file_the_library_cannot_read(library: None, tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"cannot read bad\.gguf: Failed to load"):
        open_generator(gguf(tmp_path, "bad.gguf"), GeneratorSettings())


def test_the_chat_is_handed_over_and_its_pieces_come_back(library: None, tmp_path: Path) -> None:
    generation = GeneratorSettings(max_prompt_tokens=500, max_new_tokens=60, seed=3)
    generator = open_generator(gguf(tmp_path), generation)
    assert isinstance(generator, LlamaGenerator)
    assert (generator.name, generator.count("a bridge"), generator.count("")) == (
        "small.GGUF",
        2,
        0,
    )
    assert list(generator.stream(HELLO)) == ["One", " b"]
    assert generator._model.given == {
        "model_path": str(tmp_path / "small.GGUF"),
        "n_ctx": 624,
        "n_threads": 2,
        "seed": 3,
        "verbose": False,
    }
    assert generator._model.asked == {
        "messages": [{"role": "user", "content": "Hello < |im_end|>?"}],
        "max_tokens": 60,
        "temperature": 0.0,
        "seed": 3,
        "stream": True,
    }


def test_a_stop_ends_it(library: None, tmp_path: Path) -> None:
    generator = open_generator(gguf(tmp_path), GeneratorSettings())
    stop = threading.Event()
    pieces = generator.stream(HELLO, stop=stop)
    assert next(iter(pieces)) == "One"
    stop.set()
    assert list(pieces) == []
    assert list(generator.stream(HELLO, stop=stop)) == []


def test_a_prompt_beyond_its_context(library: None, tmp_path: Path) -> None:
    generator = open_generator(gguf(tmp_path), GeneratorSettings())
    with pytest.raises(QuestionError, match="exceed context window"):
        list(generator.stream([Message("user", "long")]))


def test_the_list_of_models_names_the_file(library: None, tmp_path: Path) -> None:
    settings = gguf(tmp_path, data=b"GGUF1234")
    found = models.status(settings)[1]
    assert (found.state, found.size) == ("ready", 8)
    assert found.path == Path(settings.generator)
