# SPDX-License-Identifier: Apache-2.0
"""The adapter file: safetensors with metadata, as inference/link loads it (see README.md)."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from .geometry import Geometry
from .model import Adapter, AdapterShape

FORMAT = "kvlink-adapter-1"


def adapter_tensors(adapter: Adapter) -> dict[str, torch.Tensor]:
    """header [h, d], link [m, d] as f32; LoRA as f16 with the scale folded into B:
    lora.<layer>.<target>.a [r, inputs], .b [outputs, r]."""
    out = {"header": adapter.header.detach().float().cpu(), "link": adapter.link.detach().float().cpu()}
    for key, a in adapter.lora_a.items():
        layer, target = key.split("_")
        out[f"lora.{layer}.{target}.a"] = a.detach().half().cpu()
        out[f"lora.{layer}.{target}.b"] = (adapter.lora_b[key].detach() * adapter.scale).half().cpu()
    return {name: t.contiguous() for name, t in out.items() if t.numel() > 0}


def save_adapter(path: Path, adapter: Adapter, base_sha256: str, about: dict[str, object],
                 base_passages: bool = False, parallel: bool = False) -> None:
    """`about`: data, steps, trainer's commit, evaluation; stored as JSON text per key. base_passages:
    passages are the base model's, LoRA acts on the rows behind them (question_rows.py). parallel:
    passages stand side by side, link tokens once behind them."""
    metadata = {"passages": "base" if base_passages else "adapter", "positions": "parallel" if parallel else "sequence",
                "format": FORMAT, "base_sha256": base_sha256, "shape": json.dumps(adapter.shape.to_json())}
    metadata |= {key: json.dumps(value) for key, value in about.items()}
    temporary = path.with_suffix(".tmp")
    save_file(adapter_tensors(adapter), str(temporary), metadata)
    temporary.replace(path)


def load_adapter(path: Path, geometry: Geometry) -> tuple[Adapter, dict[str, str]]:
    with safe_open(str(path), "pt") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise ValueError(f"{path} is not a {FORMAT} file")
        fields = json.loads(metadata["shape"])
        shape = AdapterShape(**{**fields, "targets": tuple(fields["targets"])})
        adapter = Adapter(geometry, shape)
        names = set(file.keys())
        with torch.no_grad():
            for part, soft in (("header", adapter.header), ("link", adapter.link)):
                if part in names:
                    soft.copy_(file.get_tensor(part))
            for key in adapter.lora_a:
                layer, target = key.split("_")
                adapter.lora_a[key].copy_(file.get_tensor(f"lora.{layer}.{target}.a"))
                adapter.lora_b[key].copy_(file.get_tensor(f"lora.{layer}.{target}.b").float() / adapter.scale)
    return adapter, metadata
