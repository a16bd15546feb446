"""What the documents say, held against the code."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from rag.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "index/*.md", "training/*.md", "tests/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(
    r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\""
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = {
    *("index", "ask", "eval", "chat", "serve", "mcp", "doctor", "models", "collections"),
    "documents",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """Return docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "cli.md", "errors.md", "abstention.md"])
def test_generated_pages_say_what_the_code_says(generate: ModuleType, name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == generate.PAGES[name](), "run: python docs/generate.py"


def test_every_setting_is_explained_and_bounded() -> None:
    for name, group in Settings.model_fields.items():
        assert group.annotation is not None
        for key, field in group.annotation.model_fields.items():
            assert field.description, f"{name}.{key}"
            if field.annotation in (int, float):
                assert field.metadata, f"{name}.{key} has no bound"


def test_check_names_a_stale_page(tmp_path: Path) -> None:
    copy = tmp_path / "docs"
    copy.mkdir()
    for path in (ROOT / "docs").glob("*.*"):
        (copy / path.name).write_bytes(path.read_bytes())

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(copy / "generate.py"), "--check"],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        )

    assert (check().returncode, check().stderr) == (0, "")
    (copy / "settings.md").write_text("old")
    assert check().returncode == 1
    assert check().stderr.startswith("stale: docs/settings.md; run: ")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for found in LINK.finditer(text):
        target = next(group for group in found.groups() if group)
        if re.match(r"[a-z]+:|#", target):
            continue
        if not (page.parent / target.split("#")[0]).exists():
            broken.append(target)
    assert broken == []


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """Yield (page, text) of the fenced blocks in a language."""
    for page in PAGES:
        for language, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in languages:
                yield _name(page), text


def test_python_blocks_compile() -> None:
    for page, text in blocks("python", "py"):
        compile(text, page, "exec")


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield (page, words) of each command line in the shell blocks."""
    for page, text in blocks("sh", "bash", "console", "shell"):
        for line in text.replace("\\\n", " ").splitlines():
            line = line.strip().removeprefix("$ ")
            try:
                words = shlex.split(line, comments=True)
            except ValueError:
                continue  # output that is shown under a command
            if words:
                yield page, words


def test_commands_shown_exist() -> None:
    makefile = ROOT / "Makefile"
    targets = set(re.findall(r"^([\w-]+):", makefile.read_text(), re.MULTILINE))
    for page, words in commands():
        if words[0] == "make":
            wanted = {word for word in words[1:] if re.fullmatch(r"[\w-]+", word)}
            assert wanted <= targets, f"{page}: {words}"
        elif Path(words[0]).name == "rag" or words[:3] == ["python", "-m", "rag"]:
            rest = words[3:] if words[0] == "python" else words[1:]
            assert rest, f"{page}: {words}"
            assert rest[0] in COMMANDS or rest[0].startswith("-"), f"{page}: {words}"


def test_variables_named_exist() -> None:
    known = {
        f"RAG_{name}__{key}".upper()
        for name, group in Settings.model_fields.items()
        if group.annotation is not None
        for key in group.annotation.model_fields
    }
    for page in PAGES:
        named = set(re.findall(r"\bRAG_[A-Z]+__[A-Z_]+\b", page.read_text(encoding="utf-8")))
        assert named <= known, _name(page)
