#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Passes ctest's output through and puts a summary of skipped GoogleTest cases before its last block.

Usage: ctest … | sum_up_skips.py LastTest.log

Reads the log of the run for the cases' own lines, because ctest shows a passing program's output
nowhere else. Prints the reason of every skipped case, grouped, and of every skipped program; then ctest's closing
lines.
"""

import re
import sys
from collections import defaultdict

CLOSING = re.compile(r"^\d+% tests passed")
RAN = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+) \(\d+ ms\)")
STARTED = re.compile(r"^\[ RUN +\] (\S+)")
SKIPPED_PROGRAM = re.compile(r"^ *\d+/\d+ Test +#\d+: (\S+) \.*\*\*\*Skipped")
TESTING = re.compile(r"^\d+/\d+ Testing: (\S+)$")
SKIP_PLACE = re.compile(r"^\S+:\d+: Skipped$")


def skipped_cases(lines):
    """(number of cases that ran, {reason: [case]}) from the lines of a ctest log."""
    n_ran = 0
    skipped = defaultdict(list)
    reason = []
    in_reason = False
    for line in lines:
        line = line.rstrip("\n")
        result = RAN.match(line)
        if STARTED.match(line):
            reason, in_reason = [], False
        elif SKIP_PLACE.match(line):
            in_reason = True
        elif result:
            if result.group(1) == "SKIPPED":
                skipped[" ".join(reason).strip() or "no reason given"].append(result.group(2))
            else:
                n_ran += 1
            reason, in_reason = [], False
        elif in_reason:
            reason.append(line.strip())
    return n_ran, dict(skipped)


def skipped_programs(ctest_lines, log_lines):
    """[(program, first line of its output)] of the tests that ctest itself calls skipped."""
    names = {match.group(1) for match in map(SKIPPED_PROGRAM.match, ctest_lines) if match}
    reasons = {name: "no reason given" for name in names}
    name, state = None, None
    for line in (line.rstrip("\n") for line in log_lines):
        started = TESTING.match(line)
        if started:
            name, state = started.group(1), "header"
        elif line == "Output:":
            state = "output"
        elif state == "output" and line.strip("-"):
            if name in names and line != "<end of output>":
                reasons[name] = line.strip()
            state = "done"
    return sorted(reasons.items())


def summary(n_ran, skipped, programs):
    n_skipped = sum(len(cases) for cases in skipped.values())
    lines = [f"Programs skipped: {name}, because: {reason}" for name, reason in programs]
    lines.append(f"GoogleTest cases: {n_ran} ran, {n_skipped} skipped")
    for reason, cases in sorted(skipped.items()):
        lines.append(f"  skipped {len(cases)}, because: {reason}")
        lines.extend(f"    {case}" for case in cases)
    return "\n".join(lines)


def main(log_path):
    closing = []
    shown = []
    for line in sys.stdin:
        if closing or CLOSING.match(line):
            closing.append(line)
        else:
            shown.append(line)
            sys.stdout.write(line)
            sys.stdout.flush()
    try:
        with open(log_path, encoding="utf-8", errors="replace") as log_file:
            log = log_file.readlines()
        print(summary(*skipped_cases(log), skipped_programs(shown, log)))
    except OSError as problem:
        print(f"GoogleTest cases: unknown, the log cannot be read ({problem})")
    print()
    sys.stdout.write("".join(closing))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
