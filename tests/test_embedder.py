"""Vectors: the contract on a fake and on the real model, and the real model against itself."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from endpoint_server import embeds, served
from numpy.typing import NDArray

from rag import models
from rag.choosing import open_embedder, open_reading_embedder
from rag.embedder import PASSAGE_PROMPTS, QUERY_PROMPTS, Embedder, SentenceEmbedder, prefix, unit
from rag.embeddings import EndpointEmbedder
from rag.settings import DEFAULT_EMBEDDER, ModelSettings
from rag.types import EmbedderIdentity

TEXTS = [
    "The bridge was opened in 1931.",
    "",
    "Bees keep the hive at 35 degrees in winter. " * 12,
    "naïve — “quotes” 漢字 🙂",
    "word " * 700,
]


class Hashed:
    """An embedder in ten lines: equal texts have equal vectors."""

    identity = EmbedderIdentity("hashed", "1", 8)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        digests = [hashlib.sha256(text.encode()).digest()[:8] for text in texts]
        rows = np.array([[byte - 127.5 for byte in digest] for digest in digests], np.float32)
        return unit(rows.reshape(len(texts), 8))

    def query(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.passages([text])[0]
        return vector


@pytest.fixture(params=["hashed", "served", pytest.param("real", marks=pytest.mark.models)])
def any_embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    if request.param == "hashed":
        yield Hashed()
    elif request.param == "served":
        with served(embeds(lambda text: (3 * Hashed().query(text)).tolist())) as server:
            yield EndpointEmbedder.open(
                ModelSettings(embedder=server.address, embedder_model="hashed")
            )
    else:
        yield request.getfixturevalue("embedder")


def test_unit_scales_rows_and_leaves_zeros() -> None:
    rows = np.array([[3, 4], [0, 0], [0, -2]], np.float32)
    np.testing.assert_array_equal(unit(rows), np.array([[0.6, 0.8], [0, 0], [0, -1]], np.float32))
    assert unit(rows).dtype == np.float32


def test_contract_unit_float32_rows_in_order(any_embedder: Embedder) -> None:
    rows = any_embedder.passages(TEXTS)
    assert rows.shape == (len(TEXTS), any_embedder.identity.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    for text, row in zip(TEXTS, rows, strict=True):
        np.testing.assert_allclose(any_embedder.passages([text])[0], row, atol=1e-5)


def test_contract_no_texts_no_rows(any_embedder: Embedder) -> None:
    assert any_embedder.passages([]).shape == (0, any_embedder.identity.dimension)


def test_contract_a_query_is_one_unit_vector(any_embedder: Embedder) -> None:
    vector = any_embedder.query(TEXTS[0])
    assert vector.shape == (any_embedder.identity.dimension,)
    assert vector.dtype == np.float32
    assert abs(float(vector @ vector) - 1) < 1e-6


def test_contract_same_text_same_bytes(any_embedder: Embedder) -> None:
    assert any_embedder.query(TEXTS[0]).tobytes() == any_embedder.query(TEXTS[0]).tobytes()
    assert any_embedder.passages(TEXTS).tobytes() == any_embedder.passages(TEXTS).tobytes()


@pytest.mark.models
def test_the_nearest_text_is_the_one_that_means_the_same(embedder: SentenceEmbedder) -> None:
    rows = embedder.passages(
        ["The cat slept on the mat.", "Interest rates rose again.", "He repaired the engine."]
    )
    questions = ["Where did the kitten nap?", "What did the central bank do?", "Who fixed the car?"]
    assert [int(np.argmax(rows @ embedder.query(q))) for q in questions] == [0, 1, 2]


@pytest.mark.models
def test_rows_match_the_model_computed_by_hand(embedder: SentenceEmbedder) -> None:
    """Mean pooling over the encoder's last layer, without sentence-transformers."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = models.locate("all-MiniLM-L6-v2", ModelSettings())
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    for text in (TEXTS[0], TEXTS[3]):
        with torch.inference_mode():
            tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
            mean = model(**tokens).last_hidden_state[0].mean(0)
        oracle = torch.nn.functional.normalize(mean, dim=0).numpy()
        np.testing.assert_allclose(embedder.query(text), oracle, atol=1e-5)


