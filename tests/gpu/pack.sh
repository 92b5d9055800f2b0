#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gathers what a GPU machine without a network needs, in parts that fit a transfer of 64 MiB: the
# sources, two test libraries, golden values, and the default model in pieces.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/gpu/pack.sh [--piece MIB] [FOLDER]

Writes FOLDER (default .gpu):
  part1/    source.tar.gz (the files that git knows, as they are now), deps/ (nlohmann-json's
            headers, GoogleTest's sources, golden values) and the first piece of the default model
  part2/ …  the other pieces, one each

  --piece MIB  size of a piece of the model (default 48: two parts)

tests/gpu/README.md has the commands for the GPU machine.
HELP
}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$root/.gpu
piece=48
while [ "$#" -gt 0 ]; do
  case "$1" in
    --help | -h) usage && exit 0 ;;
    --piece) piece=$2 && shift ;;
    -*) usage >&2 && exit 2 ;;
    *) folder=$1 ;;
  esac
  shift
done

models=${KVLINK_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/kvlink/models}
model=$models/SmolLM2-135M-Instruct.Q4_1.gguf
json=$(find /usr/include /usr/local/include -maxdepth 2 -path '*/nlohmann/json.hpp' | head -n 1)
googletest=/usr/src/googletest
for needed in "$json" "$googletest/CMakeLists.txt"; do
  if [ ! -f "$needed" ]; then
    echo "missing: ${needed:-nlohmann/json.hpp}; apt-get install nlohmann-json3-dev libgtest-dev" >&2
    exit 1
  fi
done

rm -rf "$folder"
mkdir -p "$folder/part1/deps/include" "$folder/part1/deps/data/models"
cp -r "$(dirname "$json")" "$folder/part1/deps/include/"
mkdir -p "$folder/part1/deps/share/cmake/nlohmann_json"
cat >"$folder/part1/deps/share/cmake/nlohmann_json/nlohmann_jsonConfig.cmake" <<'CONFIG'
add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
target_include_directories(nlohmann_json::nlohmann_json SYSTEM
  INTERFACE ${CMAKE_CURRENT_LIST_DIR}/../../../include)
CONFIG
cat >"$folder/part1/deps/share/cmake/nlohmann_json/nlohmann_jsonConfigVersion.cmake" <<'CONFIG'
set(PACKAGE_VERSION 3.11)
set(PACKAGE_VERSION_COMPATIBLE TRUE)
CONFIG
mkdir -p "$folder/part1/deps/googletest"
cp -r "$googletest/CMakeLists.txt" "$googletest/googletest" "$folder/part1/deps/googletest/"
rm -rf "$folder/part1/deps/googletest/googletest/test" "$folder/part1/deps/googletest/googletest/samples" \
  "$folder/part1/deps/googletest/googletest/docs"
if [ -n "${KVLINK_TEST_DATA:-}" ] && [ -f "$KVLINK_TEST_DATA/models/smollm2_golden.json" ]; then
  cp "$KVLINK_TEST_DATA/models/smollm2_golden.json" "$folder/part1/deps/data/models/"
else
  echo "note: KVLINK_TEST_DATA has no smollm2_golden.json; golden values will be skipped" >&2
fi
if [ -f "$model" ]; then
  sha256sum "$model" | cut -d' ' -f1 >"$folder/part1/deps/model.sha256"
  split --bytes="${piece}M" --numeric-suffixes=1 --suffix-length=1 "$model" "$folder/model."
  for file in "$folder"/model.[1-9]; do
    mkdir -p "$folder/part${file##*.}"
    mv "$file" "$folder/part${file##*.}/"
  done
else
  echo "note: $model is not there; the default model will be skipped" >&2
fi
# Adapters are trained weights that no test on a GPU reads.
(cd "$root" && git ls-files -z --cached --others --exclude-standard |
  grep -zv '^resources/adapters/.*\.safetensors$' |
  tar --null --files-from=- --ignore-failed-read -czf "$folder/part1/source.tar.gz")
for part in "$folder"/part*; do
  size=$(find "$part" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum / 1048576) + 1 }')
  echo "$part: $size MiB"
  if [ "$size" -gt 64 ]; then
    echo "$part is larger than 64 MiB; take a smaller --piece" >&2
    exit 1
  fi
done
