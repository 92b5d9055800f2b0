# SPDX-License-Identifier: Apache-2.0
"""Writes forbidden_questions.txt: hashes of every question that must never be trained on.

python -m kvlink_training.forbid FILE…   (question files, query files, golden files)
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from .sources import FORBIDDEN_FILE, question_hash


def questions_of(path: Path) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        if ".jsonl" not in path.name:
            return [case["prompt"] for case in json.load(file).get("cases", [])]
        items = [json.loads(line) for line in file]
    return [item.get("question") or item.get("query") or item.get("text") or "" for item in items]


def main(paths: list[str]) -> None:
    hashes = {question_hash(q) for path in paths for q in questions_of(Path(path)) if q}
    lines = ["# First 16 hex digits of SHA-256 of each normalised evaluation question.", *sorted(hashes)]
    FORBIDDEN_FILE.write_text("\n".join(lines) + "\n")
    print(f"{len(hashes)} questions are forbidden")


if __name__ == "__main__":
    main(sys.argv[1:])
