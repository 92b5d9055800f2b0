#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every comparison with llama.cpp in one run, about 12 minutes on two quiet cores: the default model
# with two threads and with one, then a Llama-3.2-1B shape with random weights in Q4_0 and Q8_0.
#
#   ninja -C build/release kvlink_our_side make_random_model
#   LLAMA_CPP_DIR=~/llama.cpp RANKS=llama3.tiktoken.model tests/bench/all_against_llama.sh [MODEL.gguf]
#
# RANKS: Llama 3's vocabulary as a tiktoken file, for the 1B shape; without it that part is left out.
# BIN, WORK: folders of our programs and for llama.cpp's build and files. QUICK=1: one round of the
# smallest sizes, to see that everything works.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${BIN:-$here/../../build/release/bin}
export WORK=${WORK:-${TMPDIR:-/tmp}/against_llama} OURS=$bin/kvlink_our_side
model=${1:-${XDG_DATA_HOME:-$HOME/.local/share}/kvlink/models/SmolLM2-135M-Instruct.Q4_1.gguf}
adapter=$here/../../resources/adapters/$(basename "$model" .gguf).safetensors
threads=$(nproc)
[ "$threads" -le 2 ] || threads=2
against() { "$here/against_llama.sh" "$@"; }
rounds() { [ -n "${QUICK:-}" ] && echo 1 || echo "$1"; }
sizes() { [ -n "${QUICK:-}" ] && echo 128 || echo "$1"; }
mkdir -p "$WORK"

echo "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), load before: $(cut -d' ' -f1-3 /proc/loadavg)"
[ ! -e "$adapter" ] || export ADAPTER=$adapter
THREADS=$threads ROUNDS=$(rounds 5) SIZES=$(sizes "512 2048 5000") against "$model"
THREADS=1 ROUNDS=$(rounds 5) SIZES=$(sizes "512 2048") SETTINGS="q4_0:on q4_0:off" against "$model"
unset ADAPTER
if [ -n "${RANKS:-}" ]; then
  for type in q4_0 q8_0; do
    file=$WORK/1b.$type.gguf
    [ -e "$file" ] || "$bin/make_random_model" 1b "$file" "$type" "$RANKS"
    THREADS=$threads ROUNDS=$(rounds 5) SIZES=$(sizes 512) SETTINGS="$type:on $type:off" against "$file"
  done
  THREADS=$threads ROUNDS=1 SIZES=$(sizes 2048) SETTINGS="q4_0:on q4_0:off" against "$WORK/1b.q4_0.gguf"
fi
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
