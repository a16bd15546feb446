"""Processes that share work: order, errors, and that none is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rag.cli import workers
from rag.errors import ModelMissing, QuestionError, RagError

ROOT = Path(__file__).parent.parent


@contextmanager
def squares(folder: Path | None = None) -> Iterator[Callable[[int], tuple[int, int]]]:
    """Square numbers, odd ones slowly; with a folder, leave a file named after the process."""
    held = multiprocessing.get_context("spawn").Lock()
    if folder:
        (folder / str(os.getpid())).touch()

    def square(number: int) -> tuple[int, int]:
        assert held
        time.sleep(0.05 * (number % 2))
        return number * number, os.getpid()

    yield square


@contextmanager
def unopened() -> Iterator[Callable[[int], int]]:
    raise ModelMissing("no model", hint="get one")
    yield abs


@contextmanager
def unopened_late(folder: Path) -> Iterator[Callable[[int], int]]:
    """Fail in two processes, the second time when nobody reads the error any more."""
    try:
        (folder / "first").touch(exist_ok=False)
    except FileExistsError:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (folder / "second").touch()
        time.sleep(1.0)
    while not (folder / "second").exists():
        time.sleep(0.01)
    raise ModelMissing("no model", hint="get one")
    yield abs


@contextmanager
def refusing() -> Iterator[Callable[[int], int]]:
    def refuse(number: int) -> int:
        if number == 3:
            raise QuestionError("not three", hint="ask four")
        if number == 5:
            os._exit(9)
        return number

    yield refuse


@contextmanager
def slow(folder: Path) -> Iterator[Callable[[int], None]]:
    """Take for ever, holding what is reported at the end of the program if it is left behind."""
    held = multiprocessing.get_context("spawn").Lock()
    (folder / str(os.getpid())).touch()
    yield lambda _: time.sleep(600)
    assert held


def alive() -> list[multiprocessing.process.BaseProcess]:
    return multiprocessing.active_children()


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_are_in_the_order_of_the_items(jobs: int) -> None:
    seen: list[tuple[int, int]] = []
    got = workers.deal(range(9), squares, jobs, lambda done, total: seen.append((done, total)))
    assert [square for square, _ in got] == [0, 1, 4, 9, 16, 25, 36, 49, 64]
    assert seen == [(done, 9) for done in range(1, 10)]
    places = {pid for _, pid in got}
    assert (places == {os.getpid()}) if jobs == 1 else (os.getpid() not in places)
    assert alive() == []


def test_each_worker_opens_once_and_there_are_no_more_than_items(tmp_path: Path) -> None:
    got = workers.deal([2, 4], partial(squares, tmp_path), 5)
    assert [square for square, _ in got] == [4, 16]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_comes_back_as_it_was(jobs: int) -> None:
    with pytest.raises(QuestionError) as caught:
        workers.deal([1, 2, 3, 4], refusing, jobs)
    assert (caught.value.message, caught.value.hint) == ("not three", "ask four")
    with pytest.raises(ModelMissing) as missing:
        workers.deal([1, 2, 3, 4], unopened, jobs)
    assert (missing.value.message, missing.value.hint) == ("no model", "get one")
    assert alive() == []


def test_an_error_that_nobody_reads_is_not_printed(tmp_path: Path, capfd: Any) -> None:
    with pytest.raises(ModelMissing):
        workers.deal([1, 2], partial(unopened_late, tmp_path), 2)
    assert capfd.readouterr() == ("", "")
    assert alive() == []


def test_a_worker_that_dies_is_an_error() -> None:
    with pytest.raises(RagError, match="ended early"):
        workers.deal([1, 5, 2, 4], refusing, 2)
    assert alive() == []


def test_nothing_to_do() -> None:
    assert workers.deal([], squares, 2) == ()


def hears() -> None:
    """Heed Ctrl-C again where the tests themselves run in the background and do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("group", [True, False], ids=["terminal", "this process"])
def test_ctrl_c_ends_the_workers(tmp_path: Path, group: bool) -> None:
    code = (
        "import sys; from functools import partial; from pathlib import Path\n"
        "from rag.cli import workers; from tests.test_workers import slow\n"
        "if __name__ == '__main__':\n"
        "    try: workers.deal(range(4), partial(slow, Path(sys.argv[1])), 2)\n"
        "    except KeyboardInterrupt: print('interrupted')\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    folder = tmp_path / "pids"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears,
    )
    deadline = time.monotonic() + 120
    while len(found := list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    if group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (out, errors) == ("interrupted\n", "")
    assert len(found) == 2
    for path in found:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)
