#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever CMake looks for is in resources/packages.txt, so that a bare machine can build it.

Usage: check_packages.py [ROOT]

A green build on a developer's machine hides a package that happens to be installed there. Packages
that only tests look for may be listed for tests; optional ones must be listed too, or be named in
OPTIONAL with the reason.
"""

import re
import sys
from pathlib import Path

import sources

DEBIAN_PACKAGE = {
    "CLI11": "libcli11-dev",
    "EXPAT": "libexpat1-dev",
    "GTest": "libgtest-dev",
    "ICU": "libicu-dev",
    "Python3": "python3",
    "SQLiteCpp": "libsqlitecpp-dev",
    "ZLIB": "zlib1g-dev",
    "faiss": "libfaiss-dev",
    "nlohmann_json": "nlohmann-json3-dev",
}
PART_OF_THE_COMPILER = {"Threads", "OpenMP"}
OPTIONAL = {
    "Qt6": "the window; the command line builds without it",
    "CUDAToolkit": "the plugin for graphics cards; everything else builds without it",
}
FIND_PACKAGE = re.compile(r"^\s*find_package\s*\(\s*(\w+)", re.MULTILINE)


def listed_packages(root: Path):
    """{package: purpose} of resources/packages.txt."""
    lines = (root / "resources" / "packages.txt").read_text().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines
            if line.strip() and not line.startswith("#")}


def violations(root: Path):
    found = []
    listed = listed_packages(root)
    for path in sources.files(root):
        if path.name != "CMakeLists.txt" and path.suffix != ".cmake":
            continue
        for name in FIND_PACKAGE.findall((root / path).read_text()):
            if name in PART_OF_THE_COMPILER or name in OPTIONAL:
                continue
            package = DEBIAN_PACKAGE.get(name)
            wanted = {"build", "models", "test"} if path.parts[0] == "tests" else {"build"}
            if package is None:
                found.append(f"{path}: {name} is in no table of check_packages.py")
            elif listed.get(package) not in wanted:
                found.append(f"{path}: {name} needs {package}, which resources/packages.txt does "
                             f"not list for {' or '.join(sorted(wanted))}")
    return found


if __name__ == "__main__":
    sys.exit(sources.report("packages", violations(sources.root_from_arguments())))
