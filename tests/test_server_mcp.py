"""The tools of the Model Context Protocol, called by the protocol's own client."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from page_fake import TEXT, FakeBot
from server_fake import FakeLibrary, served

from rag.page.bot import Opening
from rag.server import tools
from rag.server.desk import Desk
from rag.server.metrics import Metrics
from rag.settings import Settings

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
ASKED = {"question": "Who lit the lamp?"}
ANSWER = FakeBot().answer("Who lit the lamp?")
SAY_HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def talk(use: Callable[[Client], Awaitable[Any]], *how: str) -> Any:
    """Start the tools in a process of their own and use them."""
    program = StdioServerParameters(
        command=sys.executable, args=[str(HERE / "mcp_fake.py"), *how], env=ENVIRONMENT
    )

    async def run() -> Any:
        with anyio.fail_after(120):
            async with Client(stdio_client(program)) as client:
                return await use(client)

    return anyio.run(run)


def test_three_tools_are_described_and_typed():
    async def use(client):
        listed = await client.list_tools()
        return {tool.name: tool for tool in listed.tools}, client.instructions

    tools, about = talk(use)
    assert sorted(tools) == ["ask", "read_document", "search"]
    assert "read_document" in about
    for tool in tools.values():
        assert len(tool.description) > 40
        assert tool.annotations.read_only_hint is True
        for argument in tool.input_schema["properties"].values():
            assert argument["description"]
    assert tools["ask"].input_schema["required"] == ["question"]
    answer = tools["ask"].output_schema["properties"]
    assert answer["abstained"]["type"] == "boolean"
    assert answer["citations"]["type"] == "array"
    assert tools["search"].output_schema["properties"]["passages"]
    assert tools["read_document"].output_schema["properties"]["text"]["type"] == "string"


def test_asking_searching_and_reading_while_the_models_load_and_libraries_chat():
    stages: list[str | None] = []

    async def use(client):
        async def progress(done, total, message):
            stages.append(message)

        asked = await client.call_tool("ask", ASKED, progress_callback=progress)
        cited = asked.structured_content["citations"][0]
        found = await client.call_tool("search", {"question": "lamp", "limit": 2})
        place = {"document": cited["document"], "start": cited["start"], "length": 20}
        read = await client.call_tool("read_document", place)
        return asked, found, read

    asked, found, read = talk(use)
    answer = asked.structured_content
    assert asked.is_error is False
    assert (answer["text"], answer["abstained"]) == (ANSWER.text, False)
    assert json.loads(asked.content[0].text) == answer  # for clients that read only text
    for one in answer["citations"]:
        assert TEXT[one["start"] : one["end"]] == one["quote"]
    assert stages == ["search", "read", "write", "verify"]
    assert len(found.structured_content["passages"]) == 2
    start = answer["citations"][0]["start"]
    assert read.structured_content["text"] == TEXT[start : start + 20]
    assert read.structured_content["title"] == "The Lamp on Gull Rock"
    assert read.structured_content["characters"] == len(TEXT)


def test_what_goes_wrong_is_told_to_the_model():
    async def use(client):
        return [
            await client.call_tool("ask", {"question": " "}),
            await client.call_tool("ask", {"question": "boom"}),
            await client.call_tool("read_document", {"document": "none"}),
            await client.call_tool("search", {"question": "lamp", "limit": 1000}),
        ]

    empty, broken, missing, many = talk(use)
    assert all(result.is_error for result in (empty, broken, missing, many))
    assert (
        empty.content[0].text == "Error executing tool ask: The question is empty. Type a question."
    )
    assert "secret" not in broken.content[0].text
    assert "There is no document 'none'." in missing.content[0].text
    assert "limit" in many.content[0].text


def test_models_that_cannot_be_loaded_are_an_answer_too():
    async def use(client):
        return await client.call_tool("ask", ASKED)

    result = talk(use, "broken")
    assert result.is_error
    assert result.content[0].text.endswith("The generator is not here. Run `rag models get`.")


def test_a_cancelled_question_stops_the_draft():
    async def use(client):
        with anyio.move_on_after(2.0):
            await client.call_tool("ask", ASKED)
        for _ in range(100):
            told = await client.call_tool("read_document", {"document": "stopped"})
            if told.structured_content["id"] == "doc-1":
                return True
            await anyio.sleep(0.1)
        return False

    assert talk(use, "slow") is True


def test_nothing_but_the_protocol_is_on_standard_output():
    lines = [
        SAY_HELLO,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
         "params": {"name": "ask", "arguments": ASKED}},
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(HERE / "mcp_fake.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for line in lines:
        process.stdin.write(json.dumps(line) + "\n")
    process.stdin.flush()
    said = [json.loads(process.stdout.readline()) for _ in range(2)]  # each line is a message
    rest, errors = process.communicate(timeout=60)  # standard input ends, and so does the server
    assert process.returncode == 0
    assert [one["id"] for one in said] == [1, 2]
    assert said[1]["result"]["structuredContent"]["text"] == ANSWER.text
    assert rest == ""
    for noise in ("noise of a library\n", "noise of a library in C\n", "noise while loading\n"):
        assert noise in errors


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_program_ends_when_told_so_and_answers_before_it_can_load(tmp_path, sent, code):
    (tmp_path / "notes.txt").write_text("Ann Keller was born in Lisbon.")
    process = subprocess.Popen(
        [sys.executable, "-m", "rag", "mcp", "--source", "notes.txt"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**ENVIRONMENT, "RAG_MODELS__CACHE": str(tmp_path), "RAG_MODELS__GENERATOR": "no/such"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(SAY_HELLO) + "\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "rag"
    process.send_signal(sent)
    assert process.wait(30) == code
    assert process.stdout.read() == ""
    process.stdin.close()


@pytest.mark.parametrize("key", [None, "correct horse"])
def test_the_same_tools_are_served_over_http(key):
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    headers = {"authorization": f"Bearer {key}"} if key else {}

    async def use(url: str) -> Any:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
        ):
            listed = await client.list_tools()
            return [t.name for t in listed.tools], await client.call_tool("ask", ASKED)

    with served(FakeLibrary(), page=True, api_key=key) as url:
        names, asked = anyio.run(use, url)
    assert sorted(names) == ["ask", "read_document", "search"]
    assert asked.structured_content["text"] == ANSWER.text


def test_building_the_tools_leaves_the_logging_of_the_process_alone():
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    root.handlers.clear()
    try:
        tools.build(Desk(Opening(lambda progress: FakeLibrary()), Settings(), Metrics()))
        assert (root.handlers, root.level) == ([], level)
    finally:
        root.handlers[:] = kept
