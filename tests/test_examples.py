"""The examples of the documents, run against a real server over the real models."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import platformdirs
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from test_docs import FENCE, ROOT

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]

ADDRESS = "http://127.0.0.1:7860"
PAGES = ("README.md", "docs/programs.md")


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [block for name, block in FENCE.findall(text) if name == language]


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder as a reader of the documents has it: the seeds, the files, an index."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    for name in ("README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-m", "rag", "index", "seeds"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def running(place) -> Iterator[str]:
    """`rag serve` as its user starts it; its address."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAG_PAGE__PORT": str(free_port())}
    url = f"http://127.0.0.1:{environment['RAG_PAGE__PORT']}"
    with (place / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rag", "serve"], cwd=place, env=environment, stderr=log
        )
    try:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(url + "/ready").status_code == 200:
                    break
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def curl(line: str, place: Path) -> httpx.Response:
    """Send what a curl command of the documents would send; unknown options are an error."""
    words = shlex.split(line)[1:]
    url, data, headers, files = "", None, {}, []
    while words:
        word = words.pop(0)
        if word == "-H":
            name, value = words.pop(0).split(": ", 1)
            headers[name] = value
        elif word == "-d":
            data = words.pop(0)
        elif word == "-F":
            field, name = words.pop(0).split("=@")
            files.append((field, (name, (place / name).read_bytes())))
        elif word != "-N":
            assert word.startswith("http"), f"unknown option {word}"
            url = word
    if data is None and not files:
        return httpx.get(url, headers=headers, timeout=120)
    if files:
        return httpx.post(url, files=files, headers=headers, timeout=120)
    return httpx.post(url, content=data, headers=headers, timeout=120)


def curls() -> list[str]:
    return [
        line
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("curl ")
    ]


def test_the_curl_commands_do_what_is_said_of_them(running, place):
    asked = curls()
    assert len(asked) >= 9
    answers = []
    for line in asked:
        response = curl(line.replace(ADDRESS, running), place)
        assert response.is_success, (line, response.text)
        if "/api/ask " in line:
            answers.append(response.json())
        elif "/stream" in line:
            found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", response.text)
            assert found[-1][0] == "answer"
            answers.append(json.loads(found[-1][1]))
        elif "/search" in line:
            assert len(response.json()["passages"]) == 3
        elif "files=@" in line:
            assert {one["status"] for one in response.json()["files"]} <= {
                "indexed", "unchanged",
            }  # fmt: skip
        else:
            assert response.json()["total"] >= 1
    founders = [one for one in answers if one["question"] == "Who founded the Zetas?"]
    assert len(founders) == 3
    for one in founders:
        assert "military" in one["text"]
        assert one["citations"]
    names = {one["title"] for one in httpx.get(running + "/api/documents").json()["documents"]}
    assert any("rag" in name for name in names)


def test_what_was_uploaded_is_answered_from_and_deleted(running):
    text = b"Ann Keller was born in Lisbon in 1931.\n\nShe painted 212 pictures of harbours.\n"
    sent = httpx.post(running + "/api/documents", files={"files": ("ann.txt", text)}, timeout=120)
    (id,) = sent.json()["files"][0]["documents"]
    question = {"question": "Where was Ann Keller born?"}
    answer = httpx.post(running + "/api/ask", json=question, timeout=120).json()
    assert "Lisbon" in answer["text"]
    assert {one["document"] for one in answer["citations"]} == {id}
    again = httpx.post(running + "/api/documents", files={"files": ("ann.txt", text)}, timeout=120)
    assert (again.status_code, again.json()["files"][0]["status"]) == (200, "unchanged")
    bad = {"files": ("ann.txt", b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)))}
    assert httpx.post(running + "/api/documents", files=bad, timeout=120).status_code == 422
    assert httpx.get(f"{running}/api/documents/{id}").json()["text"].startswith("Ann Keller")
    assert httpx.delete(f"{running}/api/documents/{id}", timeout=120).status_code == 204
    assert httpx.get(f"{running}/api/documents/{id}").status_code == 404
    after = httpx.post(running + "/api/ask", json=question, timeout=120).json()
    assert after["abstained"] or "Lisbon" not in after["text"]


