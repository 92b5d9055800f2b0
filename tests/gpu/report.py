#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One Markdown table and one JSON file from what tests/gpu/run.sh left in a folder.

Usage: report.py FOLDER
"""
import datetime
import json
import re
import sys
from pathlib import Path

GPU_HOUR_DOLLARS = 2.00  # what the cost row assumes; the paper's A100 comes to 1.79


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def ms(entry):
    return entry.get("ms") if isinstance(entry, dict) else None


def number(value, digits=1):
    return "not measured" if value is None else f"{value:.{digits}f}"


def at_most(value, bar):
    return "not measured" if value is None else ("met" if value <= bar else "missed")


def at_least(value, bar):
    return "not measured" if value is None else ("met" if value >= bar else "missed")


def ratio(a, b):
    return a / b if a and b else None


def equality_row(folder, steps):
    """How many answers were the CPU's; a difference at a sure token is a failed step."""
    log = folder / "model.log"
    found = re.search(r"equal answers: (\d+) of (\d+)", log.read_text()) if log.exists() else None
    status = next((s[1] for s in steps if s[0] == "model"), None)
    verdict = "not measured" if not found else ("met" if status == "0" else "missed")
    return ("answers equal to the CPU's in f32 (greedy, default model)",
            f"{found[1]} of {found[2]}" if found else "not measured",
            "all, or first difference at a small margin", "", verdict)


def rows(bench, torch, equality):
    def row(name, value, unit, bar, goal, verdict):
        shown = number(value, 2 if unit == "" else 1)
        return (name, shown if value is None else f"{shown} {unit}".strip(), bar, goal, verdict)

    copy_rate = bench.get("ceilings", {}).get("device_copy_gb_per_s")

    def bandwidth(entry):
        if not entry or not copy_rate:
            return None
        return entry["weight_bytes"] / entry["ms"] / 1e6 / copy_rate

    for dtype, bar, goal in (("q8", 20, 8), ("f16", 25, 14)):
        value = ms(bench.get(f"ttft_pinned_{dtype}"))
        yield row(f"TTFT, {dtype} blocks in pinned memory", value, "ms", f"≤ {bar} ms",
                  f"≤ {goal} ms", at_most(value, bar))
    for dtype in ("q8", "f16"):
        value = ms(bench.get(f"ttft_pageable_{dtype}"))
        yield row(f"TTFT, {dtype} blocks in memory that is not pinned", value, "ms", "", "",
                  "reported" if value else "not measured")
    value = ms(bench.get("ttft_device_f16"))
    yield row("TTFT, blocks on the device", value, "ms", "≤ 12 ms", "≤ 5 (H200) / 7 (H100) ms",
              at_most(value, 12))
    for state in ("cold", "warm"):
        for dtype in ("q8", "f16"):
            entry = bench.get(f"ttft_disk_{state}_{dtype}", {})
            value = ms(entry)
            rates = ", ".join(f"{stage} {number(entry.get(f'{stage}_gb_per_s'), 2)}"
                              for stage in ("read", "copy", "rotate"))
            disk = bench.get(f"disk_gb_per_s_{dtype}")
            share = ratio(entry.get("read_gb_per_s"), disk)
            goal = "" if state == "warm" else (
                f"≥ 80 % of the disk's {number(disk, 2)} GB/s: "
                + ("not measured" if share is None else f"{share * 100:.0f} %"))
            yield row(f"TTFT, {dtype} blocks on disk, {state} page cache (GB/s: {rates})", value,
                      "ms", "reported", goal, "reported" if value else "not measured")
    value = ratio(ms(torch), ms(bench.get("prefill_full")))
    theirs = f"{number(ms(torch))} ms" if torch else "there is no figure"
    yield row(f"speed of full prefill ÷ PyTorch's ({theirs})", value, "", "≥ 0.7", "≥ 1.0",
              at_least(value, 0.7))
    lengths = bench.get("prefill_by_length", {})
    for length in sorted(lengths or ["1000", "2000", "3000", "4000", "5000"], key=int):
        reuse = ms(bench.get("ttft_by_length", {}).get(length))
        value = ratio(ms(lengths.get(length)), reuse)
        last = not lengths and length == "5000" or bool(lengths) and length == max(lengths, key=int)
        yield row(f"TTFT full ÷ reuse at {length} tokens", value, "", "≥ 20" if last else "",
                  "≥ 40" if last else "",
                  at_least(value, 20) if last or value is None else "reported")
    for name, key in (("bf16", "decode_bf16"), ("Q4_0", "decode_q4_0")):
        value = bandwidth(bench.get(key))
        yield row(f"decode, {name} weights, share of a device copy's bandwidth "
                  f"({number(ms(bench.get(key)), 2)} ms a token)", value, "", "≥ 0.65", "≥ 0.85",
                  at_least(value, 0.65))
    for dtype in ("f16", "q8"):
        value = ratio(ms(bench.get("prefill_of_encode")), ms(bench.get(f"encode_{dtype}")))
        yield row(f"KV precompute into {dtype} blocks, tokens/s ÷ own prefill", value, "", "≥ 0.9",
                  "≥ 1", at_least(value, 0.9))
    value = ms(bench.get("default_ttft_pinned"))
    yield row("default model: TTFT, 2,000 tokens, pinned", value, "ms", "≤ 6 ms", "≤ 2.5 ms",
              at_most(value, 6))
    yield equality
    for name, key in (("standard decoding", "prefill_full"), ("reuse, pinned q8", "ttft_pinned_q8")):
        value = ms(bench.get(key))
        cost = None if value is None else value / 3.6e6 * GPU_HOUR_DOLLARS * 1e6
        yield (f"cost per million requests, {name}, first token only",
               "not measured" if cost is None else f"${cost:.0f}", "", "",
               f"at ${GPU_HOUR_DOLLARS:.2f} per GPU-hour; the paper: $440 → $16")


def main():
    folder = Path(sys.argv[1])
    bench = read_json(folder / "bench.json")
    torch = read_json(folder / "torch.json")
    steps = [line.split("\t") for line in (folder / "steps.tsv").read_text().splitlines()]
    gpu = (folder / "gpu.txt").read_text().strip() if (folder / "gpu.txt").exists() else \
        bench.get("gpu", "no GPU")
    date = datetime.date.today().isoformat()
    table = list(rows(bench, torch, equality_row(folder, steps)))
    if "host shim" in gpu:
        date += " · a dry run without a GPU: its times and verdicts mean nothing"
    lines = [f"GPU: {gpu} · {bench.get('device', '')} · {date}", ""]
    lines += ["| check | status | seconds |", "|---|---|---|"]
    lines += [f"| {name} | {'passed' if status == '0' else status} | {seconds} |"
              for name, status, seconds in steps]
    lines += ["", "| measured | value | bar | goal | verdict |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(cells)} |" for cells in table]
    if "error" in bench:
        lines += ["", f"The benchmark stopped early: {bench['error']}"]
    text = "\n".join(lines) + "\n"
    (folder / "table.md").write_text(text)
    (folder / "results.json").write_text(json.dumps(
        {"gpu": gpu, "date": date, "steps": steps, "bench": bench, "torch": torch,
         "table": table}, indent=1))
    print(text)


if __name__ == "__main__":
    main()
