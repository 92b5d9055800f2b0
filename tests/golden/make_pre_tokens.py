# SPDX-License-Identifier: Apache-2.0
"""Writes pre_tokens.json: where the published split patterns cut, by PyPI `tokenizers` (0.23.3).

    pip install tokenizers && python make_pre_tokens.py > pre_tokens.json

Per family the byte lengths of the words of each text, and form C of each text.
"""

import json
import random
import unicodedata

from tokenizers import Regex, pre_tokenizers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
CODER = ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"]
FAMILIES = {
    "gpt-2": [GPT2], "smollm": [r"\p{N}", GPT2], "starcoder": [r"\p{N}", GPT2],
    "llama-bpe": [LLAMA3], "qwen2": [QWEN2], "deepseek-r1-qwen": [QWEN2], "deepseek-coder": CODER,
}
TEXTS = [
    "Hello, world! It's  2024\n\n  and we've 12345 'LL things.\r\n\tdef f(x): return x**2  # ok",
    "中文，测试 한국어 日本語。ABC中文def 東京2020\u3000全角　空白\n",
    "a\u0301e\u0308 \u1e9b\u0323 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u092e\u0938\u094d\u0924\u0947 \U0001f600\u200d\U0001f525",
    "   leading and trailing   ", "\n\n\n \n", "''' 'S 'T 'tis don't DON'T 1st ½ Ⅻ ٣", " ", "x",
]
ALPHABET = ("abzAZ09 \t\n\r'.,;-_()[]{}/\\\"#$+=<>~|" "\u00a0\u00e9\u0301\u0328\u00bd\u2003\u2028\u3000"
            "\u4e00\u9fa5\u9fa6\uac00\ud7a3\u0800\u3042\u0416\u03a9\u0e01\u0660\u2019\u20ac\U0001f600\u212b\uf900")


def lengths(patterns, text):
    splitter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), "isolated") for p in patterns])
    return [len(word.encode()) for word, _ in splitter.pre_tokenize_str(text)]


def main():
    draw = random.Random(5)
    texts = TEXTS + ["".join(draw.choices(ALPHABET, k=draw.randint(1, 40))) for _ in range(150)]
    print(json.dumps({
        "texts": texts,
        "nfc": [unicodedata.normalize("NFC", text) for text in texts],
        "words": {name: [lengths(p, text) for text in texts] for name, p in FAMILIES.items()},
    }, separators=(",", ":")))


if __name__ == "__main__":
    main()
