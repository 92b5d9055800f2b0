# SPDX-License-Identifier: Apache-2.0
"""The table of against_llama.sh, from its lines "side setting task tokens milliseconds" (task memory: MB)."""

import collections
import statistics
import sys

NAMES = {"prefill": "prefill", "decode": "decode, per token", "reuse": "40 new tokens on cached ones, warm",
         "cold": "the same, cold page cache", "memory": "peak memory, MB"}


def read(path):
    times = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            side, setting, task, size, time = line.split()
            times[side, setting, task, int(size)].append(float(time))
    return times


def main():
    times = read(sys.argv[1])
    ours = {key[2:]: statistics.median(values) for key, values in times.items() if key[0] == "ours"}
    theirs = {}
    print("| task | tokens | llama.cpp, median (best) | its setting | runs | ours, median (best) | ratio |")
    print("|---|---|---|---|---|---|---|")
    for task, name in NAMES.items():
        for size in sorted({key[1] for key in ours if key[0] == task}):
            rivals = {key[1]: values for key, values in times.items()
                      if key[0] == "llama" and key[2:] == (task, size)}
            # A setting that went out after the first round is not the fastest by one lucky run.
            most = max(len(values) for values in rivals.values())
            finalists = {setting: values for setting, values in rivals.items() if len(values) == most}
            best = min(finalists, key=lambda setting: statistics.median(finalists[setting]))
            their, own = finalists[best], times["ours", "-", task, size]
            theirs[task, size] = statistics.median(their)
            print(f"| {name} | {size:,} | {theirs[task, size]:.1f} ({min(their):.1f}) | {best} | {len(their)}, "
                  f"{len(own)} | {ours[task, size]:.1f} ({min(own):.1f}) | "
                  f"{theirs[task, size] / ours[task, size]:.2f} |")
    for (task, size), time in sorted(theirs.items()):
        if task != "prefill":
            continue
        for reuse in ("reuse", "link"):
            if (reuse, size) in ours:
                print(f"| its prefill ÷ our {reuse} | {size:,} | {time:.1f} | | | {ours[reuse, size]:.1f} | "
                      f"{time / ours[reuse, size]:.0f} |")
        print(f"| our prefill ÷ our encoding of 200-token blocks | {size:,} | | | | "
              f"{ours[task, size]:.1f} ÷ {ours['save', size]:.1f} | {ours[task, size] / ours['save', size]:.2f} |")


if __name__ == "__main__":
    main()
