# SPDX-License-Identifier: Apache-2.0
"""Passages read once: their KV behind the prefix, by the base model, kept in a file as int8.

With LoRA on the question's rows alone nothing that is trained touches a passage, so what the app keeps
on disk for every adapter is also what training needs, and a passage is read once for a whole run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .model import Linked, rotate


@dataclass
class Context:
    """What the rows of a batch look back at. positions [batch, slots], -1 = padding."""

    positions: Tensor
    keys: list[Tensor]    # per layer [batch, kv_heads, slots, head_dim], rotated
    values: list[Tensor]


def quantize(x: Tensor) -> tuple[Tensor, Tensor]:
    """int8 and one scale for each vector of the last axis."""
    scale = x.float().abs().amax(-1, keepdim=True).clamp(min=1e-6) / 127
    return (x.float() / scale).round().to(torch.int8), scale.squeeze(-1).half()


def restore(codes: Tensor, scales: Tensor) -> Tensor:
    return codes.float() * scales.unsqueeze(-1).float()


class Shelf:
    """A file of [slot, 2 * layers, kv_heads, head_dim] int8, and scales beside it; grows by appending."""

    def __init__(self, model: Linked, prefix: list[int], folder: Path, max_tokens: int) -> None:
        self.model, self.prefix = model, prefix
        g = model.base.geometry
        self.row = (2 * g.n_layers, g.n_kv_heads)
        folder.mkdir(parents=True, exist_ok=True)
        self.index_file = folder / "index.json"
        index = json.loads(self.index_file.read_text()) if self.index_file.exists() else {}
        name, base = hashlib.sha256(json.dumps(prefix).encode()).hexdigest(), self._base_name()
        fresh = index.get("prefix") != name or index.get("base", base) != base
        self.places: dict[str, tuple[int, int]] = {} if fresh else {k: tuple(v) for k, v in index["places"].items()}
        self.name, self.base_name = name, base
        self.used = max((a + n for a, n in self.places.values()), default=0)
        mode = "r+" if (folder / "values.i8").exists() and not fresh else "w+"
        self.codes = np.memmap(folder / "values.i8", np.int8, mode, shape=(max_tokens, *self.row, g.head_dim))
        self.scales = np.memmap(folder / "scales.f16", np.float16, mode, shape=(max_tokens, *self.row))
        self.prefix_kv = self._read([[]])[0]

    def save(self) -> None:
        self.codes.flush()
        self.scales.flush()
        self.index_file.write_text(json.dumps({"prefix": self.name, "base": self.base_name, "places": self.places}))

    def _base_name(self) -> str:
        """Tells models apart that share a vocabulary: of some rows of the embedding."""
        rows = self.model.base.weight("embed")[::997].float().cpu().numpy()
        return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()[:24]

    @staticmethod
    def key(ids: list[int]) -> str:
        return hashlib.sha256(np.array(ids, np.int32).tobytes()).hexdigest()[:24]

    @torch.no_grad()
    def _read(self, passages: list[list[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """KV of the prefix, or of passages behind it: codes [n, 2 layers, heads, d] and scales."""
        at = len(self.prefix)
        longest = max(len(p) for p in passages) + at
        ids = torch.tensor([self.prefix + p + [0] * (longest - at - len(p)) for p in passages])
        positions = torch.arange(longest).repeat(len(passages), 1)
        state = self.model.read(ids, positions)
        out = []
        for row, p in enumerate(passages):
            span = slice(at, at + len(p)) if p else slice(0, at)
            both = torch.stack([t[row, span] for pair in state for t in pair], 1)
            codes, scale = quantize(both)
            out.append((codes.numpy(), scale.numpy()))
        return out

    def add(self, passages: list[list[int]], batch: int = 8) -> None:
        """Reads those that are not there yet, alike lengths together."""
        missing = {self.key(p): p for p in passages if self.key(p) not in self.places}
        todo = sorted(missing.items(), key=lambda item: len(item[1]))
        for first in range(0, len(todo), batch):
            part = todo[first : first + batch]
            for (key, p), (codes, scales) in zip(part, self._read([p for _, p in part]), strict=True):
                if self.used + len(p) > self.codes.shape[0]:
                    raise MemoryError("the shelf is full: start it with more --shelf-tokens")
                span = slice(self.used, self.used + len(p))
                self.codes[span], self.scales[span] = codes, scales
                self.places[key] = (self.used, len(p))
                self.used += len(p)

    def context(self, samples: list[tuple[list[list[int]], list[int]]], slots: int) -> Context:
        """samples: (passages, position of each). The prefix stands at the front of every one."""
        self.add([p for passages, _ in samples for p in passages])
        n_rows, n_heads = self.row
        d = self.codes.shape[-1]
        codes = np.zeros((len(samples), slots, n_rows, n_heads, d), np.int8)
        scales = np.zeros((len(samples), slots, n_rows, n_heads), np.float16)
        positions = np.full((len(samples), slots), -1, np.int64)
        for row, (passages, starts) in enumerate(samples):
            at = len(self.prefix)
            codes[row, :at], scales[row, :at] = self.prefix_kv
            positions[row, :at] = np.arange(at)
            for p, start in zip(passages, starts, strict=True):
                first, n = self.places[self.key(p)]
                codes[row, at : at + n], scales[row, at : at + n] = self.codes[first : first + n], self.scales[first : first + n]
                positions[row, at : at + n] = np.arange(start, start + n)
                at += n
        return self._turned(torch.from_numpy(codes), torch.from_numpy(scales), torch.from_numpy(positions))

    def _turned(self, codes: Tensor, scales: Tensor, positions: Tensor) -> Context:
        cos, sin = self.model.angles(positions.clamp(min=0))
        halves = self.model.base.geometry.halves
        place = lambda x: x.to(self.model.base.weight("embed").dtype).transpose(1, 2).contiguous()
        keys, values = [], []
        for layer in range(0, self.row[0], 2):
            keys.append(place(rotate(restore(codes[:, :, layer], scales[:, :, layer]), cos, sin, halves)))
            values.append(place(restore(codes[:, :, layer + 1], scales[:, :, layer + 1])))
        return Context(positions, keys, values)
