# SPDX-License-Identifier: Apache-2.0
"""What a decoder's shapes are and how it rotates: from the app's program, or from a GGUF file."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .gguf import GgufError, GgufFile

TARGETS = ("q", "k", "v", "o", "gate", "up", "down")
_ASK = "name the kvlink program with --kvlink to train on it"


@dataclass(frozen=True)
class Geometry:
    n_layers: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    model_dim: int
    ffn_dim: int
    vocab_size: int
    rms_norm_eps: float
    rope_theta: float = 0.0
    rope_frequencies: tuple[float, ...] = ()  # radians per position, scaling included; empty: by rope_theta
    rope_magnitude: float = 1.0               # YaRN: factor on queries and keys
    halves: bool = False                      # elements i and i + n/2 are rotated together; else neighbours
    qkv_bias: bool = False
    qk_norm: bool = False
    tied: bool | None = None                  # None: by whether the file has an output matrix

    @staticmethod
    def from_about(about: dict) -> "Geometry":
        """Of what `kvlink model prompt` says to {"describe": true}."""
        counts = ("n_layers", "n_heads", "n_kv_heads", "head_dim", "model_dim", "ffn_dim", "vocab_size")
        rope = about["rope"]
        return Geometry(**{name: int(about[name]) for name in counts}, rms_norm_eps=about["rms_norm_eps"],
                        rope_frequencies=tuple(rope["frequencies"]), rope_magnitude=rope["magnitude"],
                        halves=rope["pairing"] == "halves", qkv_bias=about["qkv_bias"], qk_norm=about["qk_norm"],
                        tied=about["tied"])

    @staticmethod
    def from_gguf(file: GgufFile) -> "Geometry":
        meta = file.metadata
        if meta["general.architecture"] != "llama":
            raise GgufError(f"architecture {meta['general.architecture']} is not read here: {_ASK}")
        if meta.get("llama.rope.scaling.type", "none") != "none" or "rope_freqs.weight" in file.tensors:
            raise GgufError(f"scaled rotary positions (Llama 3.1 and later) are not read here: {_ASK}")
        get = lambda key: meta["llama." + key]
        heads, dim = int(get("attention.head_count")), int(get("embedding_length"))
        return Geometry(
            n_layers=int(get("block_count")), n_heads=heads, n_kv_heads=int(get("attention.head_count_kv")),
            head_dim=dim // heads, model_dim=dim, ffn_dim=int(get("feed_forward_length")),
            vocab_size=len(meta["tokenizer.ggml.tokens"]),
            rms_norm_eps=float(get("attention.layer_norm_rms_epsilon")),
            rope_theta=float(meta.get("llama.rope.freq_base", 10000.0)))

    def shape(self, target: str) -> tuple[int, int]:
        """[outputs, inputs] of a linear map."""
        attention, kv = self.n_heads * self.head_dim, self.n_kv_heads * self.head_dim
        return {"q": (attention, self.model_dim), "k": (kv, self.model_dim), "v": (kv, self.model_dim),
                "o": (self.model_dim, attention), "gate": (self.ffn_dim, self.model_dim),
                "up": (self.ffn_dim, self.model_dim), "down": (self.model_dim, self.ffn_dim)}[target]

    def layer_parts(self) -> tuple[str, ...]:
        """Names of a layer's tensors."""
        biases = ("q.bias", "k.bias", "v.bias") if self.qkv_bias else ()
        return (*TARGETS, "attn_norm", "ffn_norm", *biases, *(("q_norm", "k_norm") if self.qk_norm else ()))

    def frequencies(self) -> Tensor:
        if self.rope_frequencies:
            return torch.tensor(self.rope_frequencies, dtype=torch.float64)
        return self.rope_theta ** (-torch.arange(0, self.head_dim, 2, dtype=torch.float64) / self.head_dim)
