"""Visitors and their files: names, bounds, folders, and that nothing of one reaches another."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from page_fake import FakeBot, served
from page_payloads import PAYLOADS

from rag.errors import IndexBusy, RagError
from rag.page import visitors
from rag.page.bot import Opening
from rag.page.ingest import Ingest
from rag.page.preferences import Preferences
from rag.page.sessions import Sessions
from rag.page.uploads import NAME_BYTES, Upload, clean_name, refusal
from rag.page.visitors import LEAVE, MOST, Visitors, new_token, token_of
from rag.settings import PageSettings

SETTINGS = PageSettings(max_uploads=3, max_upload_mb=1, max_visitor_mb=2, max_visitors=2)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = Visitors(SETTINGS, Clock())
    yield found
    found.close()


def opened(bot: FakeBot) -> Opening:
    opening = Opening(lambda progress: bot)
    opening.wait()
    return opening


def put(visitor, name: str, text: str, ingest: Ingest) -> Upload:
    """Send a file and wait until it is indexed or skipped."""
    data = text.encode()
    upload = visitor.take(name, len(data))
    if not upload.over:
        visitor.path(upload).write_bytes(data)
        ingest.put(visitor, upload.number)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        now = next(u for u in visitor.uploads if u.number == upload.number)
        if now.over:
            return now
        time.sleep(0.01)
    raise AssertionError("not done in time")


# --- names and bounds


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\a b.txt", "a b.txt"),
        ("..", "file"),
        ("", "file"),
        (".bashrc", "bashrc"),
        ("nul\x00\n\u202etxt.exe", "nultxt.exe"),
        ("a" * 300 + ".pdf", "a" * 176 + ".pdf"),
        ("Grüße – 3.md", "Grüße – 3.md"),
        ("\ud800.txt", "txt"),
    ],
)
def test_names_are_made_harmless(sent, kept):
    assert clean_name(sent) == kept


@given(st.text())
def test_no_name_leaves_its_folder(name):
    clean = clean_name(name)
    assert clean == Path(clean).name
    assert clean not in (".", "..")
    assert 0 < len(clean.encode()) <= NAME_BYTES
    assert clean_name(clean) == clean


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_as_a_name_can_be_stored(payload, tmp_path):
    (tmp_path / clean_name(payload + ".txt")).write_text("x", encoding="utf-8")
    assert [path.parent for path in tmp_path.rglob("*")] == [tmp_path]


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("a.txt", 10, ""),
        ("a.TXT", 1_000_000, ""),
        ("a.txt", 1_000_001, "Too large"),
        ("a.txt", 0, "empty"),
        ("a.exe", 10, "kind of file"),
        ("a", 10, "kind of file"),
    ],
)
def test_a_file_is_taken_or_told_why_not(name, size, said):
    assert said in refusal(name, size, (), SETTINGS)
    assert bool(refusal(name, size, (), SETTINGS)) == bool(said)


def test_number_and_bytes_of_all_files_are_bounded():
    kept = [Upload(n, "a.txt", 800_000, "indexed") for n in range(2)]
    assert "together" in refusal("b.txt", 500_000, kept, SETTINGS)
    assert refusal("b.txt", 300_000, kept, SETTINGS) == ""
    turned_away = [Upload(n, "a.exe", 10, "skipped") for n in range(9)]
    assert refusal("b.txt", 10, turned_away, SETTINGS) == ""
    full = [Upload(n, "a.txt", 10, "indexed") for n in range(3)]
    assert "No more than 3 files" in refusal("b.txt", 10, full, SETTINGS)


def test_what_is_turned_away_is_bounded_too(room):
    visitor = room.get(new_token())
    for _ in range(10):
        assert visitor.take("a.exe", 1).over
    with pytest.raises(RagError, match="No more files"):
        visitor.take("a.exe", 1)


# --- who is who


def test_a_token_is_long_random_and_read_strictly():
    token = new_token()
    assert token_of(f"a=b; rag-visitor={token}; c=d") == token
    assert new_token() != token
    for bad in ("", "rag-visitor=", "rag-visitor=short", f"rag-visitor={token}x", "x=\x00;;"):
        assert token_of(bad) == ""


def test_files_are_one_visitors_own(room, tmp_path):
    base = FakeBot()
    ingest = Ingest(opened(base), lambda: False)
    one, two = room.get(new_token()), room.get(new_token())
    done = put(one, "oil.txt", "Oil came from Brindle Cove.", ingest)
    assert (done.state, done.total, len(done.documents)) == ("indexed", 1, 1)
    assert one.over(base).document(done.documents[0]).text == "Oil came from Brindle Cove."
    assert two.over(base) is base
    assert len(base.documents()) == 2
    put(two, "wick.txt", "Wicks came from Port Ellery.", ingest)
    assert len(one.over(base).documents()) == len(two.over(base).documents()) == 3
    with pytest.raises(KeyError):
        two.over(base).document(done.documents[0])
    assert one.folder != two.folder
    assert one.folder.stat().st_mode & 0o077 == 0


def test_a_deleted_file_is_gone_from_index_and_disk(room):
    base = FakeBot()
    visitor = room.get(new_token())
    done = put(visitor, "oil.txt", "Oil came from Brindle Cove.", Ingest(opened(base), bool))
    path = visitor.path(done)
    assert path.exists()
    assert visitor.remove(done.number).name == "oil.txt"
    assert not path.exists()
    assert len(visitor.over(base).documents()) == 2
    assert visitor.uploads == ()
    assert visitor.remove(done.number) is None


def test_a_file_that_cannot_be_deleted_now_is_kept_whole(room):
    class Busy(FakeBot):
        def remove(self, ids):
            raise IndexBusy("another process is writing")

    visitor = room.get(new_token())
    done = put(visitor, "oil.txt", "Oil came from Brindle Cove.", Ingest(opened(Busy()), bool))
    with pytest.raises(IndexBusy):
        visitor.remove(done.number)
    assert visitor.uploads == (done,)
    assert visitor.path(done).exists()


# --- what becomes of a file


def test_a_bad_file_is_skipped_with_its_reason_and_the_next_is_taken(room):
    ingest = Ingest(opened(FakeBot()), lambda: False)
    visitor = room.get(new_token())
    bad = put(visitor, "bad.txt", "\x00\x01\x02\x03" * 99, ingest)
    assert bad.state == "skipped"
    assert bad.reason.startswith("bad.txt ")
    assert str(visitor.folder) not in bad.reason
    assert not (visitor.folder / "files" / str(bad.number)).exists()
    assert put(visitor, "good.txt", "Oil came by sea.", ingest).state == "indexed"
    again = put(visitor, "again.txt", "Oil came by sea.", ingest)
    assert (again.state, again.reason) == ("skipped", "Its text is in the library already.")


def test_an_unexpected_error_shows_no_innards(room):
    class Broken(FakeBot):
        def add(self, sources, *, progress=None):
            raise ZeroDivisionError("/secret/path")

    done = put(room.get(new_token()), "a.txt", "Oil.", Ingest(opened(Broken()), lambda: False))
    assert (done.state, "secret" in done.reason) == ("skipped", False)


def test_indexing_gives_way_to_an_answer_being_made(room):
    answering = threading.Event()
    answering.set()
    visitor = room.get(new_token())
    upload = visitor.take("a.txt", 4)
    visitor.path(upload).write_bytes(b"Oil.")
    ingest = Ingest(opened(FakeBot()), answering.is_set)
    assert not ingest.busy
    ingest.put(visitor, upload.number)
    assert ingest.busy
    until = time.monotonic() + 10
    while visitor.uploads[0].state != "indexing" and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.3)
    assert (visitor.uploads[0].state, visitor.uploads[0].done) == ("indexing", 0)
    answering.clear()
    while ingest.busy and time.monotonic() < until:
        time.sleep(0.01)
    assert visitor.uploads[0].state == "indexed"
    assert not ingest.busy


def test_a_visitor_who_leaves_ends_his_indexing(room):
    bot = FakeBot(pace=0.05)
    visitor = room.get(new_token())
    upload = visitor.take("a.txt", 600)
    visitor.path(upload).write_bytes(b"Oil.\n\n" * 100)
    ingest = Ingest(opened(bot), lambda: False)
    ingest.put(visitor, upload.number)
    until = time.monotonic() + 10
    while not visitor.uploads[0].done and time.monotonic() < until:
        time.sleep(0.01)
    visitor.gone.set()
    other = room.get(new_token())
    assert put(other, "b.txt", "Wicks.", ingest).state == "indexed"
    assert visitor.uploads[0].state == "indexing"


# --- when files go


def test_files_go_with_the_last_tab_and_a_while(room):
    room._clock.now = 0.0
    token = new_token()
    visitor = room.enter(token, "tab1")
    room.enter(token, "tab2")
    done = put(visitor, "a.txt", "Oil.", Ingest(opened(FakeBot()), lambda: False))
    folder, own = visitor.folder, visitor.bot
    room.leave(token, "tab1")
    room._clock.now += LEAVE + 1
    assert room.sweep() == ()
    room.leave(token, "tab2")
    room._clock.now += LEAVE - 1
    assert room.sweep() == ()
    room.enter(token, "tab3")  # the page was loaded again in time
    assert room.get(token).uploads == (done,)
    room.leave(token, "tab3")
    room._clock.now += LEAVE + 1
    assert room.sweep() == (token,)
    assert not folder.exists()
    assert own.closed
    assert room.get(token) is not visitor


def test_idle_visitors_go_though_a_tab_is_open(room):
    visitor = room.enter(new_token(), "tab")
    put(visitor, "a.txt", "Oil.", Ingest(opened(FakeBot()), lambda: False))
    room._clock.now += 60 * SETTINGS.idle_minutes - 1
    assert room.sweep() == ()
    room._clock.now += 2
    assert room.sweep() == ()  # his conversation stays: the tab shows it
    assert visitor.folder is None
    with pytest.raises(RagError, match="over"):
        visitor.path(Upload(1, "a.txt"))


def test_who_left_while_his_file_is_read_is_not_waited_for(room):
    token = new_token()
    visitor = room.get(token)
    visitor.take("a.txt", 3)
    assert visitor.busy
    room._clock.now += LEAVE + 1
    assert room.sweep() == (token,)
    assert visitor.gone.is_set()


def test_the_conversation_of_who_left_is_forgotten():
    sessions = Sessions()
    mine, other = sessions.get("token:tab"), sessions.get("other:tab")
    mine.accept("q")
    _, stop = mine.begin()
    sessions.drop("token:")
    assert stop.is_set()
    assert sessions.get("token:tab") is not mine
    assert sessions.get("other:tab") is other


def test_only_so_many_visitors_have_files_at_once(room):
    for _ in range(SETTINGS.max_visitors):
        room.get(new_token()).path(Upload(1, "a.txt"))
    with pytest.raises(RagError, match="Too many visitors"):
        room.get(new_token()).path(Upload(1, "a.txt"))


def test_visitors_without_files_are_forgotten_when_they_are_many(room):
    first = room.get(new_token())
    owner_token = new_token()
    owner = room.get(owner_token)
    owner.path(Upload(1, "a.txt"))
    for _ in range(MOST):
        room.get(new_token())
    assert first not in room._visitors.values()
    assert room.get(owner_token) is owner


def test_closing_leaves_nothing_on_disk(room, tmp_path):
    room.get(new_token()).path(Upload(1, "a.txt")).write_text("x")
    assert list(tmp_path.glob("rag-page-*"))
    room.close()
    assert list(tmp_path.glob("rag-page-*")) == []


def test_what_a_killed_page_left_is_swept_and_a_running_ones_is_not(room, tmp_path):
    dead, alive = tmp_path / "rag-page-dead", tmp_path / "rag-page-alive"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "lock").touch()
    with FileLock(alive / "lock"):
        visitors.sweep_leftovers()
        assert alive.exists()
        assert not dead.exists()


# --- settings of his own


def test_preferences_are_kept_inside_their_bounds():
    assert Preferences.checked({"passages": 99, "strictness": -1}) == Preferences(30, 0.05)
    assert Preferences.checked({"passages": 7.0, "strictness": 0.333}) == Preferences(7, 0.33)
    for odd in (None, "7", [], True, float("nan")):
        assert Preferences.checked({"passages": odd, "strictness": odd}) == Preferences()
    bot = FakeBot()
    assert Preferences().applied(bot) is bot
    Preferences(3, None).applied(bot)
    assert bot.used == [(3, None)]


# --- over HTTP


@pytest.fixture(scope="module")
def page():
    with served(FakeBot(), max_uploads=4, max_upload_mb=1) as url:
        yield url


@pytest.fixture
def browser(page):
    """A client that has loaded the page, and so has its cookie."""
    with httpx.Client(base_url=page) as client:
        client.get("/")
        yield client


def test_the_cookie_is_secret_and_set_once(page, browser):
    first = httpx.get(page + "/").headers["set-cookie"]
    assert "HttpOnly" in first
    assert "SameSite=Lax" in first
    assert "set-cookie" not in browser.get("/").headers
    assert httpx.get(page + "/").headers["set-cookie"] != first


def send(client, name: str, data: bytes, size: int | None = None, **headers):
    query = {"name": name, "size": len(data) if size is None else size}
    return client.post("/page/upload", params=query, content=data, headers=headers)


def test_a_file_can_only_be_sent_by_the_page(page, browser):
    assert send(browser, "a.txt", b"Oil.").json() == {"number": 1}
    assert send(browser, "a.txt", b"Oil.", origin="https://evil.example").status_code == 403
    with httpx.Client(base_url=page) as stranger:
        assert send(stranger, "a.txt", b"Oil.").status_code == 403
        stranger.cookies.set("rag-visitor", "guess")
        assert send(stranger, "a.txt", b"Oil.").status_code == 403
    assert browser.get("/page/upload").status_code in (404, 405)


@pytest.mark.parametrize(
    ("name", "data", "size", "said"),
    [
        ("a.exe", b"MZ", None, "kind of file"),
        ("a.txt", b"", 5_000_000, "Too large"),
        ("a.txt", b"much more than was said", 3, "did not arrive whole"),
        ("a.txt", b"less", 30, "did not arrive whole"),
        ("a.txt", b"", 0, "empty"),
        ("a.txt", b"", -7, "empty"),
    ],
)
def test_what_is_not_taken_is_told(browser, name, data, size, said):
    assert said in send(browser, name, data, size).json()["skipped"]


def test_a_body_beyond_the_bound_is_not_read(browser):
    assert send(browser, "a.txt", b"x" * 1_000_001).status_code == 413


def test_where_no_file_may_be_added_there_is_no_way_to(tmp_path):
    with served(FakeBot(), max_uploads=0) as url, httpx.Client(base_url=url) as client:
        assert "rag-pick" not in client.get("/").text
        assert "No more than 0 files" in send(client, "a.txt", b"Oil.").json()["skipped"]
