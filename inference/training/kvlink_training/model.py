# SPDX-License-Identifier: Apache-2.0
"""A frozen decoder of the Llama family in PyTorch with a link adapter: soft tokens and LoRA."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base_file import BaseFile
from .geometry import TARGETS, Geometry


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
    def read(file: BaseFile, dtype: torch.dtype, device: str) -> "Base":
        geometry = file.geometry
        names = ["embed", "norm"]
        if file.has("head") and not geometry.tied:
            names.append("head")
        names += [f"{layer}.{part}" for layer in range(geometry.n_layers) for part in geometry.layer_parts()]
        return Base(geometry, {name: file.tensor(name).to(device=device, dtype=dtype) for name in names})

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


def rotate(x: Tensor, cos: Tensor, sin: Tensor, halves: bool) -> Tensor:
    """x [rows, time, heads, head_dim]. Pairs are neighbours, as GGUF llama files carry them, or an element
    of the first and of the second half. Elements behind those that angles were made for stay."""
    n = 2 * cos.shape[-1]
    x, rest = (x, None) if n == x.shape[-1] else (x[..., :n], x[..., n:])
    if halves:
        one, two = x[..., : n // 2].float(), x[..., n // 2 :].float()
        turned = torch.cat([one * cos - two * sin, one * sin + two * cos], dim=-1).to(x.dtype)
    else:
        even, odd = x[..., 0::2].float(), x[..., 1::2].float()
        turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2).to(x.dtype)
    return turned if rest is None else torch.cat([turned, rest], dim=-1)


@dataclass
class KvState:
    """Keys and values of every layer, [rows, kv_heads, slots, head_dim]: for generation."""

    keys: list[Tensor]
    values: list[Tensor]


def linear(x: Tensor, parts: dict[str, Tensor], target: str) -> Tensor:
    y = F.linear(x, parts[target], parts.get(target + ".bias"))
    if target + ".a" in parts:
        y = y + F.linear(F.linear(x, parts[target + ".a"]), parts[target + ".b"])
    return y


def project(h: Tensor, parts: dict[str, Tensor], g: Geometry) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values before rotation, [rows, time, heads, head_dim]."""
    rows, time, _ = h.shape
    q = linear(h, parts, "q").view(rows, time, g.n_heads, g.head_dim)
    k = linear(h, parts, "k").view(rows, time, g.n_kv_heads, g.head_dim)
    v = linear(h, parts, "v").view(rows, time, g.n_kv_heads, g.head_dim)
    if g.qk_norm:
        q, k = rms_norm(q, parts["q_norm"], g.rms_norm_eps), rms_norm(k, parts["k_norm"], g.rms_norm_eps)
    return q, k, v


def layer_forward(x: Tensor, parts: dict[str, Tensor], g: Geometry, cos: Tensor, sin: Tensor, mask: Tensor,
                  past: tuple[Tensor, Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
    """One decoder layer, the same code for every layer so that it compiles once. `past` = keys, values
    [rows, kv_heads, slots, head_dim] and a slot per row, into which the one new token is written."""
    rows, time, _ = x.shape
    q, k, v = project(rms_norm(x, parts["attn_norm"], g.rms_norm_eps), parts, g)
    q = rotate(q, cos, sin, g.halves).transpose(1, 2)
    k, v = rotate(k, cos, sin, g.halves).transpose(1, 2), v.transpose(1, 2)
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
        frequencies = base.geometry.frequencies().to(base.weight("embed").device)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines [rows, time, 1, pairs]."""
        angles = positions.unsqueeze(-1).double() * self.frequencies
        magnitude = self.base.geometry.rope_magnitude
        return (angles.cos() * magnitude).float().unsqueeze(2), (angles.sin() * magnitude).float().unsqueeze(2)

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
        parts = {name: base.weight(f"{layer}.{name}") for name in base.geometry.layer_parts()}
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
        cos, sin = self.angles(positions)
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
