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
    "app/extract": {"kernels/base", "retrieval", "app/extract"},
    "ui": {"app", "ui"},
}
EVERYTHING = set(ALLOWED) | {"tests"}

# Third-party header → folders that may include it (tests may include anything).
THIRD_PARTY = [
    (re.compile(r"faiss/"), {"retrieval"}),
    (re.compile(r"SQLiteCpp/|sqlite3\.h$"), {"cache", "retrieval"}),
    (re.compile(r"xxhash\.h$"), {"cache", "retrieval"}),
    # FAISS takes its thread count from OpenMP, Tesseract its threads
    (re.compile(r"omp\.h$"), {"retrieval", "app/extract"}),
    (re.compile(r"(tesseract|leptonica)/"), {"app/extract"}),
    (re.compile(r"sentencepiece"), {"inference"}),
    (re.compile(r"unicode/"), {"inference", "app/extract"}),
    (re.compile(r"(argon2|gumbo|expat)\.h$|(mbedtls|uchardet)/"), {"app/extract"}),
    (re.compile(r"nlohmann/"), {"inference", "app"}),
    (re.compile(r"CLI/"), {"app"}),
    (re.compile(r"zlib\.h$"), {"app"}),
    (re.compile(r"Q[A-Z]\w*(/|$)"), {"app", "ui"}),
    (re.compile(r"(cuda|cublas)\w*(\.h|/)"), {"kernels"}),
    (re.compile(r"(gtest|gmock|benchmark)/|llama\.h$"), set()),
]
# Slow to compile or pervasive: a header that brings one of these, directly or through another, is for
# its own folder only, so that nobody else has to know the library.
HEAVY = re.compile(r"faiss/|SQLiteCpp/|sqlite3\.h$|nlohmann/json\.hpp$|CLI/|unicode/")
ONE_FILE_ONLY = re.compile(r"faiss/")

STANDARD_CPP = re.compile(r"(experimental/)?[a-z_]+$")
C_AND_POSIX = re.compile(
    r"(sys|linux|arpa|bits)/\w+\.h$|"
    r"(unistd|fcntl|dirent|fnmatch|spawn|stddef|errno|signal|termios|poll|pwd|time|pthread|sched|dlfcn|elf|link|"
    r"malloc|stdlib|langinfo|locale|\w*intrin|arm_neon|cpuid)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def folder_of(path: str) -> str:
    matches = [folder for folder in EVERYTHING if path.startswith(folder + "/")]
    return max(matches, key=len) if matches else ""


def own_include(root: Path, path: Path, target: str):
    if target == path.stem + ".moc":  # made by Qt's moc from this very file
        return None
    folder = folder_of(path.as_posix())
    target_folder = folder_of(target)
    if ".." in Path(target).parts or not (root / target).is_file():
        return f'{path}: "{target}" is no file of ours by its path from the root'
    if folder != "tests" and target_folder not in ALLOWED[folder]:
        return f"{path}: {folder} may not include {target_folder or 'this'} ({target})"
    return None


def foreign_include(root: Path, path: Path, target: str):
    folder = folder_of(path.as_posix())
    if folder == "tests" or STANDARD_CPP.match(target) or C_AND_POSIX.match(target):
        return None
    for pattern, allowed in THIRD_PARTY:
        if not pattern.match(target):
            continue
        if folder not in allowed and folder.split("/")[0] not in allowed:
            return f"{path}: {folder} may not include <{target}>"
        if folder == "kernels/base":
            return f"{path}: kernels/base has no third party (<{target}>)"
        return None
    if (root / target).is_file():
        return f"{path}: <{target}> is ours; include it in quotes"
    return f"{path}: <{target}> is in no table of check_includes.py"


def heavy_headers(includes):
    """{header of ours: third-party header it brings}, from {path: [(quote, target)]}."""
    brings = {}
    grown = True
    while grown:
        grown = False
        for path, targets in includes.items():
            if path in brings or not path.endswith((".h", ".cuh")):
                continue
            for quote, target in targets:
                found = brings.get(target) if quote == '"' else HEAVY.match(target) and target
                if found:
                    brings[path] = found
                    grown = True
                    break
    return brings


def leaks(includes):
    """Uses of a heavy header by another folder than its own."""
    brings = heavy_headers(includes)
    for path, targets in includes.items():
        folder = folder_of(path)
        for quote, target in targets:
            if quote == '"' and target in brings and folder not in ("tests", folder_of(target)):
                yield f"{path}: {target} brings <{brings[target]}> into {folder}"


def violations(root: Path):
    includes = {}
    for path in sources.files(root):
        if path.suffix in sources.CPP_SUFFIXES and folder_of(path.as_posix()):
            text = (root / path).read_text(encoding="utf-8", errors="replace")
            includes[path.as_posix()] = INCLUDE.findall(text)
    found = []
    for path, targets in includes.items():
        for quote, target in targets:
            check = own_include if quote == '"' else foreign_include
            problem = check(root, Path(path), target)
            if problem:
                found.append(problem)
    users_of_faiss = [path for path, targets in includes.items() if folder_of(path) == "retrieval"
                      and any(ONE_FILE_ONLY.match(target) for _, target in targets)]
    if len(users_of_faiss) > 1:
        found.append(f"FAISS is included by more than one file: {', '.join(users_of_faiss)}")
    return found + list(leaks(includes))


if __name__ == "__main__":
    sys.exit(sources.report("includes", violations(sources.root_from_arguments())))