@pytest.mark.models
def test_the_identity_names_the_built_in(embedder: SentenceEmbedder) -> None:
    assert embedder.identity == EmbedderIdentity("all-MiniLM-L6-v2", "7b0c46ff596be83e", 384, True)


@pytest.mark.models
def test_two_processes_compute_the_same_bytes() -> None:
    code = (
        "from rag.embedder import SentenceEmbedder; from rag.settings import ModelSettings\n"
        "e = SentenceEmbedder.open(ModelSettings())\n"
        "print(e.passages(['One bridge.', 'Two long bridges over a river.']).tobytes().hex())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout.strip()) == 2 * 2 * 384 * 4


# --- prefixes


@pytest.mark.parametrize(
    ("given", "prompts", "query", "passage"),
    [
        (None, {}, "", ""),
        (None, {"query": "q: ", "document": "d: "}, "q: ", "d: "),
        (None, {"query": "q: ", "document": "", "passage": "p: "}, "q: ", "p: "),
        (None, {"query": None, "search_query": "s: ", "corpus": "c: "}, "s: ", "c: "),
        (None, {"clustering": "k: "}, "", ""),
        ("", {"query": "q: ", "document": "d: "}, "", ""),
        ("x ", {"query": "q: ", "document": "d: "}, "x ", "x "),
    ],
)
def test_a_prefix_is_the_set_one_or_the_models_own(
    given: str | None, prompts: dict[str, str | None], query: str, passage: str
) -> None:
    assert prefix(given, prompts, QUERY_PROMPTS) == query
    assert prefix(given, prompts, PASSAGE_PROMPTS) == passage


@pytest.mark.models
def test_set_prefixes_stand_before_the_texts(embedder: SentenceEmbedder) -> None:
    prefixed = SentenceEmbedder.open(
        ModelSettings(query_prefix="query: ", passage_prefix="passage: ")
    )
    for made, plain in (
        (prefixed.query("a bridge"), embedder.query("query: a bridge")),
        (prefixed.passages(["a bridge"])[0], embedder.passages(["passage: a bridge"])[0]),
    ):
        np.testing.assert_allclose(made, plain, atol=1e-6)
    assert prefixed.identity != embedder.identity
    only_query = ModelSettings(query_prefix="query: ")
    assert models.embedder_version(only_query) == (DEFAULT_EMBEDDER, embedder.identity.revision)


@pytest.mark.models
def test_a_models_own_prompts_are_used_unless_set(
    embedder: SentenceEmbedder, tmp_path: Path
) -> None:
    folder = tmp_path / "prompted"
    shutil.copytree(models.locate(DEFAULT_EMBEDDER, ModelSettings()), folder)
    about = folder / "config_sentence_transformers.json"
    prompts = {"query": "search: ", "passage": "text: "}
    about.write_text(json.dumps(json.loads(about.read_text()) | {"prompts": prompts}))
    own = SentenceEmbedder.open(ModelSettings(embedder=str(folder)))
    np.testing.assert_allclose(own.query("a bridge"), embedder.query("search: a bridge"), atol=1e-6)
    np.testing.assert_allclose(
        own.passages(["a bridge"]), embedder.passages(["text: a bridge"]), atol=1e-6
    )
    bare = ModelSettings(embedder=str(folder), query_prefix="", passage_prefix="")
    np.testing.assert_allclose(
        SentenceEmbedder.open(bare).query("a bridge"), embedder.query("a bridge"), atol=1e-6
    )


@pytest.mark.models
def test_sentences_are_compared_by_the_built_in_embedder(embedder: SentenceEmbedder) -> None:
    assert open_reading_embedder(ModelSettings(), embedder) is embedder
    prefixed = ModelSettings(query_prefix="query: ")
    other = open_embedder(prefixed)
    reading = open_reading_embedder(prefixed, other)
    assert reading is not other
    assert reading.identity == embedder.identity
    assert reading.query("a bridge").tobytes() == embedder.query("a bridge").tobytes()
