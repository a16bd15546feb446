"""A base to train from that is made on the spot: random weights, a few words, no model files."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertConfig, BertModel

CITIES = {"Rome": "1201", "Oslo": "1302", "Lima": "1403", "Bern": "1504", "Kyiv": "1605"}
SENTENCE = "The old town of {} was founded in {} by the sea ."


def tokenizer() -> Tokenizer:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.?'"
    words = "the old town of was founded in by sea when what who".split()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters, *(f"##{c}" for c in letters)]
    made = Tokenizer(
        WordPiece({piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]")
    )
    made.normalizer = BertNormalizer(lowercase=True)
    made.pre_tokenizer = BertPreTokenizer()
    return made


def write_base(folder: Path, *, layers: int = 2, width: int = 32, heads: int = 2) -> Path:
    """Write a BERT folder and return it."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer().get_vocab_size(),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width if width > 32 else 64,
        max_position_embeddings=300,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder
