"""Ctrl-C and SIGTERM unwind our code, and only our code, whatever library was at work."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_workers import hears

ROOT = Path(__file__).resolve().parents[1]

# A program of three modules: `ours` has the file name of one of the package's, `library` and
# `helper` the names of a library that runs models and of one that does not.
PROGRAM = f"""
import os, signal, sys, time
from rag.cli import signals

def module(name, file, source):
    names = {{"__name__": name, "signal": signal, "time": time, "sys": sys, "os": os}}
    exec(compile(source, file, "exec"), names)
    return names

library = module("torch.nn", "/lib/torch/nn.py", '''
def forward(number, times=1):
    for _ in range(times):
        signal.raise_signal(number)
    print("library went on")

def raising(number):
    signal.raise_signal(number)
    raise ValueError

def backward(number):
    class Kept:
        def __del__(self):
            signal.raise_signal(number)
    Kept()
    print("library went on")
''')
helper = module("json.decoder", "/lib/json/decoder.py", '''
def decode(number):
    signal.raise_signal(number)
    print("helper went on")
''')
ours = module("rag.asking", {str(ROOT / "rag" / "asking.py")!r}, '''
def call(function, *arguments):
    try:
        function(*arguments)
        print("ours went on")
    finally:
        print("unwound")

def dropped(number):
    class Kept:
        def __del__(self):
            signal.raise_signal(number)
    try:
        Kept()
        for _ in range(500):
            time.sleep(0.01)
        print("ours went on")
    finally:
        print("unwound")

def generated(function, *arguments):
    def events():
        yield function(*arguments)
    for _ in events():
        print("ours went on")
''')
number = getattr(signal, sys.argv[1])
signals.unwind(signal.SIGINT, signal.SIGTERM)
try:
    eval(sys.argv[2])
except KeyboardInterrupt:
    sys.exit(signals.INTERRUPTED)
"""

SENT = pytest.mark.parametrize(("sent", "code"), [("SIGINT", 130), ("SIGTERM", 143)])


def run(sent: str, call: str, before: Callable[[], None] = hears) -> tuple[int, list[str], str]:
    """Run the program with one call; return its exit code, lines and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, sent, call],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=before,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def deaf() -> None:
    """Ignore Ctrl-C, as a shell makes a job in the background do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@SENT
def test_a_models_library_is_let_finish_and_ours_is_unwound(sent: str, code: int) -> None:
    call = "ours['call'](library['forward'], number)"
    assert run(sent, call) == (code, ["library went on", "unwound"], "")


@SENT
def test_any_other_library_is_unwound_at_once(sent: str, code: int) -> None:
    assert run(sent, "ours['call'](helper['decode'], number)") == (code, ["unwound"], "")


def test_a_second_signal_does_not_wait() -> None:
    call = "ours['call'](library['forward'], number, 2)"
    assert run("SIGINT", call) == (130, ["unwound"], "")


def test_where_the_library_itself_fails_the_signal_counts() -> None:
    code, lines, errors = run("SIGTERM", "ours['call'](library['raising'], number)")
    assert (code, lines, errors) == (143, ["unwound"], "")


@SENT
def test_a_signal_in_a_librarys_finalizer_is_not_lost(sent: str, code: int) -> None:
    call = "ours['call'](library['backward'], number)"
    assert run(sent, call) == (code, ["library went on", "unwound"], "")


@SENT
def test_a_signal_in_a_finalizer_of_ours_is_not_lost(sent: str, code: int) -> None:
    assert run(sent, "ours['dropped'](number)") == (code, ["unwound"], "")


def test_a_generator_of_ours_is_unwound() -> None:
    call = "ours['generated'](library['forward'], number)"
    assert run("SIGINT", call) == (130, ["library went on"], "")


def test_a_background_job_stays_deaf_to_ctrl_c() -> None:
    call = "ours['call'](helper['decode'], number)"
    done = run("SIGINT", call, before=deaf)
    assert done == (0, ["helper went on", "ours went on", "unwound"], "")
    assert run("SIGTERM", call, before=deaf)[0] == 143


def test_another_unraisable_error_is_shown_as_ever() -> None:
    call = "type('Kept', (), {'__del__': lambda self: 1 / 0})()"
    code, _, errors = run("SIGINT", call)
    assert code == 0
    assert "ZeroDivisionError" in errors
