# SPDX-License-Identifier: Apache-2.0
"""The generator's byte-level BPE, rebuilt from its GGUF vocabulary with the tokenizers library."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from .gguf import GgufError, GgufFile

_PRE_TOKENIZERS = {
    "smollm": lambda: pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    ),
    "gpt-2": lambda: pre_tokenizers.ByteLevel(add_prefix_space=False),
}


class Tokens:
    """Text to ids and back. Control tokens never come out of text."""

    def __init__(self, file: GgufFile) -> None:
        meta = file.metadata
        vocabulary = meta["tokenizer.ggml.tokens"]
        pre = str(meta.get("tokenizer.ggml.pre", "gpt-2"))
        if meta["tokenizer.ggml.model"] != "gpt2" or pre not in _PRE_TOKENIZERS:
            raise GgufError(f"tokenizer {meta['tokenizer.ggml.model']}/{pre} is not supported by the trainer")
        merges = [tuple(merge.split(" ", 1)) for merge in meta["tokenizer.ggml.merges"]]
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._tokenizer = Tokenizer(models.BPE(vocab=self._ids, merges=merges))
        self._tokenizer.pre_tokenizer = _PRE_TOKENIZERS[pre]()
        self._tokenizer.decoder = decoders.ByteLevel()

    def encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False)

    def control(self, piece: str) -> int:
        if piece not in self._ids:
            raise GgufError(f"the vocabulary has no {piece}: the trainer writes chats in the format ChatML only")
        return self._ids[piece]
