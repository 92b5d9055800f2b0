# SPDX-License-Identifier: Apache-2.0
"""A frozen llama decoder in PyTorch with a link adapter: soft tokens and LoRA."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .gguf import GgufError, GgufFile

TARGETS = ("q", "k", "v", "o", "gate", "up", "down")
_GGUF_NAMES = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
               "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}


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
    rope_theta: float

    @staticmethod
    def from_gguf(file: GgufFile) -> "Geometry":
        meta = file.metadata
        if meta["general.architecture"] != "llama":
            raise GgufError(f"architecture {meta['general.architecture']} is not supported by the trainer")
        if meta.get("llama.rope.scaling.type", "none") != "none" or "rope_freqs.weight" in file.tensors:
            raise GgufError("scaled rotary positions (Llama 3.1 and later) are not supported by the trainer")
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


@dataclass(frozen=True)
class AdapterShape:
    """Each part is optional: 0 header tokens, 0 link tokens (K = 0), rank 0."""

    n_header: int = 4
    n_link: int = 5
    lora_rank: int = 16
    lora_alpha: float = 32.0
    targets: tuple[str, ...] = TARGETS

    def to_json(self) -> dict:
        return asdict(self)


class Base(nn.Module):
    """The frozen weights, in the compute dtype."""

    def __init__(self, geometry: Geometry, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.geometry = geometry
        for name, tensor in tensors.items():
            self.register_buffer(name.replace(".", "_"), tensor, persistent=False)

    def weight(self, name: str) -> Tensor:
        return getattr(self, name.replace(".", "_"))

    @staticmethod
    def from_gguf(file: GgufFile, dtype: torch.dtype, device: str) -> "Base":
        geometry = Geometry.from_gguf(file)
        tensors = {"embed": file.tensor("token_embd.weight"), "norm": file.tensor("output_norm.weight")}
        if "output.weight" in file.tensors:
            tensors["head"] = file.tensor("output.weight")
        for layer in range(geometry.n_layers):
            for target, name in _GGUF_NAMES.items():
                tensors[f"{layer}.{target}"] = file.tensor(f"blk.{layer}.{name}.weight")
            for norm in ("attn_norm", "ffn_norm"):
                tensors[f"{layer}.{norm}"] = file.tensor(f"blk.{layer}.{norm}.weight")
        return Base(geometry, {n: torch.from_numpy(t).to(device=device, dtype=dtype) for n, t in tensors.items()})

    @staticmethod
    def random(geometry: Geometry, seed: int = 0) -> "Base":
        generator = torch.Generator().manual_seed(seed)
        draw = lambda *shape: torch.randn(*shape, generator=generator) / math.sqrt(shape[-1])
        tensors = {"embed": draw(geometry.vocab_size, geometry.model_dim), "norm": torch.ones(geometry.model_dim)}
        for layer in range(geometry.n_layers):
            for target in TARGETS:
                tensors[f"{layer}.{target}"] = draw(*geometry.shape(target))
            for norm in ("attn_norm", "ffn_norm"):
                tensors[f"{layer}.{norm}"] = torch.ones(geometry.model_dim)
        return Base(geometry, tensors)


class Adapter(nn.Module):
    """What is trained, in float32: header [h, d], link [m, d], LoRA A [r, in] and B [out, r]."""

    def __init__(self, geometry: Geometry, shape: AdapterShape, seed: int = 0) -> None:
        super().__init__()
        self.shape = shape
        generator = torch.Generator().manual_seed(seed)
        dim = geometry.model_dim
        self.header = nn.Parameter(torch.randn(shape.n_header, dim, generator=generator) * 0.02)
        self.link = nn.Parameter(torch.randn(shape.n_link, dim, generator=generator) * 0.02)
        self.lora_a, self.lora_b = nn.ParameterDict(), nn.ParameterDict()
        if shape.lora_rank == 0:
            return
        for layer in range(geometry.n_layers):
            for target in shape.targets:
                n_out, n_in = geometry.shape(target)
                a = torch.randn(shape.lora_rank, n_in, generator=generator) / math.sqrt(n_in)
                self.lora_a[f"{layer}_{target}"] = nn.Parameter(a)
                self.lora_b[f"{layer}_{target}"] = nn.Parameter(torch.zeros(n_out, shape.lora_rank))

    def start_from(self, base: Base, header_ids: list[int], link_ids: list[int]) -> None:
        """Soft tokens begin as embeddings of real tokens (plus noise, so that they can part)."""
        table = base.weight("embed").float().cpu()
        with torch.no_grad():
            for soft, ids in ((self.header, header_ids), (self.link, link_ids)):
                for i in range(soft.shape[0]):
                    soft[i] += table[ids[i % len(ids)]]

    def soft_tokens(self) -> Tensor:
        return torch.cat([self.header, self.link])

    @property
    def scale(self) -> float:
        return self.shape.lora_alpha / max(1, self.shape.lora_rank)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    h = x.float()
    return (h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + eps)).to(x.dtype) * weight


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Interleaved pairs, as GGUF llama files carry them. x [rows, time, heads, head_dim]."""
    even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)


