"""Write a run's weights as the package ships them: `python -m training.export --run runs/reader`.

Takes the last checkpoint, keeps its difference from the base in 8 bits, and says how much of it is
lost. Of several runs that went on from each other it takes the mean, which is often better than
either (Wortsman et al. 2022, "Model soups"); weights that were exported before may be among them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from rag.cross_encoder import base_hash, load_network
from rag.reader_network import FORMAT, ReaderNetwork, encoder_weights, pack, unpack
from training.base import base_folder

OUTPUT = Path("rag/weights/reader.safetensors")


def checkpoint_weights(run: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a run's last checkpoint, by parameter name."""
    tensors = load_file(run / "checkpoint.safetensors")
    prefix = "weight/"
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def exported_weights(file: Path) -> dict[str, torch.Tensor]:
    """Read weights that were exported, by parameter name."""
    return {n: p.detach() for n, p in load_network(base_folder(), file).changed().items()}


def mean_weights(runs: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Return the mean of the weights of runs' folders and exported files, by parameter name."""
    every = [exported_weights(one) if one.is_file() else checkpoint_weights(one) for one in runs]
    return {n: torch.stack([weights[n] for weights in every]).mean(dim=0) for n in every[0]}


def export(
    trained: Mapping[str, torch.Tensor], base: Path, output: Path, about: Mapping[str, str]
) -> float:
    """Write the weights file; return the greatest error of a weight, relative to its row's change.

    `about` is kept in the file's header, beside the format and the base's hash.
    """
    start = encoder_weights(ReaderNetwork.start(base))
    packed = pack(trained, start)
    output.parent.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "base": base_hash(base), **about}
    save_file({name: t.contiguous() for name, t in packed.items()}, output, metadata=header)
    worst = 0.0
    for name, weight in unpack(packed, start).items():
        change = (trained[name] - start.get(name, torch.zeros(()))).abs()
        error = (weight - trained[name]).abs()
        worst = max(worst, float(error.max() / change.max().clamp_min(1e-9)))
    return worst


def main(given: Sequence[str]) -> None:
    """Export the run named on the command line, or the mean of several."""
    parser = argparse.ArgumentParser(prog="training.export", description=__doc__)
    parser.add_argument("--run", type=Path, nargs="+", default=[Path("runs/reader")])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    asked = parser.parse_args(given)
    worst = export(mean_weights(asked.run), base_folder(), asked.output, {})
    size = asked.output.stat().st_size / 1e6
    print(f"{asked.output}: {size:.1f} MB, greatest relative error of a weight {worst:.4f}")


if __name__ == "__main__":
    main(sys.argv[1:])
