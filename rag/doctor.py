"""Look at this machine and say what is ready, what is not, and what to run about it.

It changes nothing, downloads nothing and loads no model. Where a model's setting is an address,
the server there is asked what it offers.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from rag.errors import (
    EndpointDenied,
    EndpointError,
    EndpointTimeout,
    EndpointUnreachable,
    ModelMissing,
    RagError,
)
from rag.settings import Settings

OLDEST_PYTHON = (3, 11)
NEEDED_MB = 700
PATIENCE = 3.0  # seconds that a model's server may take to say what it offers
LISTED = 8  # of its models that are named
PACKAGES = ("torch", "transformers", "sentence-transformers", "faiss-cpu", "gradio", "numpy")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `remedy` says what to run, when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(settings: Settings, index: Path) -> tuple[Check, ...]:
    """Check Python, packages, settings, models, index and disk, in this order."""
    return (
        python(),
        *packages(),
        *environment(),
        *models(settings),
        stored(settings, index),
        *disk(settings, index),
    )


def python() -> Check:
    """Check the interpreter's version."""
    wanted = ".".join(map(str, OLDEST_PYTHON))
    detail = f"{platform.python_version()} at {sys.executable}"
    return Check(
        "python", sys.version_info >= OLDEST_PYTHON, detail, f"install Python {wanted} or newer"
    )


def packages() -> Iterator[Check]:
    """Check that each library is installed, in a version that this package asks for."""
    asked = _requirements()
    for name in PACKAGES:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Check(name, ok=False, detail="not installed", remedy="run: make install")
            continue
        wanted = asked.get(name, "")
        yield Check(
            name,
            _satisfies(version, wanted),
            f"{version} ({wanted} wanted)" if wanted else version,
            "run: make install",
        )


def _requirements() -> dict[str, str]:
    """Return what the installed `rag` asks of each library, `{"torch": ">=2.6"}`."""
    from packaging.requirements import Requirement

    try:
        listed = metadata.requires("rag") or []
    except metadata.PackageNotFoundError:
        return {}
    parsed = [Requirement(line) for line in listed]
    return {one.name: str(one.specifier) for one in parsed if one.marker is None}


def _satisfies(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted, prereleases=True).contains(version)


def environment() -> Iterator[Check]:
    """Check that every `RAG_` variable names a setting: a misspelt one would do nothing."""
    groups = {name.upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        if variable.startswith("RAG_"):
            group = variable.removeprefix("RAG_").split("__")[0].upper()
            if group not in groups:
                yield Check(
                    variable, ok=False, detail="names no setting", remedy="see docs/settings.md"
                )


def models(settings: Settings) -> Iterator[Check]:
    """Check that both models are here and are the right ones."""
    from rag import models

    for one in models.status(settings.models, full=True):
        if one.state == "served":
            yield served(one.role, settings)
            continue
        detail = f"{one.name} at {one.path}" if one.state == "ready" else one.message
        yield Check(one.role, one.state == "ready", detail, one.hint or models.GET_HINT)


def served(role: Literal["embedder", "generator"], settings: Settings) -> Check:
    """Ask a model's server what it offers, and wait `PATIENCE` seconds at most.

    A server that answers, but lists no models, is taken to be one.
    """
    from rag.endpoint import Endpoint

    quick = min(PATIENCE, settings.models.timeout)
    patience = {"timeout": quick, "max_wait": 0.0}
    endpoint = Endpoint(role, settings.models.model_copy(update=patience))
    where = f"{endpoint.model} at {endpoint.address}"
    try:
        offered = endpoint.listed()
    except (ModelMissing, EndpointUnreachable, EndpointTimeout, EndpointDenied) as error:
        return Check(role, ok=False, detail=error.message, remedy=error.hint)
    except EndpointError as error:
        return Check(role, ok=True, detail=f"{where}: it answers, but lists no models ({error})")
    if {endpoint.model, f"{endpoint.model}:latest"} & {*offered}:
        return Check(role, ok=True, detail=f"{where}: it answers, and lists the model")
    listed = ", ".join(offered[:LISTED]) or "no model"
    return Check(
        role,
        ok=False,
        detail=f"{where}: it answers, and lists {listed}",
        remedy=f"set RAG_MODELS__{role.upper()}_MODEL to a model that it lists",
    )


def stored(settings: Settings, folder: Path) -> Check:
    """Check that the index opens, passes its own checks and was built with the set embedder."""
    from rag import models
    from rag.index import Index

    rebuild = f"run: rag index PATH... --index {folder}"
    try:
        index = Index.open(folder)
    except RagError as error:
        return Check("index", ok=False, detail=error.message, remedy=error.hint or rebuild)
    with index:
        built = index.identity
        count = f"{folder}: documents: {len(index.documents())}, passages: {len(index)}"
        by = f"{count}, embedder: {built.name} {built.revision}"
        try:
            now = models.embedder_version(settings.models)
        except RagError:
            return Check("index", ok=True, detail=by)  # the model's own check tells
        same = (built.name, built.revision) == now
        return Check("index", same, by if same else f"{by}, but {now[0]} is set", rebuild)


def disk(settings: Settings, index: Path) -> Iterator[Check]:
    """Check that there is room where models and index are kept."""
    for name, place in (("model cache", settings.models.cache), ("index folder", index)):
        free = shutil.disk_usage(_existing(place)).free // 1_000_000
        yield Check(
            f"disk, {name}",
            free >= NEEDED_MB,
            f"{free:,} MB free at {place}",
            f"free {NEEDED_MB} MB, or choose another place",
        )


def _existing(path: Path) -> Path:
    """Return the nearest folder above `path` that is there."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if folder.exists()), path)
