"""The page and the interfaces for programs in one process: each keeps its own wall and paths."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from page_fake import FakeBot
from server_fake import FakeLibrary, served, settings

from rag.errors import SettingsError
from rag.server import serve

ROOT = Path(__file__).parent.parent

ASKED = {"question": "Who lit the lamp?"}


@pytest.fixture(scope="module")
def both():
    with served(FakeLibrary(), page=True) as url:
        yield url


def test_the_page_and_the_interfaces_are_both_there(both):
    assert "Ask the documents" in httpx.get(both + "/").text
    assert httpx.get(both + "/page/style.css").status_code == 200
    assert httpx.post(both + "/api/ask", json=ASKED).json()["abstained"] is False
    assert httpx.get(both + "/health").json() == {"status": "alive"}


def test_a_program_may_still_talk_to_the_page(both):
    client = Client(both, verbose=False, analytics_enabled=False)
    said = client.predict("Who lit the lamp?", [["Hello", "Hello."]], api_name="/chat")
    whole = httpx.post(both + "/api/ask", json=ASKED).json()
    assert {key: said[key] for key in ("text", "confidence", "timings", "passages")} == {
        key: whole[key] for key in ("text", "confidence", "timings", "passages")
    }
    assert [c["quote"] for c in said["citations"]] == [c["quote"] for c in whole["citations"]]


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/upload", "/docs", "/redoc", "/apix", "/v1x", "/healthy", "/api", "/mcp/../docs",
     "/gradio_api/openapi.json", "/static/../../app.py", "/metrics/x"],
)  # fmt: skip
def test_no_more_paths_are_open_than_those_of_either(both, path):
    assert httpx.get(both + path).status_code == 404


def test_the_page_has_its_policy_and_the_interfaces_a_stricter_one(both):
    page = httpx.get(both + "/").headers["content-security-policy"]
    assert "script-src 'self' 'nonce-" in page
    api = httpx.get(both + "/api/documents").headers["content-security-policy"]
    assert api == "default-src 'none'; frame-ancestors 'none'"


def test_one_pipeline_is_opened_for_both_without_anybody_asking():
    opened = []

    def opener(progress):
        opened.append(1)
        return FakeLibrary()

    with served(opener, page=True) as url:
        client = Client(url, verbose=False, analytics_enabled=False)
        client.predict("Who lit the lamp?", api_name="/chat")
        assert httpx.post(url + "/api/ask", json=ASKED).status_code == 200
    assert opened == [1]


def test_the_key_is_asked_of_programs_and_not_of_the_page():
    with served(FakeLibrary(), page=True, api_key="correct horse") as url:
        assert httpx.post(url + "/api/ask", json=ASKED).status_code == 401
        client = Client(url, verbose=False, analytics_enabled=False)
        said = client.predict("Who lit the lamp?", api_name="/chat")
    assert said["text"] == FakeBot().answer("Who lit the lamp?").text


def test_a_taken_port_is_told_before_anything_is_loaded(both, tmp_path):
    port = int(both.rsplit(":", 1)[1])
    with pytest.raises(SettingsError, match="cannot listen"):
        serve(lambda progress: FakeLibrary(), settings(port), uploads=tmp_path)


def test_the_program_serves_without_the_page_and_logs_a_line_a_request(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "notes.txt").write_text("Ann Keller was born in Lisbon.")
    command = ["-m", "rag", "serve", "--no-page", "--port", str(port), "--source", "notes.txt"]
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RAG_MODELS__GENERATOR": "no/such-model"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "/openapi.json" in line:
            break
    url = f"http://127.0.0.1:{port}"
    response = httpx.get(url + "/", headers={"x-request-id": "mine"}, timeout=30)
    assert (response.status_code, response.json()["title"]) == (404, "Not Found")
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 143
    assert lines[-1] == f"For programs there is {url}/openapi.json (Ctrl-C ends it).\n"
    assert re.search(r"^20\S+ \S+ mine GET / 404 \d\.\d{3} s$", rest, re.MULTILINE)
    loaded = {line.split("|")[-1].strip() for line in lines}
    assert "rag.server.application" in loaded
    assert "gradio" not in loaded
