"""An embedder behind an address: what is sent, what comes back, what is no vector."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from endpoint_server import Behaviour, embeds, raw, refuse, served

from rag.embedder import Embedder
from rag.embeddings import BATCH, EndpointEmbedder, vectors
from rag.errors import EmbedderMismatch, EndpointError, EndpointUnreachable, ModelMissing
from rag.index import Index
from rag.pipeline import build
from rag.settings import ModelSettings, Settings
from rag.types import EmbedderIdentity

TEXT = "The stone bridge at Arta was built in 1931.\n\nTwelve boats sank in the storm of 1954.\n"


def letters(text: str) -> list[float]:
    """Count a, b and c: cosines that can be worked out by hand."""
    return [float(text.count(letter)) for letter in "abc"]


def opened(address: str, **settings: Any) -> EndpointEmbedder:
    return EndpointEmbedder.open(
        ModelSettings(embedder=address, embedder_model="embed", timeout=5.0, **settings)
    )


def test_rows_are_unit_vectors_in_the_order_of_the_texts() -> None:
    texts = ["a" * (i + 1) + "b" * (2 * i) for i in range(2 * BATCH + 3)]
    with served(embeds(letters, turned=True)) as server:
        embedder: Embedder = opened(server.address, api_key="sk-1")
        rows = embedder.passages(texts)
    wanted = np.array([letters(text) for text in texts])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(rows, wanted, atol=1e-6)
    assert rows.dtype == np.float32
    assert [len(r.body["input"]) for r in server.requests] == [BATCH, BATCH, 3]
    assert {(r.path, r.key, r.body["model"]) for r in server.requests} == {
        ("/v1/embeddings", "Bearer sk-1", "embed")
    }


def test_a_question_is_one_unit_vector_with_its_prefix() -> None:
    with served(embeds(letters)) as server:
        embedder = opened(server.address, query_prefix="cc", passage_prefix="b ")
        np.testing.assert_allclose(embedder.query("a"), [1 / 5**0.5, 0, 2 / 5**0.5], atol=1e-6)
        embedder.passages(["a"])
    assert [r.body["input"] for r in server.requests] == [["cca"], ["b a"]]


def test_nothing_is_sent_before_use_and_the_dimension_is_learnt_once() -> None:
    with served(embeds(letters)) as server:
        embedder = opened(server.address)
        assert server.requests == []
        assert embedder.identity.dimension == 3
        assert embedder.passages([]).shape == (0, 3)
        assert embedder.identity == embedder.identity
        assert len(server.requests) == 1


def test_an_empty_text_is_not_sent_as_one() -> None:
    with served(embeds(lambda text: [1.0, 2.0])) as server:
        assert opened(server.address).passages(["", "a"]).shape == (2, 2)
    assert server.requests[0].body["input"] == ["?", "a"]


def test_the_identity_is_the_models_wherever_it_is_served() -> None:
    with served(embeds(letters)) as one, served(embeds(letters)) as other:
        first, second = opened(one.address).identity, opened(other.address).identity
        assert first == second
        assert (first.name, first.dimension, first.normalised) == ("embed", 3, True)
        changed = opened(one.address, passage_prefix="passage: ").identity
        assert changed.revision != first.revision
        assert opened(one.address, query_prefix="query: ").identity == first


def reply(*rows: Any) -> bytes:
    return json.dumps({"data": list(rows)}).encode()


def row(index: int, *numbers: Any) -> dict[str, Any]:
    return {"index": index, "embedding": list(numbers)}


@pytest.mark.parametrize(
    "data",
    [
        reply(),
        reply(row(0, 1, 2)),
        reply(row(0, 1, 2), row(0, 1, 2)),
        reply(row(0, 1, 2), row(2, 1, 2)),
        reply(row(0, 1, 2), row(1, 1, 2, 3)),
        reply(row(0, 1, 2), row(1, 1)),
        reply(row(0), row(1)),
        reply(row(0, 1, 2), row(1, 1, float("nan"))),
        reply(row(0, 1, 2), row(1, 1, 1e300)),
        reply(row(0, 1, 2), row(1, 1, "x")),
        reply(row(0, 1, 2), row(1, 1, [2])),
        reply({"index": 0, "embedding": "AACAPw=="}, row(1, 1, 2)),
        reply({"index": 0}, row(1, 1, 2)),
        reply(7, 8),
        b'{"data": 3}',
        b"[]",
        b'{"data": {"a": 1}}',
    ],
)
def test_what_is_no_row_of_vectors(data: bytes) -> None:
    wanted = "no vectors for 2 texts"
    with served(raw(data)) as server, pytest.raises(EndpointError, match=wanted) as caught:
        opened(server.address).passages(["a", "b"])
    assert "RAG_MODELS__EMBEDDER" in caught.value.hint


def test_rows_without_an_index_are_in_order() -> None:
    found = {"data": [{"embedding": [1, 2]}, {"embedding": [3, 4]}]}
    np.testing.assert_array_equal(vectors(found, 2), [[1, 2], [3, 4]])


def test_vectors_that_change_their_length() -> None:
    lengths = iter((2, 3))

    def other(_: str) -> Sequence[float]:
        return [1.0] * next(lengths)

    with served(embeds(other)) as server:
        embedder = opened(server.address)
        embedder.query("a")
        with pytest.raises(EndpointError, match="vectors of 3 numbers, where they had 2"):
            embedder.query("a")


@pytest.mark.parametrize(
    ("behaviour", "error", "message"),
    [
        (refuse(404, "model 'embed' not found"), ModelMissing, "'embed'"),
        (refuse(400, "input too long"), EndpointError, "answers 400: input too long"),
        (raw(b"<html>"), EndpointError, "not JSON"),
        (raw(b"\xff\xfe{}"), EndpointError, "not JSON"),
        (raw(b"[" * (1 << 25) + b"["), EndpointError, "more than 33,554,432 bytes"),
    ],
)
def test_failures_are_those_of_any_endpoint(
    behaviour: Behaviour, error: type[Exception], message: str
) -> None:
    with served(behaviour) as server, pytest.raises(error, match=message):
        opened(server.address).query("a")


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EndpointUnreachable):
        opened(f"http://127.0.0.1:{port}/v1").identity  # noqa: B018


# --- an index that such an embedder makes


def test_another_embedder_embeds_everything_again_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")

    def chosen(address: str, model: str) -> Settings:
        models = {"embedder": address, "embedder_model": model}
        return Settings(models=models, passages={"min_chars": 1})  # type: ignore[arg-type]

    with served(embeds(letters)) as server, caplog.at_level(logging.WARNING, "rag"):
        first = chosen(server.address, "first")
        made, _ = build(tmp_path / "a.txt", tmp_path / "i", first)
        again, _ = build(tmp_path / "a.txt", tmp_path / "i", first)
        assert (made.embedded, again.embedded, caplog.text) == (made.passages, 0, "")
        second = chosen(server.address, "second")
        switched, _ = build(tmp_path / "a.txt", tmp_path / "i", second)
        assert switched.embedded == made.passages
        assert "was built with first (3 dimensions" in caplog.text
        assert "with second (3 dimensions" in caplog.text
        assert "every passage is embedded again" in caplog.text
        Index.open(tmp_path / "i", EndpointEmbedder.open(second.models).identity).close()
        with pytest.raises(EmbedderMismatch, match="built with second") as caught:
            Index.open(tmp_path / "i", EndpointEmbedder.open(first.models).identity)
    assert f"rag index SOURCES... --index {tmp_path / 'i'}" in caught.value.hint
    assert "RAG_MODELS__EMBEDDER" in caught.value.hint


def test_a_server_that_fails_while_indexing_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    with served(embeds(letters), embeds(letters), refuse(500)) as server:
        models = {"embedder": server.address, "embedder_model": "e"}
        settings = Settings(models=models)  # type: ignore[arg-type]
        build(tmp_path / "a.txt", tmp_path / "i", settings)
        before = Index.built_with(tmp_path / "i")
        (tmp_path / "a.txt").write_text(f"{TEXT}\nA new line about bees.\n", encoding="utf-8")
        server.behaviours[:] = [embeds(letters), refuse(500)]
        with pytest.raises(EndpointError, match="500"):
            build(tmp_path / "a.txt", tmp_path / "i", settings)
    with Index.open(tmp_path / "i") as index:
        assert index.documents()[0].text == TEXT
        assert index.identity == before


def test_no_index_was_built_with_nothing(tmp_path: Path) -> None:
    assert Index.built_with(tmp_path) is None
    (tmp_path / "index.sqlite").write_bytes(b"not a database, but long enough to be read" * 99)
    assert Index.built_with(tmp_path) is None


def test_the_identity_is_a_value() -> None:
    with served(embeds(letters)) as server:
        identity = opened(server.address).identity
    assert identity == EmbedderIdentity("embed", identity.revision, 3)
    assert len(identity.revision) == 16
