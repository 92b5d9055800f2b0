#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Our engine against llama.cpp: same machine, same model, same threads, in turn; medians and bests of
# ROUNDS runs, and the ratio. llama.cpp gets the best of its settings in SETTINGS ("TYPE:FLASH").
#
#   LLAMA_CPP_DIR=~/llama.cpp tests/bench/against_llama.sh MODEL.gguf
#
# OURS: our_side, built with `ninja kvlink_our_side`. WORK: a folder for builds and files (kept).
# THREADS, ROUNDS, SIZES, SETTINGS as below. CLOCK=cpu THREADS=1 counts processor time instead: for a
# machine that has other work to do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
model=${1:?a GGUF file}
: "${LLAMA_CPP_DIR:?the folder of its sources}"
ours=${OURS:-$here/../../build/release/bin/kvlink_our_side}
work=${WORK:-${TMPDIR:-/tmp}/against_llama}
threads=${THREADS:-2}
rounds=${ROUNDS:-5}
sizes=${SIZES:-512 2048 5000}
settings=${SETTINGS:-q4_0:on q4_0:off q4_1:on q4_1:off q8_0:on q8_0:off}
mkdir -p "$work"

# AVX512-FP16 off: its path is pathological at heads of 64.
if [ ! -e "$work/llama/bin/libllama.so" ]; then
  cmake -S "$LLAMA_CPP_DIR" -B "$work/llama" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DGGML_NATIVE=ON -DGGML_AVX512_FP16=OFF -DLLAMA_CURL=OFF >"$work/cmake.log"
  ninja -C "$work/llama" bin/libllama.so >"$work/build.log"
fi
if [ ! -x "$work/llama_side" ]; then
  g++ -O2 -std=c++20 -I "$LLAMA_CPP_DIR/include" -I "$LLAMA_CPP_DIR/ggml/include" \
    "$here/llama/llama_side.cpp" -o "$work/llama_side" -L "$work/llama/bin" \
    -lllama -lggml -lggml-base -Wl,-rpath,"$work/llama/bin"
fi
for setting in $settings; do
  file=$work/$(basename "$model" .gguf).${setting%:*}.gguf
  [ -e "$file" ] || "$work/llama_side" quantize "$model" "$file" "${setting%:*}"
done

results=$work/results.txt
: >"$results"
for round in $(seq "$rounds"); do
  for n in $sizes; do
    for setting in $settings; do
      file=$work/$(basename "$model" .gguf).${setting%:*}.gguf
      state=$work/state.${setting/:/.}
      "$work/llama_side" "$file" "$threads" "${setting#*:}" prefill "$n" decode "$n" \
        save "$n" "$state" reuse "$n" "$state" | sed "s/^/llama $setting /" >>"$results"
    done
    rm -rf "$work/store"
    "$ours" "$model" "$threads" prefill "$n" decode "$n" save "$n" "$work/store" \
      reuse "$n" "$work/store" | sed 's/^/ours - /' >>"$results"
    echo "round $round, $n tokens" >&2
  done
done
rm -rf "$work/store" "$work"/state.*

python3 - "$results" <<'TABLE'
import collections
import statistics
import sys

times = collections.defaultdict(list)
for line in open(sys.argv[1]):
    side, setting, task, size, time = line.split()
    times[side, setting, task, int(size)].append(float(time))
print("| task | tokens | llama.cpp, median (best) ms | its setting | ours, median (best) ms | ratio |")
print("|---|---|---|---|---|---|")
for (side, setting, task, size), own in sorted(times.items(), key=lambda item: item[0][2:]):
    if side != "ours":
        continue
    rivals = {key[1]: values for key, values in times.items()
              if key[0] == "llama" and key[2:] == (task, size)}
    if not rivals:
        print(f"| {task} | {size} | | | {statistics.median(own):.1f} ({min(own):.1f}) | |")
        continue
    best = min(rivals, key=lambda name: statistics.median(rivals[name]))
    theirs = rivals[best]
    print(f"| {task} | {size} | {statistics.median(theirs):.1f} ({min(theirs):.1f}) | {best} | "
          f"{statistics.median(own):.1f} ({min(own):.1f}) | "
          f"{statistics.median(theirs) / statistics.median(own):.2f} |")
TABLE
