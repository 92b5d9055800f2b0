# SPDX-License-Identifier: Apache-2.0
"""The files of the repository that the architecture checks read, and how a check reports."""

import os
import sys
from pathlib import Path

SKIPPED_FOLDERS = {".git", "build", ".venv", ".cache", "__pycache__"}
CPP_SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}


def files(root: Path):
    """Every file below root that is not build output, as sorted paths relative to root."""
    found = []
    for folder, names, file_names in os.walk(root):
        names[:] = [name for name in names if name not in SKIPPED_FOLDERS]
        found.extend(Path(folder, name).relative_to(root) for name in file_names)
    return sorted(found)


def is_script(root: Path, path: Path) -> bool:
    """A shell or Python source without a telling suffix, such as ./run."""
    if path.suffix:
        return False
    with (root / path).open("rb") as stream:
        return stream.read(2) == b"#!"


def is_source(root: Path, path: Path) -> bool:
    """C++, CUDA, Python or shell."""
    return path.suffix in CPP_SUFFIXES | {".py", ".sh"} or is_script(root, path)


def report(check_name: str, violations) -> int:
    """Prints the violations and gives the exit status of a check."""
    for violation in violations:
        print(violation)
    print(f"{check_name}: {len(violations)} violations")
    return 1 if violations else 0


def root_from_arguments() -> Path:
    return Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
