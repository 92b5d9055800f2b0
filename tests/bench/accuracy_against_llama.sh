#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Accuracy of our products against llama.cpp's: KL divergence of the next token's distribution from
# that of the same weights in f32, over 2,048 tokens of passages, for each of TYPES as a file of the
# same model. The folder WORK is the one that against_llama.sh has built in.
#
#   ninja -C build/release kvlink_accuracy
#   WORK=… tests/bench/accuracy_against_llama.sh MODEL.gguf PASSAGES.jsonl.gz
#
# PASSAGES: questions with passages, as `kvlink eval` reads them. BIN: the folder of kvlink_accuracy.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
model=${1:?a GGUF file}
passages=${2:?a .jsonl.gz file}
work=${WORK:-${TMPDIR:-/tmp}/against_llama}
bin=${BIN:-$here/../../build/release/bin}
name=$(basename "$model" .gguf)
[ -x "$work/llama_side" ] || { echo "first: WORK=$work tests/bench/against_llama.sh $model" >&2; exit 1; }

python3 - "$passages" >"$work/accuracy.txt" <<'PYTHON'
import gzip
import json
import sys

seen = set()
with gzip.open(sys.argv[1], "rt", encoding="utf-8") as file:
    for line in file:
        for passage in json.loads(line)["docs"]:
            text = f"{passage['title']}\n{passage['text']}\n"
            if text not in seen and sum(map(len, seen)) < 20000:
                seen.add(text)
                print(text)
PYTHON
"$bin/kvlink_accuracy" ids "$model" "$work/accuracy.txt" "$work/accuracy.ids"
for type in ${TYPES:-q4_1 q4_0 q8_0}; do
  file=$work/$name.$type.gguf
  [ -e "$file" ] || "$work/llama_side" quantize "$model" "$file" "$type"
  "$work/llama_side" logits "$file" "${THREADS:-2}" "$work/accuracy.ids" "$work/llama.cpp"
  echo "$name, $type:"
  (cd "$work" && "$bin/kvlink_accuracy" compare "$file" accuracy.ids llama.cpp)
  rm -f "$work/llama.cpp"
done
