# SPDX-License-Identifier: Apache-2.0
"""Draws a run's log.jsonl: losses and evaluation against samples seen.

python -m kvlink_training.plot RUN/log.jsonl OUT.png
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path


def curves(path: Path) -> tuple[dict[str, list], dict[str, list]]:
    losses, scores = defaultdict(list), defaultdict(list)
    for line in path.read_text().splitlines():
        record = json.loads(line)
        for name, value in record.get("losses", {}).items():
            losses[name].append((record["samples"], value))
        for name, value in record.get("evaluation", {}).items():
            scores[name].append((record["samples"], value))
    return losses, scores


def main(log: str, out: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(12, 4.5))
    for panel, series, title in zip(panels, curves(Path(log)), ("loss", "sub-span accuracy"), strict=True):
        for name, points in sorted(series.items()):
            panel.plot(*zip(*points, strict=True), label=name, marker="." if title != "loss" else None)
        panel.set_xlabel("samples")
        panel.set_title(title)
        panel.legend(fontsize=7)
    panels[0].set_yscale("log")
    figure.tight_layout()
    figure.savefig(out, dpi=120)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
