"""A random BERT of a few hundred KB with a vocabulary made here, and firms that are written in two ways."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from clippings.training.examples import Examples

WORDS = ["acme", "baxter", "steel", "dairy", "motors", "paper", "mills", "north", "south", "east", "west"]
WORDS += ["river", "stone", "iron", "gold", "silver", "union"]
SHORT = {"corporation": "corp", "company": "co", "limited": "ltd", "brothers": "bros"}


def make_base(folder: Path) -> Path:
    """Write a sentence-transformers folder with random weights, the same every time."""
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789&."]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *SHORT, *SHORT.values(), *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    numbers = {token: number for number, token in enumerate(dict.fromkeys(vocabulary))}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )
    raw = folder / "raw"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(numbers),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
        BertModel(config).save_pretrained(raw)
    fast.save_pretrained(raw)
    made = folder / "base"
    SentenceTransformer(str(raw), device="cpu").save_pretrained(str(made), create_model_card=False)
    return made


def firms(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Names of n firms, written out and abbreviated; each firm has another pair of words."""
    draw = random.Random(seed)
    pairs = [(a, b) for a in WORDS for b in WORDS if a != b]
    long, short = [], []
    for a, b in draw.sample(pairs, n):
        form = draw.choice(sorted(SHORT))
        long.append(f"{a} {b} {form}")
        short.append(f"{a} {b[:3]} {SHORT[form]}")
    return long, short


def examples(n: int = 60, seed: int = 0) -> Examples:
    """The firms as positive pairs, every short name in the corpus."""
    long, short = firms(n, seed)
    each = np.arange(n, dtype=np.int64)
    return Examples(
        tuple(long + short),
        np.concatenate([each, each]),
        each,
        each + n,
        np.ones(n, dtype=np.int64),
        each + n,
    )
