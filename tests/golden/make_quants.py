# SPDX-License-Identifier: Apache-2.0
"""Writes quants.json: random blocks of every quantised GGUF type and what they decode to, by the
reference implementation of the format (PyPI `gguf`, made with 0.19.0).

    pip install gguf && python make_quants.py > quants.json

Blocks are hex; values are hex of little-endian f32. Scales are drawn as finite f16, everything else
in a block is random bytes.
"""

import json

import gguf
import numpy as np

ELEMENTS = 512
# Where the f16 scales and minima of a block begin.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}


def make(name, random):
    kind = gguf.GGMLQuantizationType[name]
    per_block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (ELEMENTS // per_block, size), dtype=np.uint8)
    for offset in HALVES[name]:
        scale = random.normal(0, 0.05, len(blocks)).astype(np.float16)
        blocks[:, offset : offset + 2] = scale.view(np.uint8).reshape(-1, 2)
    values = gguf.quants.dequantize(blocks, kind).astype("<f4")
    return {"blocks": blocks.tobytes().hex(), "values": values.tobytes().hex()}


def main():
    random = np.random.default_rng(20240611)
    print(json.dumps({name.lower(): make(name, random) for name in HALVES}, indent=0))


if __name__ == "__main__":
    main()
