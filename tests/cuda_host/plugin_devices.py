#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Says what devices a plugin holds code for, and fails where one that was asked for is missing.

Usage: plugin_devices.py PLUGIN [ARCHITECTURE ...], as CMake writes them: 75-real, 80-virtual, 120.
Reads the fat binaries that nvcc puts into a library, one for each source: a header, then an entry
for every device with its kind (1: PTX, 2: machine code) and its number.
"""
import struct
import sys
from pathlib import Path

MAGIC = struct.pack("<I", 0xBA55ED50)
PTX, CODE = 1, 2


def fat_binaries(data):
    """The (kind, device) pairs of every fat binary."""
    at = data.find(MAGIC)
    while at >= 0:
        _, _, header, size = struct.unpack_from("<IHHQ", data, at)
        entry, end = at + header, at + header + size
        found = set()
        while entry < end:
            kind, _, own_header, payload = struct.unpack_from("<HHIQ", data, entry)
            found.add((kind, struct.unpack_from("<I", data, entry + 28)[0]))
            entry += own_header + payload
        yield found
        at = data.find(MAGIC, end)


def wanted(architecture):
    number, _, kind = architecture.partition("-")
    kinds = {"real": [CODE], "virtual": [PTX]}.get(kind, [CODE, PTX])
    return {(k, int(number)) for k in kinds}


def main():
    binaries = list(fat_binaries(Path(sys.argv[1]).read_bytes()))
    asked = set().union(*map(wanted, sys.argv[2:]))
    in_all = set.intersection(*binaries) if binaries else set()
    for name, kind in (("machine code", CODE), ("PTX", PTX)):
        print(f"{name}:", *(f"sm_{number}" for k, number in sorted(in_all) if k == kind))
    missing = sorted(asked - in_all)
    if missing or not binaries:
        sys.exit(f"missing in one of {len(binaries)} sources: {missing}")


if __name__ == "__main__":
    main()
