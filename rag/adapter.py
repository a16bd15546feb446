"""What was learned on top of the built-in generator, and how it gets into it.

The file holds two thin matrices for each changed layer (see `training/lora.py`). They are
multiplied and added to the layer's own weights when the model is loaded, so an adapted model is of
the same size and speed as before. This module knows nothing of chats or prompts; it loads torch
only when weights are merged.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from rag.checksums import sha256
from rag.errors import ModelDamaged
from rag.models import MANIFEST

FORMAT = "rag-adapter-1"
HINT = "reinstall the package, or set RAG_GENERATOR__ADAPTER=false"


def shipped() -> Path | None:
    """Return the weights file that comes with the package; None when it has none."""
    path = Path(str(resources.files("rag") / "weights" / "adapter.safetensors"))
    return path if path.is_file() else None


def base_hash(base: Path) -> str:
    """Return the SHA-256 that tells what a model folder's weights are.

    Of a converted model that is the hash of the file it was made from, which its manifest names:
    two versions of a library may write the same weights as different bytes. Else it is that of
    `model.safetensors`.
    """
    try:
        return str(json.loads((base / MANIFEST).read_text(encoding="utf-8"))["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return sha256(base / "model.safetensors")


def merge(model: Any, base: Path, weights: Path) -> None:
    """Add a weights file's changes to a model that was loaded from `base`, in place.

    W becomes W + scale * B A, calculated in float32 and rounded once to the model's own type.

    Raises:
        ModelDamaged: the weights cannot be read, are of another format, or were made for another
            base.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "pt") as opened:
            about = opened.metadata() or {}
            stored = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelDamaged(f"the adapter's weights cannot be read: {error}", hint=HINT) from error
    if about.get("format") != FORMAT or about.get("base") != base_hash(base):
        raise ModelDamaged("the adapter's weights do not fit this generator", hint=HINT)
    names = {name.rpartition("/")[0] for name in stored}
    modules = {name: module for name, module in model.named_modules() if name in names}
    try:
        scale = float(about["scale"])
        with torch.no_grad():
            for name in sorted(names):
                change = scale * (stored[f"{name}/b"].float() @ stored[f"{name}/a"].float())
                own = modules[name].weight
                own.copy_((own.float() + change).to(own.dtype))  # (out, in)
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelDamaged("the adapter's weights are not complete", hint=HINT) from error
