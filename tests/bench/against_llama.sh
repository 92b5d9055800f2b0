#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Our engine against llama.cpp: same machine, same model, same threads, in turn; medians and bests of
# ROUNDS runs, and the ratios. llama.cpp gets the best of its settings in SETTINGS ("TYPE:FLASH"): all
# of them run in the first round, and in later ones those within 25 % of the fastest at some task.
#
#   LLAMA_CPP_DIR=~/llama.cpp tests/bench/against_llama.sh MODEL.gguf
#
# OURS: our_side, built with `ninja kvlink_our_side`. WORK: a folder for builds and files (kept).
# ADAPTER: a link adapter for the model: adds its link tokens to the passages of task `link`.
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
name=$(basename "$model" .gguf)
mkdir -p "$work"

# AVX512-FP16 off: its path is pathological at heads of 64.
if [ ! -e "$work/llama/bin/libllama.so" ]; then
  cmake -S "$LLAMA_CPP_DIR" -B "$work/llama" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DGGML_NATIVE=ON -DGGML_AVX512_FP16=OFF -DLLAMA_CURL=OFF >"$work/cmake.log"
  ninja -C "$work/llama" bin/libllama.so >"$work/build.log"
fi
if [ "$here/llama/llama_side.cpp" -nt "$work/llama_side" ]; then
  g++ -O2 -std=c++20 -I "$LLAMA_CPP_DIR/include" -I "$LLAMA_CPP_DIR/ggml/include" \
    "$here/llama/llama_side.cpp" -o "$work/llama_side" -L "$work/llama/bin" \
    -lllama -lggml -lggml-base -Wl,-rpath,"$work/llama/bin"
fi
file_of() { echo "$work/$name.${1%:*}.gguf"; }
for setting in $settings; do
  file=$(file_of "$setting")
  [ -e "$file" ] && continue
  case ${name,,} in
    *"${setting%:*}") ln -s "$(realpath "$model")" "$file" ;;
    *) "$work/llama_side" quantize "$model" "$file" "${setting%:*}" ;;
  esac
done

results=$work/results.txt
: >"$results"
link=()
run_llama() {  # SETTING SIZE
  local state=$work/state.${1/:/.}
  "$work/llama_side" "$(file_of "$1")" "$threads" "${1#*:}" prefill "$2" decode "$2" \
    save "$2" "$state" reuse "$2" "$state" cold "$2" "$state" | sed "s/^/llama $1 /" >>"$results"
  rm -f "$state"
}
run_ours() {  # SIZE
  rm -rf "$work/store"
  [ -z "${ADAPTER:-}" ] || link=(link "$1" "$work/store")
  "$ours" "$model" "$threads" prefill "$1" decode "$1" save "$1" "$work/store" \
    reuse "$1" "$work/store" reuse "$1" "$work/store" "${link[@]}" cold "$1" "$work/store" |
    sed 's/^/ours - /' >>"$results"
  rm -rf "$work/store"
}
# Settings worth another round at a size, by the first round alone: who is chosen stays, so that a slow
# run in a later round costs nobody the rest.
finalists() {
  awk -v size="$1" '$1 == "llama" && $4 == size {
      time[$2, $3] = $5; names[$2]; tasks[$3]
      if (!($3 in least) || $5 < least[$3]) least[$3] = $5
    }
    END { for (n in names) for (t in tasks) if (time[n, t] <= 1.25 * least[t]) { print n; break } }
  ' "$work/first_round.txt"
}
for round in $(seq "$rounds"); do
  for n in $sizes; do
    chosen=$settings
    [ "$round" = 1 ] || chosen=$(finalists "$n")
    for setting in $chosen; do run_llama "$setting" "$n"; done
    run_ours "$n"
    echo "round $round, $n tokens" >&2
  done
  [ "$round" != 1 ] || cp "$results" "$work/first_round.txt"
done
# Megabytes resident at most, with room for what is there and no more.
n=${sizes##* }
for setting in $settings; do
  CONTEXT=$(((n + 319) / 256 * 256)) "$work/llama_side" "$(file_of "$setting")" "$threads" \
    "${setting#*:}" prefill "$n" decode "$n" memory "$n" | sed -n "s/^memory/llama $setting memory/p" >>"$results"
done
"$ours" "$model" "$threads" prefill "$n" decode "$n" memory "$n" |
  sed -n 's/^memory/ours - memory/p' >>"$results"

echo "$name, $threads thread(s), $rounds round(s), ${CLOCK:-wall} time"
python3 "$here/llama/table.py" "$results"
