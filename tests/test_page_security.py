from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from gradio_client import Client
from page_fake import FakeBot, served

from rag.errors import SettingsError
from rag.page.security import PATHS, Wall, dress, host_name, policy
from rag.page.server import MAX_BODY, address, build, serve, server
from rag.page.sources import number
from rag.settings import PageSettings

OUTSIDE = re.compile(r"https?://(?!127\.0\.0\.1|www\.w3\.org/2000/svg)[\w.-]+")


@pytest.fixture(scope="module")
def page():
    with served(FakeBot(), max_question_chars=200) as url:
        yield url


def test_every_answer_carries_the_headers(page):
    for path in ("/", "/config", "/page/script.js", "/gradio_api/info", "/nothing", "/theme.css"):
        headers = httpx.get(page + path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "access-control-allow-origin" not in headers, path


def test_the_policy_lets_no_inline_script_and_no_other_address_in(page):
    rules = dict(rule.split(" ", 1) for rule in policy("n0nce").split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == ["'self'", "'nonce-n0nce'", "'unsafe-eval'"]
    assert rules["script-src-attr"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "'self' data:"
    assert rules["connect-src"] == rules["font-src"] == "'self'"
    assert not re.search(r"https?:|\*|'unsafe-inline'.*script", policy("n"))


def test_the_page_scripts_carry_a_fresh_nonce_each_time(page):
    seen = set()
    for _ in range(2):
        response = httpx.get(page + "/")
        nonce = re.search(r"'nonce-([\w-]+)'", response.headers["content-security-policy"])[1]
        scripts = re.findall(r"<script\b[^>]*>", response.text)
        assert len(scripts) >= 5
        assert all(f'nonce="{nonce}"' in script for script in scripts)
        seen.add(nonce)
    assert len(seen) == 2


def test_the_served_page_names_no_other_address(page):
    text = httpx.get(page + "/").text
    loads = re.findall(r'(?:src|href|content|action)="([^"]*)"', text)
    assert [address for address in loads if OUTSIDE.search(address)] == []
    for path in ("/theme.css", "/page/style.css", "/page/script.js"):
        css = httpx.get(page + path).text
        assert OUTSIDE.findall(css) == [], path
        assert "@import" not in css, path
    assert httpx.get(page + "/config").json()["analytics_enabled"] is False


REBOUND = (
    "evil.example",
    "evil.example:7860",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "",
)


@pytest.mark.parametrize("host", REBOUND)
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/queue/data?session_hash=x"])
def test_a_rebound_host_is_refused(page, host, path):
    response = httpx.get(page + path, headers={"host": host})
    assert response.status_code == 400
    assert "gradio" not in response.text


def test_a_rebound_host_cannot_ask(page):
    body = {"data": ["q"], "fn_index": 0, "session_hash": "abc"}
    for headers in ({"host": "evil.example"}, {"x-forwarded-host": "evil.example"}):
        answer = httpx.post(page + "/gradio_api/queue/join", json=body, headers=headers)
        assert answer.status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "LOCALHOST", "[::1]:80"])
def test_the_local_names_are_answered(page, host):
    assert httpx.get(page + "/", headers={"host": host}).status_code == 200


def test_web_sockets_are_closed(page):
    port = int(page.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(
            b"GET /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        status = int(connection.recv(1000).split()[1])
    assert status in (400, 403, 404, 405)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"]
)
def test_other_sites_may_neither_ask_nor_read(page, origin):
    body = {"data": ["q"], "fn_index": 0, "session_hash": "abc"}
    asked = httpx.post(page + "/gradio_api/queue/join", json=body, headers={"origin": origin})
    preflight = httpx.options(
        page + "/gradio_api/queue/join",
        headers={"origin": origin, "access-control-request-method": "POST"},
    )
    for response in (asked, preflight, httpx.get(page + "/config", headers={"origin": origin})):
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers


CLOSED = (
    "/gradio_api/file=/etc/passwd", "/gradio_api/file=app.py", "/gradio_api/file=rag/settings.py",
    "/gradio_api/file%3D/etc/passwd", "/gradio_api/file/app.py", "/gradio_api/upload",
    "/gradio_api/proxy=https://example.com/", "/gradio_api/component_server",
    "/gradio_api/openapi.json", "/gradio_api/runs", "/gradio_api/vibe-edit", "/monitoring",
    "/gradio_api/deep_link", "/gradio_api/stream/x", "/gradio_api/process_recording",
    "/gradio_api/custom_component/a/b/c/d", "/login", "/static/../../app.py", "/docs",
    "/assets/..%2f..%2f..%2fapp.py", "/page/..%2Fserver.py", "/page/server.py", "/svelte/x",
    "//gradio_api/upload", "/gradio_api/run/answer", "/gradio_api/call/answer", "/pwa_icon",
)  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
def test_no_file_no_upload_and_no_tool_is_served(page, path):
    for method in ("GET", "POST"):
        response = httpx.request(method, page + path, follow_redirects=False)
        assert response.status_code == 404, response.text[:200]


def test_a_static_address_cannot_climb(page):
    port = int(page.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"GET /assets/../../../app.py HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 404 " in connection.recv(1000).split(b"\r\n")[0]


def test_bodies_are_limited_declared_or_not(page):
    target = page + "/gradio_api/queue/join"
    assert httpx.post(target, content=b"x" * (MAX_BODY + 1)).status_code == 413

    def endless():
        for _ in range(MAX_BODY // 1000 + 10):
            yield b"x" * 1000

    with contextlib.suppress(httpx.TransportError):  # or hung up on
        assert httpx.post(target, content=endless()).status_code >= 400


def test_the_chat_endpoint_is_the_only_public_one(page):
    named = httpx.get(page + "/gradio_api/info").json()
    assert list(named["named_endpoints"]) == ["/chat"]
    assert named["unnamed_endpoints"] == {}


def test_a_program_gets_the_answer_with_its_citations(page):
    client = Client(page, verbose=False, analytics_enabled=False)
    answer = client.predict("Who lit the lamp?", api_name="/chat")
    text = FakeBot().document("doc-0").text
    assert answer["abstained"] is False
    assert [c["marker"] for c in answer["citations"]] == [1, 2]
    assert all(text[c["start"] : c["end"]] == c["quote"] for c in answer["citations"])


def test_a_program_may_give_the_history():
    bot = FakeBot()
    with served(bot) as url:
        client = Client(url, verbose=False, analytics_enabled=False)
        client.predict("And when?", [["Who lit it?", "Marta did."]], api_name="/chat")
    assert bot.histories == [[("Who lit it?", "Marta did.")]]


@pytest.mark.parametrize(("message", "said"), [("x" * 201, "too long"), ("  ", "empty")])
def test_the_endpoint_limits_the_question(page, message, said):
    with pytest.raises(Exception, match=said):
        Client(page, verbose=False, analytics_enabled=False).predict(message, api_name="/chat")


def test_one_answer_is_made_at_a_time_and_few_may_wait():
    class Counting(FakeBot):
        running = most = 0
        lock = threading.Lock()

        def ask(self, question, history=()):
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            time.sleep(0.5)
            with self.lock:
                self.running -= 1
            return self.answer(question)

    bot = Counting()
    with served(bot, queue_size=2) as url, ThreadPoolExecutor(8) as pool:
        address = url + "/gradio_api/call/chat"
        body = {"data": ["q", None]}
        posts = list(pool.map(lambda _: httpx.post(address, json=body).status_code, range(8)))
        time.sleep(2)
    assert bot.most == 1
    assert posts.count(503) >= 4
    assert posts.count(200) >= 2


def test_the_page_listens_on_loopback_only_by_default():
    running = server(build(lambda progress: FakeBot()), PageSettings())
    assert (running.config.host, running.config.port) == ("127.0.0.1", 7860)


def test_a_taken_port_is_told_with_what_to_do(page):
    port = int(page.rsplit(":", 1)[1])
    with pytest.raises(SettingsError, match="cannot listen") as caught:
        serve(lambda progress: FakeBot(), PageSettings(port=port))
    assert "RAG_PAGE__PORT" in caught.value.hint


@pytest.mark.parametrize(
    ("host", "where"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("page.example", "http://page.example:80"),
    ],
)
def test_the_announced_address_can_be_opened(host, where):
    assert address(host, 80) == where


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:80", "localhost"),
        ("[::1]:7860", "[::1]"),
        ("Example.COM", "example.com"),
        ("a:b", ""),
        ("user@localhost", ""),
        ("localhost, evil", ""),
        ("::1", ""),
        ("", ""),
    ],
)
def test_host_names_are_read_strictly(header, name):
    assert host_name(header) == name


def test_every_host_is_trusted_only_when_told_so():
    async def app(scope, receive, send): ...

    assert Wall(app, hosts=["*"], max_body=1).trusts("anything.example")
    assert not Wall(app, hosts=["a.example"], max_body=1).trusts("b.example")


def test_dressing_puts_our_head_in_and_the_previews_out():
    preview = '<meta property="og:image" content="https://x.example/y.jpg" />'
    page = f"<head>{preview}</head><script>1</script>"
    assert dress(page, "N", "<link>") == '<head><link></head><script nonce="N">1</script>'


@pytest.mark.parametrize("value", ["1e9", "-1", "٣", None, [], {}, "99999999", "1;"])
def test_numbers_from_the_browser_are_read_strictly(value):
    assert number(value) == -1
    assert number("12") == 12


def test_the_paths_are_whole():
    assert PATHS.fullmatch("/gradio_api/queue/join")
    assert not PATHS.fullmatch("/gradio_api/queue/join/../../upload")
    assert not PATHS.fullmatch("/gradio_api/queue/join\n")