@pytest.mark.parametrize("page", PAGES)
def test_the_python_blocks_about_the_server_run(running, place, page, capsys):
    ran = 0
    for block in blocks(page, "python"):
        if ADDRESS in block:
            exec(compile(block.replace(ADDRESS, running), page, "exec"), {})
            ran += 1
    assert ran >= 1
    assert "military" in capsys.readouterr().out


def test_the_usage_counts_tokens_of_the_model(running):
    asked = {"model": "rag", "messages": [{"role": "user", "content": "Who founded the Zetas?"}]}
    done = httpx.post(running + "/v1/chat/completions", json=asked, timeout=120).json()
    assert 5 <= done["usage"]["prompt_tokens"] <= 12
    assert done["usage"]["completion_tokens"] >= len(done["choices"][0]["message"]["content"]) / 8


def test_the_configuration_of_an_assistant_starts_the_tools(place):
    found = [json.loads(block) for page in PAGES for block in blocks(page, "json")]
    server, again = (one["mcpServers"]["rag"] for one in found if "mcpServers" in one)
    assert server == again
    assert server["command"] == "rag"  # the installed program; here the same from its source
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "rag", *server["args"]],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    async def use():
        with anyio.fail_after(240):
            async with Client(stdio_client(program)) as client:
                return await client.call_tool("ask", {"question": "Who founded the Zetas?"})

    answer = anyio.run(use).structured_content
    assert "military" in answer["text"]
    assert answer["citations"]


def test_the_readme_shows_what_is_printed(tmp_path):
    (shown,) = (one for one in blocks("README.md", "") if one.startswith("$ rag ask"))
    command, printed = shown.removeprefix("$ ").split("\n", 1)
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\nconfidence ")[0] == printed.split("\nconfidence ")[0]


def test_the_readme_opens_a_pipeline(place, capsys):
    (block,) = (one for one in blocks("README.md", "python") if "Pipeline.open" in one)
    with inside(place):
        exec(compile(block, "README.md", "exec"), {})
    assert "military" in capsys.readouterr().out


def test_the_tour_runs_from_its_first_line_to_its_last(tmp_path, capsys):
    found = blocks("docs/tour.md", "python")
    assert len(found) >= 9
    names: dict[str, object] = {}
    with inside(tmp_path):
        for block in found:
            exec(compile(block, "docs/tour.md", "exec"), names)
    said = capsys.readouterr().out
    assert "[1] notes/ann.txt: Ann Keller was born in Lisbon in 1931." in said
    assert "search\nread\nwrite\n" in said


def test_the_readme_follows_a_folder_and_asks_it(tmp_path):
    (block,) = (one for one in blocks("README.md", "sh") if "--watch" in one)
    followed, asked, listed = block.strip().splitlines()
    (tmp_path / "notes").mkdir()
    note = "Title: The lamp\nAuthor: Ann\n\nThe lamp on the pier is lit at nine in the evening.\n"
    (tmp_path / "notes" / "lamp.txt").write_text(note, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(Path(platformdirs.user_cache_dir())),
    }
    environment.pop("XDG_DATA_HOME", None)

    def command(line: str) -> list[str]:
        (_, *words) = shlex.split(line, comments=True)
        return [sys.executable, "-m", "rag", *(w.replace("~", str(tmp_path)) for w in words)]

    with subprocess.Popen(
        command(followed), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        assert any(line.startswith("indexed  1") for line in watching.stdout)
        watching.send_signal(signal.SIGINT)

    def said(line: str) -> str:
        done = subprocess.run(
            command(line), cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "lit at nine" in said(asked)
    assert "lamp.txt" in said(listed)


def test_each_surface_takes_few_lines_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in FENCE.findall(text.split("## From other programs")[1].split("\n## ")[0]):
        assert block[1].count("\n") < 10
