# SPDX-License-Identifier: Apache-2.0
"""Reads the parts of a GGUF file that training needs: metadata, and tensors as float32."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# GGUF tensor type: (elements of a block, bytes of a block)
_BLOCKS = {0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 3: (32, 20), 8: (32, 34)}
_NAMES = {0: "f32", 1: "f16", 30: "bf16", 2: "q4_0", 3: "q4_1", 8: "q8_0"}


class GgufError(ValueError):
    """The file is damaged or of a kind that the trainer does not read."""


@dataclass
class GgufFile:
    path: Path
    metadata: dict[str, object] = field(default_factory=dict)
    tensors: dict[str, tuple[tuple[int, ...], int, int]] = field(default_factory=dict)  # shape, type, offset

    def tensor(self, name: str) -> np.ndarray:
        """A tensor as float32, rows first ([outputs, inputs] for a matrix)."""
        shape, kind, offset = self.tensors[name]
        elements, size = _BLOCKS.get(kind) or _library_block(kind, f"{self.path.name}: {name}")
        n = int(np.prod(shape))
        raw = np.memmap(self.path, np.uint8, "r", offset, (n // elements * size,))
        if kind not in _BLOCKS:
            return _library().dequantize(np.asarray(raw), _library().GGMLQuantizationType(kind)).reshape(shape)
        return _dequantize(np.asarray(raw), kind).reshape(shape)


def _library():
    """The package `gguf`, for the types with blocks of 256 and others that are rare here."""
    try:
        import gguf
    except ImportError as error:
        raise GgufError("this quantisation needs the package gguf: pip install gguf") from error
    return gguf


def _library_block(kind: int, where: str) -> tuple[int, int]:
    library = _library()
    try:
        return library.GGML_QUANT_SIZES[library.GGMLQuantizationType(kind)]
    except (ValueError, KeyError) as error:
        raise GgufError(f"{where} has type {kind}, which nobody reads here") from error


def _half(raw: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def _dequantize(raw: np.ndarray, kind: int) -> np.ndarray:
    """Block formats as published with GGUF: a scale (and minimum) per 32 values."""
    name = _NAMES[kind]
    if name == "f32":
        return raw.view(np.float32).copy()
    if name == "f16":
        return raw.view(np.float16).astype(np.float32)
    if name == "bf16":
        return (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    blocks = raw.reshape(-1, _BLOCKS[kind][1])
    scale = _half(blocks[:, 0:2])
    if name == "q8_0":
        return scale * blocks[:, 2:].view(np.int8).astype(np.float32)
    first = 4 if name == "q4_1" else 2
    packed = blocks[:, first:]
    values = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)
    if name == "q4_1":
        return scale * values + _half(blocks[:, 2:4])
    return scale * (values - 8)


class _Cursor:
    def __init__(self, data: bytes | mmap.mmap) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        if n < 0 or self.at + n > len(self.data):
            raise GgufError("the header ends too early")
        piece = self.data[self.at : self.at + n]
        self.at += n
        return piece

    def scalar(self, code: str):
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def string(self) -> str:
        return self.take(self.scalar("Q")).decode("utf-8", "replace")

    def value(self, kind: int):
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            inner, n = self.scalar("I"), self.scalar("Q")
            if inner in _SCALARS:
                code = _SCALARS[inner]
                return list(struct.unpack(f"<{n}{code}", self.take(n * struct.calcsize("<" + code))))
            return [self.value(inner) for _ in range(n)]
        if kind not in _SCALARS:
            raise GgufError(f"metadata type {kind} is unknown")
        return self.scalar(_SCALARS[kind])


def read_gguf(path: Path) -> GgufFile:
    """Parses the header; tensors are mapped when asked for."""
    with Path(path).open("rb") as stream:
        if Path(path).stat().st_size == 0:
            raise GgufError(f"{path} is empty")
        cursor = _Cursor(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    if cursor.take(4) != b"GGUF" or cursor.scalar("I") not in (2, 3):
        raise GgufError(f"{path} is not a GGUF file of version 2 or 3")
    n_tensors, n_keys = cursor.scalar("Q"), cursor.scalar("Q")
    file = GgufFile(Path(path))
    for _ in range(n_keys):
        key = cursor.string()
        file.metadata[key] = cursor.value(cursor.scalar("I"))
    offsets = []
    for _ in range(n_tensors):
        name = cursor.string()
        shape = tuple(cursor.scalar("Q") for _ in range(cursor.scalar("I")))[::-1]
        offsets.append((name, shape, cursor.scalar("I"), cursor.scalar("Q")))
    alignment = int(file.metadata.get("general.alignment", 32))
    start = (cursor.at + alignment - 1) // alignment * alignment
    for name, shape, kind, offset in offsets:
        file.tensors[name] = (shape, kind, start + offset)
    return file
