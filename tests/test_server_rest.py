"""The REST interface, over a fake library behind a real server."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from page_fake import TEXT, FakeBot
from server_fake import FakeLibrary, served, settings

from rag import errors
from rag.errors import (
    ChangesForbidden,
    DocumentMissing,
    KeyMissing,
    NotReady,
    QueueFull,
    RagError,
    SettingsError,
)
from rag.server.application import is_loopback, may_change
from rag.server.bodies import AnswerBody
from rag.server.problems import STATUS, kind_of, status_of
from rag.server.uploads import MAX_NAME, safe_name
from rag.server.wall import MAX_BODY
from rag.settings import Settings

PROBLEM = "application/problem+json"
QUESTION = {"question": "Who lit the lamp?"}
KEYS = ["question", "text", "abstained", "confidence", "citations", "passages", "timings"]


@pytest.fixture(scope="module")
def api():
    with served(FakeLibrary(), max_question_chars=200) as url:
        yield url


def kind(error: type[RagError]) -> str:
    return f"urn:rag:{kind_of(error(''))}"


def problem(response: httpx.Response, status: int, type: str = "about:blank") -> dict:
    """Check that a response is a problem of this status and type; returns its members."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert body["status"] == status
    assert body["type"] == type
    assert body["title"]
    return body


def events(text: str) -> list[tuple[str, dict]]:
    """Return the (name, data) of server-sent events."""
    found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
    return [(name, json.loads(data)) for name, data in found]


# --- questions


def test_an_answer_has_the_keys_of_the_program_and_exact_quotes(api):
    body = httpx.post(api + "/api/ask", json=QUESTION).json()
    assert list(body) == KEYS
    answer = FakeBot().answer(QUESTION["question"])
    assert (body["text"], body["confidence"]) == (answer.text, answer.confidence)
    assert [c["marker"] for c in body["citations"]] == [1, 2]
    for one in body["citations"]:
        assert list(one) == ["marker", "document", "start", "end", "quote"]
        assert TEXT[one["start"] : one["end"]] == one["quote"]
    assert list(body["passages"][0]) == ["document", "start", "end", "score"]


def test_a_citation_tells_its_page_and_headings_where_there_are_some(api):
    body = httpx.post(api + "/api/ask", json={"question": "On which page?"}).json()
    assert body["citations"][0]["page"] == "14"
    assert body["citations"][0]["headings"] == ["Keepers", "The first"]
    assert "table" not in body["citations"][0]


def test_an_abstention_is_an_answer(api):
    response = httpx.post(api + "/api/ask", json={"question": "Who walked on the moon?"})
    assert response.status_code == 200
    assert response.json()["abstained"] is True
    assert response.json()["citations"] == []


def test_history_is_handed_on():
    bot = FakeLibrary()
    with served(bot) as url:
        body = {"question": "And when?", "history": [["Who lit it?", "Marta did."]]}
        assert httpx.post(url + "/api/ask", json=body).status_code == 200
    assert bot.histories == [[("Who lit it?", "Marta did.")]]


def test_a_stream_sends_stages_the_draft_and_last_the_answer(api):
    response = httpx.post(api + "/api/ask/stream", json=QUESTION)
    assert response.headers["content-type"].startswith("text/event-stream")
    found = events(response.text)
    assert [d["stage"] for n, d in found if n == "stage"] == ["search", "read", "write", "verify"]
    draft = "".join(d["text"] for n, d in found if n == "token")
    assert draft.strip() == FakeBot().answer(QUESTION["question"]).draft
    assert found[-1][0] == "answer"
    whole = httpx.post(api + "/api/ask", json=QUESTION).json()
    assert found[-1][1] == whole


def test_a_silent_stream_says_that_it_works():
    with served(FakeLibrary(delay=0.3), keep_alive=0.05) as url:
        text = httpx.post(url + "/api/ask/stream", json={"question": "moon"}, timeout=30).text
    assert text.count(": still working\n\n") >= 3
    assert events(text)[-1][0] == "answer"


