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
# Code points of the published class.
CASED = "".join(
    "-".join(chr(int(end, 16)) for end in part.split("-"))
    for part in (
        "0041-005A 0061-007A 00B5 00C0-00D6 00D8-00F6 00F8-01BA 01BC-01BF 01C4-0293 0295-02AF 0370-0373 0376 "
        "0377 037B-037D 037F 0386 0388-038A 038C 038E-03A1 03A3-03F5 03F7-0481 048A-052F 0531-0556 "
        "10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 "
        "1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC "
        "1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 "
        "2126 2128 212A-212D 212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B "
        "2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 "
        "FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943 "
    ).split()
)
LLM = ["[\r\n]", r"\s?[" + CASED + "]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$",
       "[一-龥ࠀ-一가-퟿]+", r"\p{N}"]
V3 = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
      r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
      r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
FAMILIES = {
    "gpt-2": [GPT2], "smollm": [r"\p{N}", GPT2], "starcoder": [r"\p{N}", GPT2],
    "llama-bpe": [LLAMA3], "qwen2": [QWEN2], "deepseek-r1-qwen": [QWEN2], "deepseek-coder": CODER,
    "deepseek-llm": LLM, "deepseek-v3": V3,
}
TEXTS = [
    "Hello, world! It's  2024\n\n  and we've 12345 'LL things.\r\n\tdef f(x): return x**2  # ok",
    "中文，测试 한국어 日本語。ABC中文def 東京2020\u3000全角　空白\n",
    "a\u0301e\u0308 \u1e9b\u0323 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u092e\u0938\u094d\u0924\u0947 \U0001f600\u200d\U0001f525",
    "   leading and trailing   ", "\n\n\n \n", "''' 'S 'T 'tis don't DON'T 1st ½ Ⅻ ٣", " ", "x",
]
ALPHABET = ("abzAZ09 \t\n\r'.,;-_()[]{}/\\\"#$+=<>~|" "\u00a0\u00e9\u0301\u0328\u00bd\u2003\u2028\u3000"
            "\u4e00\u9fa5\u9fa6\uac00\ud7a3\u0800\u3042\u0416\u03a9\u0e01\u0660\u2019\u20ac\U0001f600\u212b\uf900"
            "\u30a2\u30fb\u30fc\u309b\u3099\u3002\u2c00\x01\x7f\u0378\uff21\u2019\u2014\u00ac")


def lengths(patterns, text):
    splitter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), "isolated") for p in patterns])
    return [len(word.encode()) for word, _ in splitter.pre_tokenize_str(text)]


def main():
    draw = random.Random(5)
    texts = TEXTS + ["".join(draw.choices(ALPHABET, k=draw.randint(1, 40))) for _ in range(220)]
    print(json.dumps({
        "texts": texts,
        "nfc": [unicodedata.normalize("NFC", text) for text in texts],
        "words": {name: [lengths(p, text) for text in texts] for name, p in FAMILIES.items()},
    }, separators=(",", ":")))


if __name__ == "__main__":
    main()
