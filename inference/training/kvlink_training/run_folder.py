# SPDX-License-Identifier: Apache-2.0
"""What a run keeps on disk: a checkpoint that is replaced whole, and a log of JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from .model import Adapter


class RunFolder:
    """`state` dictionaries hold what a run needs to go on: step, counts, sample stream."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path

    def save(self, adapter: Adapter, optimizer: torch.optim.Optimizer, state: dict) -> None:
        whole = {"adapter": adapter.state_dict(), "optimizer": optimizer.state_dict(),
                 "shape": adapter.shape.to_json(), **state}
        temporary = self.path / "checkpoint.tmp"
        torch.save(whole, temporary)
        temporary.replace(self.path / "checkpoint.pt")

    def load(self, adapter: Adapter, optimizer: torch.optim.Optimizer, device: str = "cpu") -> dict | None:
        """Takes adapter and optimiser to the checkpoint and returns its state; None: there is none."""
        path = self.path / "checkpoint.pt"
        if not path.exists():
            return None
        state = torch.load(path, map_location=device, weights_only=False)
        if state["shape"] != adapter.shape.to_json():
            raise SystemExit(f"{path} was made with another adapter shape: choose another --run folder")
        adapter.load_state_dict(state["adapter"])
        optimizer.load_state_dict(state["optimizer"])
        return state

    def log(self, record: dict) -> str:
        """Appends a line and returns it."""
        line = json.dumps(record)
        with (self.path / "log.jsonl").open("a") as file:
            file.write(line + "\n")
        return line


def trained_parameters(adapter: Adapter, peak_soft: float, peak_lora: float) -> list[dict]:
    """Groups for an optimiser, each with its peak learning rate; parts that an adapter lacks are left out."""
    soft: list[nn.Parameter] = [p for p in (adapter.header, adapter.link) if p.numel() > 0]
    lora = [*adapter.lora_a.parameters(), *adapter.lora_b.parameters()]
    groups = [{"params": soft, "peak": peak_soft}, {"params": lora, "peak": peak_lora}]
    return [g for g in groups if g["params"]]
