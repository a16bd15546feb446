"""The real models behind real servers: `transformers serve`, and the embedder behind an address."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from endpoint_server import embeds, served

from rag import models
from rag.embedder import SentenceEmbedder
from rag.embeddings import EndpointEmbedder
from rag.pipeline import Pipeline
from rag.settings import DEFAULT_GENERATOR, ModelSettings, Settings

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]

SEEDS = Path(__file__).parent.parent / "seeds"
QUESTION = "How many gunmen ambushed the group of state policemen?"
PATIENCE = 300  # seconds for a model to load on a machine that does other things too


@contextmanager
def transformers_serve(folder: Path, log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start `transformers serve` on a model's folder and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder)]
    options = ["--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*program, *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
    try:
        began = time.monotonic()
        while not _healthy(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() - began < PATIENCE, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1", process
    finally:
        process.kill()
        process.wait()


def _healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_transformers_serve_writes_and_its_end_costs_no_evidence(
    embedder: SentenceEmbedder, tmp_path: Path
) -> None:
    """The generator and the embedder both stand behind addresses; then the generator is killed."""
    folder = models.locate(DEFAULT_GENERATOR, ModelSettings())
    with (
        served(embeds(lambda text: embedder.passages([text])[0].tolist())) as vectors,
        transformers_serve(folder, tmp_path / "log") as (address, process),
    ):
        chosen = {
            "generator": address,
            "generator_model": str(folder),
            "embedder": vectors.address,
            "embedder_model": "minilm",
            "timeout": 120,
        }
        settings = Settings(models=chosen)  # type: ignore[arg-type]
        with Pipeline.open(sources=[SEEDS], index=tmp_path / "i", settings=settings) as bot:
            assert bot.index.identity.name == "minilm"
            answer = bot.ask(QUESTION)
            assert (answer.notice, answer.abstained) == ("", False)
            assert answer.draft
            assert "30" in answer.text
            assert answer.citations
            for citation in answer.citations:
                text = bot.document(citation.document).text
                assert text[citation.start : citation.end] == citation.quote
            process.kill()
            process.wait()
            later = bot.ask(QUESTION)
            assert "EndpointUnreachable" in later.notice
            assert (later.draft, later.abstained) == ("", False)
            assert "30" in later.text
            assert later.citations[0].quote in bot.document(later.citations[0].document).text


def test_the_same_vectors_come_over_the_wire(embedder: SentenceEmbedder) -> None:
    texts = ["The bridge was opened in 1931.", "naïve — “quotes” 漢字 🙂"]
    with served(embeds(lambda text: embedder.passages([text])[0].tolist())) as server:
        chosen = ModelSettings(embedder=server.address, embedder_model="minilm")
        remote = EndpointEmbedder.open(chosen)
        np.testing.assert_allclose(remote.passages(texts), embedder.passages(texts), atol=1e-5)
        np.testing.assert_allclose(remote.query(texts[0]), embedder.query(texts[0]), atol=1e-5)
        assert remote.identity.dimension == embedder.identity.dimension
