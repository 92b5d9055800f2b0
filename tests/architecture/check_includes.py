#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: the arrows between folders, and where each third party may be seen.

Usage: check_includes.py [ROOT]

Our own headers are included by their path from the root, in quotes; everything else in angle
brackets. A header that no table here names is a violation: whoever adds a third party states
where it may be seen.
"""

import re
import sys
from pathlib import Path

import sources

# Folder → folders whose headers it may include. The longest matching folder counts.
ALLOWED = {
    "kernels/base": {"kernels/base"},
    "kernels": {"kernels/base", "kernels"},
    "inference": {"kernels/base", "kernels", "inference"},
    "cache": {"kernels/base", "cache"},
    "retrieval": {"kernels/base", "retrieval"},
    "app": {"kernels/base", "inference", "cache", "retrieval", "app"},
    "ui": {"app", "ui"},
}
EVERYTHING = set(ALLOWED) | {"tests"}

# Third-party header → folders that may include it (tests may include anything).
THIRD_PARTY = [
    (re.compile(r"faiss/"), {"retrieval"}),
    (re.compile(r"SQLiteCpp/|sqlite3\.h$"), {"cache", "retrieval"}),
    (re.compile(r"xxhash\.h$"), {"cache"}),
    (re.compile(r"sentencepiece"), {"inference"}),
    (re.compile(r"unicode/"), {"inference"}),
    (re.compile(r"nlohmann/"), {"inference", "app"}),
    (re.compile(r"CLI/"), {"app"}),
    (re.compile(r"Q[A-Z]\w*(/|$)"), {"app", "ui"}),
    (re.compile(r"(cuda|cublas)\w*(\.h|/)"), {"kernels"}),
    (re.compile(r"(gtest|gmock|benchmark)/"), set()),
]
# Slow to compile or pervasive: never in a header, so that users of the header stay free of them.
NOT_IN_HEADERS = re.compile(r"faiss/|SQLiteCpp/|sqlite3\.h$|nlohmann/json\.hpp$|CLI/|unicode/")
ONE_FILE_ONLY = re.compile(r"faiss/")

STANDARD_CPP = re.compile(r"[a-z_]+$")
C_AND_POSIX = re.compile(
    r"(sys|linux|arpa|bits)/\w+\.h$|"
    r"(unistd|fcntl|dirent|errno|signal|termios|poll|pwd|time|pthread|sched|dlfcn|elf|link|"
    r"malloc|stdlib|langinfo|locale|\w*intrin|arm_neon|cpuid)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def folder_of(path: str) -> str:
    matches = [folder for folder in EVERYTHING if path.startswith(folder + "/")]
    return max(matches, key=len) if matches else ""


def own_include(root: Path, path: Path, target: str):
    folder = folder_of(path.as_posix())
    target_folder = folder_of(target)
    if ".." in Path(target).parts or not (root / target).is_file():
        return f'{path}: "{target}" is no file of ours by its path from the root'
    if folder != "tests" and target_folder not in ALLOWED[folder]:
        return f"{path}: {folder} may not include {target_folder or 'this'} ({target})"
    return None


def foreign_include(root: Path, path: Path, target: str):
    folder = folder_of(path.as_posix())
    if STANDARD_CPP.match(target) or C_AND_POSIX.match(target):
        return None
    for pattern, allowed in THIRD_PARTY:
        if not pattern.match(target):
            continue
        if folder == "tests":
            return None
        if folder not in allowed and folder.split("/")[0] not in allowed:
            return f"{path}: {folder} may not include <{target}>"
        if folder == "kernels/base":
            return f"{path}: kernels/base has no third party (<{target}>)"
        if path.suffix == ".h" and NOT_IN_HEADERS.match(target):
            return f"{path}: <{target}> belongs into a .cpp file"
        return None
    if (root / target).is_file():
        return f"{path}: <{target}> is ours; include it in quotes"
    return f"{path}: <{target}> is in no table of check_includes.py"


def violations(root: Path):
    found = []
    users_of_faiss = []
    for path in sources.files(root):
        if path.suffix not in sources.CPP_SUFFIXES or not folder_of(path.as_posix()):
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        for quote, target in INCLUDE.findall(text):
            check = own_include if quote == '"' else foreign_include
            problem = check(root, path, target)
            if problem:
                found.append(problem)
            if ONE_FILE_ONLY.match(target) and folder_of(path.as_posix()) == "retrieval":
                users_of_faiss.append(path.as_posix())
    users_of_faiss = sorted(set(users_of_faiss))
    if len(users_of_faiss) > 1:
        found.append(f"FAISS is included by more than one file: {', '.join(users_of_faiss)}")
    return found


if __name__ == "__main__":
    sys.exit(sources.report("includes", violations(sources.root_from_arguments())))
