# SPDX-License-Identifier: Apache-2.0
"""The learning rate over a run."""

from __future__ import annotations

import math


def peak_share(step: int, warmup: int, steps: int) -> float:
    """Share of the peak learning rate: linear warm-up, cosine to 5 %."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