def test_an_error_in_a_stream_is_its_last_event():
    class Late(FakeLibrary):
        def stream(self, question, history=(), *, stop=None):
            yield from list(super().stream(question, history, stop=stop))[:2]
            if "boom" in question:
                raise ZeroDivisionError("/secret/path")
            raise errors.ModelDamaged("The model is damaged.", hint="Get it again.")

    with served(Late()) as url:
        told = events(httpx.post(url + "/api/ask/stream", json=QUESTION).text)[-1]
        hidden = events(httpx.post(url + "/api/ask/stream", json={"question": "boom"}).text)[-1]
    assert told[0] == "error"
    assert told[1]["type"] == "urn:rag:model-damaged"
    assert told[1]["hint"] == "Get it again."
    assert (hidden[0], hidden[1]["status"]) == ("error", 500)
    assert "secret" not in json.dumps(hidden)


def test_search_gives_passages_with_their_words(api):
    body = {"question": "lamp", "limit": 3}
    found = httpx.post(api + "/api/search", json=body).json()["passages"]
    assert len(found) == 3
    for one in found:
        assert TEXT[one["start"] : one["end"]] == one["text"]
        assert one["title"] == "The Lamp on Gull Rock"
    more = httpx.post(api + "/api/search", json={"question": "lamp", "limit": 25}).json()
    assert len(more["passages"]) == 25


# --- how much at once


def test_too_many_questions_are_refused_and_the_rest_answered():
    class Counting(FakeLibrary):
        running = most = 0
        lock = threading.Lock()

        def stream(self, question, history=(), *, stop=None):
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            time.sleep(1.0)
            yield from super().stream(question, history, stop=stop)
            with self.lock:
                self.running -= 1

    bot = Counting()
    with served(bot, max_running=2, max_waiting=1) as url, ThreadPoolExecutor(8) as pool:
        asked = pool.map(
            lambda _: httpx.post(url + "/api/ask", json=QUESTION, timeout=30), range(8)
        )
        found = list(asked)
        text = httpx.get(url + "/metrics").text
    assert sorted(r.status_code for r in found) == [200] * 3 + [503] * 5
    refused = next(r for r in found if r.status_code == 503)
    problem(refused, 503, kind(QueueFull))
    assert int(refused.headers["retry-after"]) > 0
    assert bot.most == 2
    assert 'rag_questions_total{outcome="answered"} 3.0' in text
    assert "rag_questions_in_work 0.0" in text


def stopped(bot: FakeLibrary, url: str) -> None:
    """Check that within seconds one answer was stopped, and that this was counted."""
    deadline = time.monotonic() + 10
    while not bot.stopped and time.monotonic() < deadline:
        time.sleep(0.05)
    assert bot.stopped == 1
    assert 'rag_questions_total{outcome="stopped"} 1.0' in httpx.get(url + "/metrics").text


def test_a_client_that_does_not_wait_for_the_answer_stops_it():
    bot = FakeLibrary(delay=0.2)
    with served(bot) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url + "/api/ask", json=QUESTION, timeout=0.7)
        stopped(bot, url)


def test_a_client_that_leaves_a_stream_stops_the_draft():
    bot = FakeLibrary(delay=0.2)
    with served(bot) as url:
        with httpx.stream("POST", url + "/api/ask/stream", json=QUESTION) as response:
            assert next(response.iter_lines()) == "event: stage"
        stopped(bot, url)


# --- documents


def test_documents_are_listed_in_pages_and_read_in_stretches(api):
    first = httpx.get(api + "/api/documents", params={"limit": 1}).json()
    assert first["total"] == 2
    assert [one["id"] for one in first["documents"]] == ["doc-0"]
    assert first["documents"][0]["characters"] == len(TEXT)
    second = httpx.get(api + "/api/documents", params={"offset": 1}).json()
    assert [one["id"] for one in second["documents"]] == ["doc-1"]
    whole = httpx.get(api + "/api/documents/doc-0").json()
    assert whole["text"] == TEXT
    part = httpx.get(api + "/api/documents/doc-0", params={"start": 23, "end": 40}).json()
    assert part["text"] == TEXT[23:40]
    late = httpx.get(api + "/api/documents/doc-0", params={"start": 10**9}).json()
    assert (late["text"], late["start"]) == ("", len(TEXT))


def test_a_document_that_is_not_there(api):
    for method in ("GET", "DELETE"):
        body = problem(
            httpx.request(method, api + "/api/documents/a/b"), 404, kind(DocumentMissing)
        )
        assert "a/b" in body["detail"]


