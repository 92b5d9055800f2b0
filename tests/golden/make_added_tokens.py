# SPDX-License-Identifier: Apache-2.0
"""Writes added_tokens.json: a byte-level tokenizer whose added tokens look at their neighbours, and
the ids of texts by PyPI `tokenizers` (made with 0.23.3).

    pip install tokenizers && python make_added_tokens.py > added_tokens.json
"""

import itertools
import json
import random

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

PARTS = ["<a>", "<b>", "<c>", "<d>", "<e>", "<f>", "<g>", "caf\u00e9", "cafe\u0301", "bc", "x", "_",
         "1", " ", "  ", "\n", "\u00a0", ".", "\u4e00", "\u0301", "<", ">"]


def tokenizer():
    vocab = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    flags = itertools.product([False, True], repeat=3)
    for name, (single, left, right) in zip("abcdefg", list(flags)[1:]):
        made.add_tokens([AddedToken(f"<{name}>", single_word=single, lstrip=left, rstrip=right,
                                    normalized=name in "ace")])
    made.add_tokens([AddedToken("caf\u00e9", normalized=True), AddedToken("bc", normalized=False,
                                                                          single_word=True)])
    return made


def main():
    made = tokenizer()
    draw = random.Random(3)
    texts = ["".join(draw.choices(PARTS, k=draw.randint(1, 14))) for _ in range(300)]
    print(json.dumps({"tokenizer": json.loads(made.to_str()), "texts": texts,
                      "ids": [made.encode(text).ids for text in texts]}, separators=(",", ":")))


if __name__ == "__main__":
    main()
