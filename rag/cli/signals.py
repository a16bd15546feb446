"""Ctrl-C and SIGTERM, as exceptions that unwind this package's own code.

Python raises such an exception wherever the main thread happens to be. Inside the models' libraries
that may be a callback out of C++, where an exception aborts the process or is lost. So where one of
them runs, the exception waits until the call returns to a line of ours.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

INTERRUPTED = 130  # the exit code of a program ended by Ctrl-C: 128 + SIGINT
TERMINATED = 143  # and by a polite kill: 128 + SIGTERM
MODELS = {
    "accelerate", "faiss", "numpy", "safetensors", "sentence_transformers", "tokenizers", "torch",
    "transformers",
}  # fmt: skip
_OURS = f"{Path(__file__).resolve().parents[1]}{os.sep}"
_AGAIN = 0.1  # seconds until a signal whose exception was lost is sent once more


def unwind(*numbers: signal.Signals) -> None:
    """Make these signals (SIGINT, SIGTERM) end the program as an exception does.

    SIGINT becomes KeyboardInterrupt, SIGTERM becomes SystemExit(143). A second one is raised at
    once, wherever the program is. A signal that is ignored, as by a job in the background, stays
    so. Call it on the main thread.
    """
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _Handler(number))
    sys.unraisablehook = _asked_again


class _Handler:
    """Raises a signal's exception here, or where the models' libraries return to our code."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number
        self._waiting = False

    def __call__(self, _: int, frame: FrameType | None) -> None:
        ours = _behind_models(frame)
        if ours is None or self._waiting or sys.gettrace() is not None:  # a debugger has the trace
            self._raise()
            return
        self._waiting = True
        ours.f_trace = self._at_return
        sys.settrace(lambda *_: None)

    def _at_return(self, *_: object) -> Callable[..., Any] | None:
        sys.settrace(None)
        self._waiting = False
        self._raise()
        return None

    def _raise(self) -> None:
        if self._number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(TERMINATED)


def _behind_models(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of ours, if it waits for one of the models' libraries."""
    models = False
    while frame and not frame.f_code.co_filename.startswith(_OURS):
        models = models or str(frame.f_globals.get("__name__")).partition(".")[0] in MODELS
        frame = frame.f_back
    return frame if models else None


def _asked_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Send the signal again where it came while a finalizer ran, which swallows exceptions."""
    lost = unraisable.exc_value
    if isinstance(lost, KeyboardInterrupt):
        number = signal.SIGINT
    elif isinstance(lost, SystemExit):
        number = signal.SIGTERM
    else:
        sys.__unraisablehook__(unraisable)
        return
    threading.Timer(_AGAIN, os.kill, (os.getpid(), number)).start()