def test_an_upload_tells_of_each_file_and_deleting_takes_it_away(tmp_path):
    bot = FakeLibrary()
    with served(bot, uploads=tmp_path / "up") as url:
        files = [
            ("files", ("notes.txt", b"Ann Keller was born in Lisbon in 1931.")),
            ("files", ("../../evil.txt", b"Bo Falk sells green bicycles.")),
            ("files", ("prog", b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)))),
            ("files", ("notes.txt", b"another one of this name")),
        ]
        response = httpx.post(url + "/api/documents", files=files)
        assert response.status_code == 201
        notes, evil, prog, twin = response.json()["files"]
        assert (notes["name"], notes["status"]) == ("notes.txt", "indexed")
        assert (evil["name"], evil["status"]) == ("evil.txt", "indexed")
        assert (prog["status"], twin["status"]) == ("skipped", "skipped")
        assert prog["reason"].startswith("prog looks like a program")
        assert "name" in twin["reason"]
        assert {p.name for p in (tmp_path / "up").iterdir()} == {"notes.txt", "evil.txt"}
        text = httpx.get(f"{url}/api/documents/{notes['documents'][0]}").json()["text"]
        assert text == "Ann Keller was born in Lisbon in 1931."

        again = httpx.post(url + "/api/documents", files=files[:1])
        assert (again.status_code, again.json()["files"][0]["status"]) == (200, "unchanged")

        changed = [("files", ("notes.txt", b"Ann Keller was born in Porto."))]
        done = httpx.post(url + "/api/documents", files=changed).json()["files"][0]
        assert (done["status"], len(done["documents"])) == ("updated", 1)
        sources = [one.source for one in bot.documents()]
        assert sources.count(str(tmp_path / "up" / "notes.txt")) == 1

        gone = httpx.delete(f"{url}/api/documents/{done['documents'][0]}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert {p.name for p in (tmp_path / "up").iterdir()} == {"evil.txt"}


def test_an_upload_of_nothing_readable_is_a_problem_and_leaves_what_was_there(tmp_path):
    with served(FakeLibrary(), uploads=tmp_path / "up") as url:
        good = [("files", ("notes.txt", b"Ann Keller was born in Lisbon in 1931."))]
        id = httpx.post(url + "/api/documents", files=good).json()["files"][0]["documents"][0]
        bad = [("files", ("notes.txt", b"\x7fELF\x02\x01\x01\x00" + bytes(range(256))))]
        body = problem(httpx.post(url + "/api/documents", files=bad), 422, "urn:rag:source-error")
        assert body["files"][0]["status"] == "skipped"
        assert (tmp_path / "up" / "notes.txt").read_bytes().startswith(b"Ann Keller")
        assert [p.name for p in (tmp_path / "up").iterdir()] == ["notes.txt"]
        assert httpx.get(f"{url}/api/documents/{id}").status_code == 200


def test_a_failed_update_takes_the_files_back(tmp_path):
    class Busy(FakeLibrary):
        def add(self, sources, *, progress=None):
            raise errors.IndexBusy("Another process is writing.", hint="Wait.")

    with served(Busy(), uploads=tmp_path / "up") as url:
        response = httpx.post(url + "/api/documents", files={"files": ("a.txt", b"words")})
        problem(response, 503, "urn:rag:index-busy")
        assert "retry-after" in response.headers
    assert list((tmp_path / "up").iterdir()) == []


def test_uploads_are_bounded():
    with served(FakeLibrary(), max_upload_mb=1, max_files=2) as url:
        many = [("files", (f"{n}.txt", b"words")) for n in range(3)]
        assert "2 files" in problem(httpx.post(url + "/api/documents", files=many), 413)["detail"]
        large = {"files": ("a.txt", b"x" * 1_100_000)}
        problem(httpx.post(url + "/api/documents", files=large), 413)
        mine = {"files": ("a.txt", b"word " * 180_000)}  # more than a question may have
        assert httpx.post(url + "/api/documents", files=mine).status_code == 201
        problem(
            httpx.post(url + "/api/documents", data={"other": "x"}), 422, "urn:rag:invalid-request"
        )


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\docs\\Plan 7.docx", "Plan 7.docx"),
        ("..", ""),
        (".hidden", "hidden"),
        ("a\x00b\nc.txt", "abc.txt"),
        ("été.md", "été.md"),
        ("", ""),
        ("é" * 300 + ".txt", "é" * ((MAX_NAME - 4) // 2) + ".txt"),
    ],
)
def test_names_of_files_are_made_safe(given, name):
    assert safe_name(given) == name


# --- who may do what


@pytest.mark.parametrize(
    ("host", "key", "changes", "allowed"),
    [
        ("127.0.0.1", None, "auto", True),
        ("localhost", None, "auto", True),
        ("::1", None, "auto", True),
        ("0.0.0.0", None, "auto", False),
        ("rag.example", None, "auto", False),
        ("0.0.0.0", "a-long-key", "auto", True),
        ("0.0.0.0", None, "allow", True),
        ("127.0.0.1", "a-long-key", "forbid", False),
    ],
)
def test_documents_change_on_loopback_with_a_key_or_when_told_so(host, key, changes, allowed):
    assert may_change(settings(host=host, api_key=key, changes=changes)) is allowed
    assert is_loopback("192.0.2.1") is False


def test_a_server_without_changes_refuses_both():
    bot = FakeLibrary()
    with served(bot, changes="forbid") as url:
        upload = httpx.post(url + "/api/documents", files={"files": ("a.txt", b"words")})
        problem(upload, 403, kind(ChangesForbidden))
        problem(httpx.delete(url + "/api/documents/doc-0"), 403, kind(ChangesForbidden))
        assert httpx.get(url + "/api/documents").json()["total"] == 2


def test_a_key_guards_every_interface_but_health():
    with served(FakeLibrary(), api_key="correct horse") as url:
        wrong = (None, "Bearer wrong horse", "Basic correct horse", "correct horse", "Bearer", "é")
        for value in wrong:
            headers = {"authorization": value.encode()} if value else {}
            response = httpx.post(url + "/api/ask", json=QUESTION, headers=headers)
            problem(response, 401, kind(KeyMissing))
            assert response.headers["www-authenticate"] == "Bearer"
        for path in ("/api/documents", "/api/documents/doc-0", "/api/nothing"):
            problem(httpx.get(url + path), 401, kind(KeyMissing))
        assert httpx.get(url + "/v1/models").status_code == 401
        assert httpx.post(url + "/mcp", json={}).status_code == 401
        for path in ("/health", "/metrics", "/openapi.json"):
            assert httpx.get(url + path).status_code == 200
        right = {"authorization": "Bearer correct horse"}
        assert httpx.post(url + "/api/ask", json=QUESTION, headers=right).status_code == 200


def test_a_short_key_is_refused(monkeypatch):
    monkeypatch.setenv("RAG_SERVER__API_KEY", "short")
    with pytest.raises(SettingsError, match="RAG_SERVER__API_KEY"):
        Settings.load()
    monkeypatch.setenv("RAG_SERVER__API_KEY", "long enough")
    assert "long enough" not in repr(Settings.load())


@pytest.mark.parametrize("path", ["/api/documents", "/v1/models", "/health", "/openapi.json"])
def test_the_wall_of_the_page_stands_here_too(api, path):
    for headers, status in (
        ({"host": "evil.example"}, 400),
        ({"x-forwarded-host": "evil.example"}, 400),
        ({"origin": "https://evil.example"}, 403),
    ):
        refused = httpx.get(api + path, headers=headers)
        assert refused.status_code == status
        kind = "application/json" if path.startswith("/v1") else PROBLEM
        assert refused.headers["content-type"] == kind
        assert refused.headers["x-request-id"]
    for response in (refused, httpx.get(api + path)):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "access-control-allow-origin" not in response.headers


def test_a_page_of_another_site_may_not_post(api):
    headers = {"sec-fetch-site": "cross-site"}
    problem(httpx.post(api + "/api/ask", json=QUESTION, headers=headers), 403)


def test_bodies_are_limited_declared_or_not(api):
    long = b'{"question": "' + b"x" * MAX_BODY + b'"}'
    problem(httpx.post(api + "/api/ask", content=long), 413)

    def endless():
        for _ in range(MAX_BODY // 1000 + 10):
            yield b"x" * 1000

    headers = {"content-type": "application/json"}
    with contextlib.suppress(httpx.TransportError):  # or hung up on
        problem(httpx.post(api + "/api/ask", content=endless(), headers=headers), 413)


def test_web_sockets_are_closed(api):
    port = int(api.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(
            b"GET /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert int(connection.recv(1000).split()[1]) >= 400


# --- errors


def tree(top: type[RagError]) -> list[type[RagError]]:
    return [top, *(found for child in top.__subclasses__() for found in tree(child))]


@pytest.mark.parametrize("error", tree(RagError))
def test_every_error_is_a_problem(error):
    class Broken(FakeLibrary):
        def stream(self, question, history=(), *, stop=None):
            raise error("What went wrong.", hint="What to do.")
            yield

    with served(Broken()) as url:
        body = problem(
            httpx.post(url + "/api/ask", json=QUESTION),
            status_of(error("")),
            kind(error),
        )
    assert (body["detail"], body["hint"]) == ("What went wrong.", "What to do.")


def test_statuses_are_of_the_nearest_parent():
    assert status_of(errors.ModelDamaged("")) == STATUS[errors.ModelError] == 503
    assert status_of(errors.SourceEmpty("")) == 422
    assert status_of(RagError("")) == 500
    assert kind_of(errors.EmbedderMismatch("")) == "embedder-mismatch"


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        ({"question": " "}, "urn:rag:question-error", "empty"),
        ({"question": "x" * 201}, "urn:rag:question-error", "too long"),
        ({}, "urn:rag:invalid-request", "question: Field required"),
        ({"question": 7}, "urn:rag:invalid-request", "question: Input should be a valid string"),
        ({"question": "q", "histroy": []}, "urn:rag:invalid-request", "histroy: Extra"),
        ({"question": "q", "history": [["one"]]}, "urn:rag:invalid-request", "history.0.1"),
        ({"question": "q", "history": [["a", "b"]] * 51}, "urn:rag:invalid-request", "history"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(api, body, name, said):
    for path in ("/api/ask", "/api/ask/stream"):
        assert said in problem(httpx.post(api + path, json=body), 422, name)["detail"]


def test_what_is_not_json_and_what_is_not_unicode(api):
    headers = {"content-type": "application/json"}
    alone = (b'{"question": "\\ud800"}', b'{"question": "q", "\\ud800": 1}')
    for content in (b"{", b"\xff", *alone):
        response = httpx.post(api + "/api/ask", content=content, headers=headers)
        assert response.status_code in (400, 422), content[:20]
        assert response.headers["content-type"] == PROBLEM


def test_unknown_paths_and_methods_are_problems(api):
    problem(httpx.get(api + "/api/nothing"), 404)
    problem(httpx.get(api + "/"), 404)  # without the page
    refused = httpx.put(api + "/api/ask")
    problem(refused, 405)
    assert refused.headers["allow"] == "POST"


def test_an_unexpected_error_shows_no_innards(api):
    body = problem(httpx.post(api + "/api/ask", json={"question": "boom"}), 500)
    assert "secret" not in json.dumps(body)


# --- health, metrics, ids


def test_it_lives_while_loading_and_is_ready_after():
    opened = threading.Event()

    def opener(progress):
        opened.wait(30)
        return FakeLibrary()

    with served(opener) as url:
        assert httpx.get(url + "/health").json() == {"status": "alive"}
        loading = httpx.get(url + "/ready")
        problem(loading, 503, kind(NotReady))
        assert "retry-after" in loading.headers
        problem(httpx.post(url + "/api/ask", json=QUESTION), 503, kind(NotReady))
        problem(httpx.get(url + "/api/documents"), 503, kind(NotReady))
        assert "rag_ready 0.0" in httpx.get(url + "/metrics").text
        opened.set()
        deadline = time.monotonic() + 10
        while httpx.get(url + "/ready").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert httpx.get(url + "/ready").json() == {"status": "ready"}
        assert httpx.post(url + "/api/ask", json=QUESTION).status_code == 200


def test_a_failed_opening_is_told():
    def opener(progress):
        raise errors.ModelMissing("The generator is not here.", hint="Run `rag models get`.")

    with served(opener) as url:
        time.sleep(0.3)
        body = problem(httpx.get(url + "/ready"), 503, kind(NotReady))
    assert (body["detail"], body["hint"]) == (
        "The generator is not here.",
        "Run `rag models get`.",
    )


def test_metrics_count_by_route_and_stage_and_never_by_what_a_caller_makes_up():
    with served(FakeLibrary()) as url:
        httpx.post(url + "/api/ask", json=QUESTION)
        httpx.post(url + "/api/ask", json={"question": "moon"})
        httpx.post(url + "/api/ask", json={"question": "boom"})
        for n in range(5):
            httpx.get(f"{url}/api/documents/made-up-{n}")
            httpx.get(f"{url}/api/{n}/made-up")
            httpx.request(f"MADEUP{n}", url + "/api/ask")
        response = httpx.get(url + "/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = response.text
    for outcome in ("answered", "abstained", "failed"):
        assert f'rag_questions_total{{outcome="{outcome}"}} 1.0' in text
    assert 'rag_stage_seconds_count{stage="total"} 2.0' in text
    assert 'rag_stage_seconds_sum{stage="total"} 1.7' in text
    assert 'method="POST",route="/api/ask",status="200"} 2.0' in text
    assert 'route="/api/documents/{id:path}",status="404"} 5.0' in text
    assert "made-up" not in text
    assert "MADEUP" not in text


def test_a_request_has_an_id_of_its_own_or_of_its_maker(api, caplog):
    caplog.set_level(logging.INFO, "rag.server")
    mine = httpx.post(api + "/api/ask", json=QUESTION, headers={"x-request-id": "order-66/a"})
    assert mine.headers["x-request-id"] == "order-66/a"
    bad = (b"two words", b"x" * 129, b"\x07bell", "é".encode())
    made = {
        httpx.get(api + "/health", headers={"x-request-id": b}).headers["x-request-id"] for b in bad
    }
    assert len(made) == len(bad)
    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in made)
    odd = httpx.get(api + "/api/a%0Ab", headers={"x-request-id": "odd"})
    assert odd.status_code == 404
    deadline = time.monotonic() + 5  # a line is written when its answer is on its way already
    lines: list[str] = []
    while time.monotonic() < deadline and not any(line.startswith("odd") for line in lines):
        records = list(caplog.records)
        lines = [record.getMessage() for record in records if record.name == "rag.server"]
        time.sleep(0.01)
    assert any(re.fullmatch(r"order-66/a POST /api/ask 200 \d+\.\d{3} s", line) for line in lines)
    assert any(line.startswith(r"odd GET /api/a\nb 404") for line in lines)
    assert not any("/health" in line for line in lines)


# --- the description


def test_openapi_describes_every_path_with_examples(api):
    spec = httpx.get(api + "/openapi.json").json()
    routes = {f"{method.upper()} {path}" for path, item in spec["paths"].items() for method in item}
    assert routes == {
        "POST /api/ask", "POST /api/ask/stream", "POST /api/search", "GET /api/documents",
        "POST /api/documents", "GET /api/documents/{id}", "DELETE /api/documents/{id}",
        "POST /v1/chat/completions", "GET /v1/models", "GET /v1/models/{id}",
        "GET /health", "GET /ready", "GET /metrics",
    }  # fmt: skip
    for item in spec["paths"].values():
        for one in item.values():
            assert one["description"]
            assert PROBLEM in one["responses"]["default"]["content"]
            assert "HTTPValidationError" not in json.dumps(one)
    question = spec["components"]["schemas"]["Question"]["properties"]
    assert question["question"]["examples"] == ["Who founded the Zetas?"]
    assert question["history"]["description"]
    assert (
        "text/event-stream"
        in (spec["paths"]["/api/ask/stream"]["post"]["responses"]["200"]["content"])
    )
    assert spec["paths"]["/api/ask"]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in spec["paths"]["/health"]["get"]


def test_bodies_keep_what_an_answer_says():
    answer = FakeBot().answer("everything")
    body = AnswerBody.of(answer)
    assert [c.quote for c in body.citations] == [c.quote for c in answer.citations]
    assert len(body.passages) == len(answer.passages)
