#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes, licence lines, names and left-overs in the repository's own text files.

Usage: check_files.py [ROOT]
"""

import re
import statistics
import sys
from pathlib import Path

import sources

MAX_LINES = 600
MAX_MEDIAN = 200
MAX_README_LINES = 150
MAX_BYTES = 500_000  # of any file: binary material belongs elsewhere
ADAPTERS = Path("resources/adapters")  # what the program comes with, so part of the repository
MAX_ADAPTER_BYTES = 24_000_000  # of all adapters

FORBIDDEN_WORDS = ["Manager", "Helper", "Helpers", "Util", "Utils", "Misc", "Common", "Handler",
                   "Impl", "V2"]
WORDS = "|".join(FORBIDDEN_WORDS)
# A type whose name has one of the words as a camel-case part of its own.
TYPE_NAME = re.compile(
    rf"\b(?:class|struct|enum(?:\s+class)?|concept|using|namespace)\s+"
    rf"(\w*?(?<![A-Z])(?:{WORDS})(?![a-z])\w*)")
FILE_PARTS = {word.lower() for word in FORBIDDEN_WORDS} | {"base_utils", "new", "old"}

# Written in pieces, so that this file does not contain what it forbids.
LEFT_OVERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MERGE_MARKER = re.compile(r"^(<{7}|>{7}|\|{7}) ", re.MULTILINE)
# Examples may say /home/me or /home/you.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/])/(?:wo" r"rk|ro" r"ot|ho" r"me/(?!me\b|you\b)\w+|"
                          r"Us" r"ers/\w+)(?=[/\s\"'`]|$)")
TEXT_SUFFIXES = {".md", ".txt", ".cmake", ".json", ".xml", ".yml", ".in", ".desktop"}
SPDX = "SPDX-License-Identifier: Apache-2.0"


def size_problems(path, text, is_source):
    n_lines = text.count("\n")
    if is_source and n_lines > MAX_LINES:
        yield f"{path}: {n_lines} lines; the limit is {MAX_LINES}"
    if path.as_posix() == "README.md" and n_lines > MAX_README_LINES:
        yield f"{path}: {n_lines} lines; the limit is {MAX_README_LINES}"


def name_problems(path, text):
    for part in path.parts:
        for word in re.split(r"[_.\-]", part.lower()):
            if word in FILE_PARTS:
                yield f"{path}: '{word}' says where, not what"
    if path.suffix in sources.CPP_SUFFIXES:
        for name in TYPE_NAME.findall(text):
            yield f"{path}: the name {name} says where, not what"


def text_problems(path, text, is_source):
    if is_source and SPDX not in "\n".join(text.split("\n", 3)[:3]):
        yield f"{path}: no '{SPDX}' in the first lines"
    if is_source and "\r\n" in text:
        yield f"{path}: CRLF line ends"
    for number, line in enumerate(text.split("\n"), start=1):
        if is_source and LEFT_OVERS.search(line):
            yield f"{path}:{number}: left-over: {line.strip()[:80]}"
        if MERGE_MARKER.match(line):
            yield f"{path}:{number}: merge marker"
        if MACHINE_PATH.search(line):
            yield f"{path}:{number}: path of one machine: {line.strip()[:80]}"


def median_problem(line_counts):
    if line_counts and statistics.median(line_counts) > MAX_MEDIAN:
        return [f"the median of {len(line_counts)} sources is "
                f"{statistics.median(line_counts):.0f} lines; the limit is {MAX_MEDIAN}"]
    return []


def adapter_problem(root, adapters):
    n_bytes = sum((root / path).stat().st_size for path in adapters)
    if n_bytes > MAX_ADAPTER_BYTES:
        return [f"{ADAPTERS}: {n_bytes} bytes of adapters; the limit is {MAX_ADAPTER_BYTES}"]
    return []


def violations(root: Path):
    line_counts = []
    files = list(sources.files(root))
    adapters = [p for p in files if p.parent == ADAPTERS and p.suffix == ".safetensors"]
    found = adapter_problem(root, adapters)
    for path in files:
        if path in adapters:
            continue
        if (root / path).stat().st_size > MAX_BYTES:
            found.append(f"{path}: {(root / path).stat().st_size} bytes; the limit is {MAX_BYTES}")
            continue
        is_source = sources.is_source(root, path)
        if not is_source and path.suffix not in TEXT_SUFFIXES:
            found.extend(name_problems(path, ""))
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        if is_source:
            line_counts.append(text.count("\n"))
        found.extend(size_problems(path, text, is_source))
        found.extend(name_problems(path, text))
        found.extend(text_problems(path, text, is_source))
    return found + median_problem(line_counts)


if __name__ == "__main__":
    sys.exit(sources.report("files", violations(sources.root_from_arguments())))
