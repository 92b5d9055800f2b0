# SPDX-License-Identifier: Apache-2.0
"""The objectives: answer under the standard mask, answer under the reuse mask, KL(full ‖ linked) with
the full side held fixed, and KL(base ‖ tuned) on text without passages, which keeps general ability."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .model import Linked
from .packing import Rows, View, target_indices


@dataclass(frozen=True)
class Weights:
    answer_full: float = 1.0
    answer_linked: float = 0.5
    kl_linked: float = 1.0
    kl_base: float = 0.5

    @property
    def want_full(self) -> bool:
        return self.answer_full > 0 or self.kl_linked > 0


def kl(teacher: Tensor, student: Tensor) -> Tensor:
    """Mean over tokens of KL(teacher ‖ student); the teacher gets no gradient."""
    target = F.log_softmax(teacher.detach(), -1)
    return F.kl_div(F.log_softmax(student, -1), target, reduction="sum", log_target=True) / max(1, target.shape[0])


def batch_losses(model: Linked, views: list[View], tasks: list[str], rows: Rows, weights: Weights) -> dict[str, Tensor]:
    """views come in pairs (full, linked) for tasks with passages, or linked alone where no weight wants
    the full one, and single for "plain" ones; tasks[i] names the task of views[i]."""
    mask = rows.mask()
    hidden, _ = model(rows.ids, rows.positions, mask)
    flat = hidden.reshape(-1, hidden.shape[-1])
    full = [i for i, v in enumerate(views) if tasks[i] != "plain" and not v.linked]
    linked = [i for i, v in enumerate(views) if v.linked]
    plain = [i for i in range(len(views)) if tasks[i] == "plain"]
    losses: dict[str, Tensor] = {}
    if linked:
        at_linked, ids = target_indices(views, rows, linked)
        logits_linked = model.logits(flat[at_linked])
        losses["answer_linked"] = F.cross_entropy(logits_linked, ids)
    if full:
        at_full, ids_full = target_indices(views, rows, full)
        assert torch.equal(ids_full, ids), "full and linked views must predict the same tokens"
        logits_full = model.logits(flat[at_full])
        losses["answer_full"] = F.cross_entropy(logits_full, ids)
        losses["kl_linked"] = kl(logits_full, logits_linked)
    if plain and weights.kl_base > 0:
        at, _ = target_indices(views, rows, plain)
        with torch.no_grad():
            hidden_base, _ = model(rows.ids, rows.positions, mask, lora=False)
            teacher = model.logits(hidden_base.reshape(-1, hidden.shape[-1])[at])
        losses["kl_base"] = kl(teacher, model.logits(flat[at]))
    losses["total"] = sum((getattr(weights, name) * loss for name, loss in losses.items()),
                          start=torch.zeros((), device=flat.device))
    return losses
