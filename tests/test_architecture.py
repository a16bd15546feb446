"""The shape of the package: who may import whom, what an import costs, and the tree of errors."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

from rag import errors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rag"

GROUND = {"types", "errors", "metrics", "words", "checksums"}
EDGES = {"evaluation", "outcomes", "dataset", "doctor", "cli", "page", "server", "__main__"}
JOINING = {
    "pipeline",
    "answering",
    "snapshot",
    "ingest",
    "intake",
}  # stages joined: `pipeline` to the rest
HEAVY = ("torch", "transformers", "sentence_transformers", "gradio", "faiss")


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name, `rag.cli` for `rag/cli/__init__`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def unit(module: str) -> str:
    """Return the part of the package a module belongs to: `index` for `rag.index.writer`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "rag"


def layer(module: str) -> int:
    """Return 0 for the ground, then 1 settings, 2 the stages, 3 the pipeline, 4 the edges."""
    name = unit(module)
    if name in GROUND:
        return 0
    if name in EDGES:
        return 4
    return {"settings": 1, **dict.fromkeys(JOINING, 3), "rag": 5}.get(name, 2)


def imports(module: str, *, at_start: bool = False) -> Iterator[tuple[str, str, int]]:
    """Yield (imported module, name or "", line) for imports from this package.

    With `at_start`, only what runs when the module is imported: not the imports inside functions
    and not those for type checking.
    """
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for node in _running(tree) if at_start else ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "rag":
                    yield alias.name, "", node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.split(".")[0] != "rag":
                continue
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (
                    (inner, "", node.lineno)
                    if inner in MODULES
                    else (
                        node.module,
                        alias.name,
                        node.lineno,
                    )
                )


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


def test_no_import_is_relative() -> None:
    relative = [
        f"{module}:{node.lineno}"
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_imports_go_one_way() -> None:
    upward = [
        f"{module}:{line} imports {target}"
        for module in MODULES
        if module != "rag"
        for target, name, line in imports(module)
        if layer(target) > layer(module) and (target, name) != ("rag", "__version__")
    ]
    assert upward == []


def test_the_program_and_the_page_do_not_know_each_other() -> None:
    known = {(unit(module), unit(target)) for module in MODULES for target, _, _ in imports(module)}
    assert ("page", "cli") not in known
    assert ("page", "server") not in known
    assert ("server", "cli") not in known
    assert ("evaluation", "cli") not in known
    assert ("evaluation", "pipeline") not in known


STAGES = {
    "documents", "passages", "embedder", "index", "retriever", "reader", "generator", "citations",
}  # fmt: skip


def test_a_stage_knows_another_only_by_its_protocols_and_values() -> None:
    wrong = []
    for module in MODULES:
        for target, name, line in imports(module):
            pair = (unit(module), unit(target))
            if pair[0] != pair[1] and set(pair) <= STAGES:
                thing = getattr(import_module(target), name, None) if name else None
                if not (_is_protocol(thing) or is_dataclass(thing)):
                    wrong.append(f"{module}:{line} imports {name or target} of {target}")
    assert wrong == []


def _is_protocol(thing: object) -> bool:
    return inspect.isclass(thing) and bool(getattr(thing, "_is_protocol", False))


def test_no_import_is_in_a_circle() -> None:
    graph = {
        module: {target for target, _, _ in imports(module, at_start=True) if target in MODULES}
        - {module, "rag"}
        for module in MODULES
    }
    while True:
        leaves = {module for module, known in graph.items() if not known & graph.keys()}
        if not leaves:
            break
        graph = {module: known for module, known in graph.items() if module not in leaves}
    assert graph == {}


@pytest.mark.parametrize("module", ["rag", "rag.cli", "rag.settings", "rag.models", "rag.doctor"])
def test_an_import_is_light(module: str) -> None:
    program = f"import sys, {module}; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_help_loads_nothing_it_does_not_print() -> None:
    """A clock would measure the machine; what makes help slow is what it imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "rag", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    unwanted = {*HEAVY, "numpy", "rich", "pydantic", "rag.settings", "rag.pipeline"}
    assert "rag.cli.program" in loaded
    assert loaded & unwanted == set()


# --- errors


def classes() -> dict[str, str]:
    """Return each error class by name, with its parent's name."""
    return {
        name: thing.__bases__[0].__name__
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and issubclass(thing, Exception)
    }


def drawn() -> dict[str, str]:
    """Return the tree in the module's docstring, in the same form."""
    path: list[str] = []
    tree = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^((?:│   |    )*)(?:├── |└── )(\w+)", line)
        if found:
            depth = len(found[1]) // 4 + 1
            path[depth:] = [found[2]]
            tree[found[2]] = path[depth - 1]
        elif line == "RagError":
            path, tree["RagError"] = [line], "Exception"
    return tree


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert drawn() == classes()


def leaves() -> list[str]:
    parents = set(classes().values())
    return [name for name in classes() if name not in parents]


@pytest.mark.parametrize("name", leaves())
def test_every_error_is_raised_and_tested(name: str) -> None:
    def mentions(pattern: str, folder: Path) -> bool:
        return any(
            re.search(pattern, path.read_text(encoding="utf-8")) for path in folder.rglob("*.py")
        )

    assert mentions(rf"\b{name}\(", PACKAGE), f"nothing raises {name}"
    assert mentions(rf"\b{name}\b", ROOT / "tests"), f"no test meets {name}"
