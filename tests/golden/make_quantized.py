# SPDX-License-Identifier: Apache-2.0
"""Writes quantized.json: rows of floats, and what the reference implementation of the block formats
(PyPI `gguf`, made with 0.19.0) writes for them.

    pip install gguf && python make_quantized.py > quantized.json

Values are hex of little-endian f32, blocks hex of bytes. Rows: plain noise, large and tiny numbers,
zeros, equal numbers, ties between a number and its negative, halves that are rounded.
"""

import json

import gguf
import numpy as np

TYPES = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"]


def rows(random):
    noise = random.normal(0, 1, (4, 64))
    ties = np.tile([1.0, -1.0, 0.5, -0.5, 0.25, -0.25, 0.0, 0.125], 8)
    steps = np.arange(64) / 8 - 4
    return np.stack([
        *noise, noise[0] * 1000, noise[1] * 1e-3, np.zeros(64), np.full(64, 0.7), np.full(64, -3.0),
        ties, -ties, steps, np.round(noise[2] * 4) / 8, np.abs(noise[3]), -np.abs(noise[3]),
        np.where(np.arange(64) == 40, 9.0, 0.0),
    ]).astype(np.float32)


def main():
    values = rows(np.random.default_rng(7))
    types = {}
    for name in TYPES:
        written = gguf.quants.quantize(values, gguf.GGMLQuantizationType[name])
        types[name.lower()] = written.view(np.uint8).tobytes().hex()
    print(json.dumps({"columns": values.shape[1], "values": values.astype("<f4").tobytes().hex(),
                      "types": types}, indent=0))


if __name__ == "__main__":
    main()
