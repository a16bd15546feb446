"""`python app.py` takes no arguments, and says so instead of serving on another port than asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def app(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the page's file; one that goes on to serve is an error after a minute."""
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_it_does_not_know_is_not_ignored() -> None:
    done = app("--port", "9000")
    assert done.returncode == 2
    assert "unrecognized arguments: --port 9000" in done.stderr


def test_help_names_what_changes_the_address() -> None:
    done = app("--help")
    assert done.returncode == 0
    assert "RAG_PAGE__PORT" in done.stdout
    assert "rag serve --help" in done.stdout