@dataclass
class KvState:
    """Keys and values of every layer, [rows, kv_heads, slots, head_dim]: for generation."""

    keys: list[Tensor]
    values: list[Tensor]


def linear(x: Tensor, parts: dict[str, Tensor], target: str) -> Tensor:
    y = F.linear(x, parts[target])
    if target + ".a" in parts:
        y = y + F.linear(F.linear(x, parts[target + ".a"]), parts[target + ".b"])
    return y


def layer_forward(x: Tensor, parts: dict[str, Tensor], g: Geometry, cos: Tensor, sin: Tensor, mask: Tensor,
                  past: tuple[Tensor, Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
    """One decoder layer, the same code for every layer so that it compiles once. `past` = keys, values
    [rows, kv_heads, slots, head_dim] and a slot per row, into which the one new token is written."""
    rows, time, _ = x.shape
    h = rms_norm(x, parts["attn_norm"], g.rms_norm_eps)
    q = rotate(linear(h, parts, "q").view(rows, time, g.n_heads, g.head_dim), cos, sin).transpose(1, 2)
    k = rotate(linear(h, parts, "k").view(rows, time, g.n_kv_heads, g.head_dim), cos, sin).transpose(1, 2)
    v = linear(h, parts, "v").view(rows, time, g.n_kv_heads, g.head_dim).transpose(1, 2)
    if past is not None:
        keys, values, slots = past
        row = torch.arange(rows, device=x.device)
        keys[row, :, slots] = k[:, :, 0]
        values[row, :, slots] = v[:, :, 0]
        k, v = keys, values
    group = g.n_heads // g.n_kv_heads
    attended = F.scaled_dot_product_attention(
        q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), attn_mask=mask)
    x = x + linear(attended.transpose(1, 2).reshape(rows, time, -1), parts, "o")
    h = rms_norm(x, parts["ffn_norm"], g.rms_norm_eps)
    inner = F.silu(linear(h, parts, "gate")) * linear(h, parts, "up")
    return x + linear(inner, parts, "down"), k, v


class Linked(nn.Module):
    """Base + adapter. `lora=False` gives the base model itself (the teacher of plain text)."""

    def __init__(self, base: Base, adapter: Adapter) -> None:
        super().__init__()
        self.base, self.adapter = base, adapter
        self.layer_forward = layer_forward
        g = base.geometry
        frequencies = g.rope_theta ** (-torch.arange(0, g.head_dim, 2, dtype=torch.float64) / g.head_dim)
        self.register_buffer("frequencies", frequencies.to(base.weight("embed").device), persistent=False)

    def embed(self, ids: Tensor) -> Tensor:
        """Ids from vocab_size on are soft tokens: header first, then link."""
        table = self.base.weight("embed")
        n = table.shape[0]
        plain = F.embedding(ids.clamp(max=n - 1), table)
        soft = self.adapter.soft_tokens()
        if soft.shape[0] == 0:
            return plain
        chosen = F.embedding((ids - n).clamp(min=0), soft).to(plain.dtype)
        return torch.where((ids >= n).unsqueeze(-1), chosen, plain)

    def layer_parts(self, layer: int, lora: bool) -> dict[str, Tensor]:
        """A layer's tensors by name; LoRA's with ".a" and ".b" behind the target's name, B scaled."""
        base, adapter = self.base, self.adapter
        parts = {name: base.weight(f"{layer}.{name}") for name in (*TARGETS, "attn_norm", "ffn_norm")}
        for target in adapter.shape.targets if lora else ():
            key = f"{layer}_{target}"
            if key in adapter.lora_a:
                dtype = parts[target].dtype
                parts[target + ".a"] = adapter.lora_a[key].to(dtype)
                parts[target + ".b"] = (adapter.lora_b[key] * adapter.scale).to(dtype)
        return parts

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor, lora: bool = True,
                past: tuple[KvState, Tensor] | None = None, keep: bool = False) -> tuple[Tensor, KvState | None]:
        """ids, positions [rows, time]; mask [rows, 1, time, keys], true = visible. Hidden states after
        the last norm, and, with `keep`, the KV of every layer. `past` = (state, slot per row): one new
        token per row is written into its slot."""
        angles = positions.unsqueeze(-1).double() * self.frequencies
        cos, sin = angles.cos().float().unsqueeze(2), angles.sin().float().unsqueeze(2)
        x = self.embed(ids)
        kept = KvState([], [])
        for layer in range(self.base.geometry.n_layers):
            state = (past[0].keys[layer], past[0].values[layer], past[1]) if past else None
            x, k, v = self.layer_forward(x, self.layer_parts(layer, lora), self.base.geometry, cos, sin, mask, state)
            if keep:
                kept.keys.append(k)
                kept.values.append(v)
        x = rms_norm(x, self.base.weight("norm"), self.base.geometry.rms_norm_eps)
        return x, kept if keep else None

    def logits(self, hidden: Tensor) -> Tensor:
        head = "head" if hasattr(self.base, "head") else "embed"
        return F.linear(hidden, self.base.weight(head)).float()
