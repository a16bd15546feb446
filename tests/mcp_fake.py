"""The tools over a fake library on standard input and output, with noise where none may be."""

from __future__ import annotations

import os
import sys
import time

from server_fake import FakeLibrary, settings

from rag.errors import ModelMissing
from rag.server.stdio import run


class Noisy(FakeLibrary):
    """Writes to standard output whenever it can, and tells of a stopped answer."""

    def stream(self, question, history=(), *, stop=None):
        print("noise of a library")  # noqa: T201
        os.write(1, b"noise of a library in C\n")
        yield from super().stream(question, history, stop=stop)

    def document(self, id):
        if id == "stopped":
            id = f"doc-{self.stopped}"
        return super().document(id)


def opener(progress):
    print("noise while loading")  # noqa: T201
    time.sleep(0.5)
    if "broken" in sys.argv:
        raise ModelMissing("The generator is not here.", hint="Run `rag models get`.")
    return Noisy(delay=0.2 if "slow" in sys.argv else 0.0)


if __name__ == "__main__":
    run(opener, settings())
