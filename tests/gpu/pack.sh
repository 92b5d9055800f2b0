#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gathers what a GPU machine without a network needs beside the repository, in pieces that fit a
# transfer of 64 MiB: two test libraries, golden values, and the default model in parts.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/gpu/pack.sh [FOLDER]

Writes FOLDER (default .gpu):
  deps/     nlohmann-json's headers, GoogleTest's sources, golden values (about 5 MB)
  part1/    first part of the default model's file, 50 MiB
  part2/    the rest
Then send the repository with FOLDER/deps and FOLDER/part1 in one transfer and FOLDER/part2 in
another, and run tests/gpu/run.sh there after each (tests/gpu/README.md has the two commands).
HELP
}
case "${1:-}" in
  --help | -h) usage && exit 0 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-$root/.gpu}
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
mkdir -p "$folder/deps/include" "$folder/deps/data/models" "$folder/part1" "$folder/part2"
cp -r "$(dirname "$json")" "$folder/deps/include/"
mkdir -p "$folder/deps/share/cmake/nlohmann_json"
cat >"$folder/deps/share/cmake/nlohmann_json/nlohmann_jsonConfig.cmake" <<'CONFIG'
add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
target_include_directories(nlohmann_json::nlohmann_json SYSTEM
  INTERFACE ${CMAKE_CURRENT_LIST_DIR}/../../../include)
CONFIG
cat >"$folder/deps/share/cmake/nlohmann_json/nlohmann_jsonConfigVersion.cmake" <<'CONFIG'
set(PACKAGE_VERSION 3.11)
set(PACKAGE_VERSION_COMPATIBLE TRUE)
CONFIG
mkdir -p "$folder/deps/googletest"
cp -r "$googletest/CMakeLists.txt" "$googletest/googletest" "$folder/deps/googletest/"
rm -rf "$folder/deps/googletest/googletest/test" "$folder/deps/googletest/googletest/samples" \
  "$folder/deps/googletest/googletest/docs"
if [ -n "${KVLINK_TEST_DATA:-}" ] && [ -f "$KVLINK_TEST_DATA/models/smollm2_golden.json" ]; then
  cp "$KVLINK_TEST_DATA/models/smollm2_golden.json" "$folder/deps/data/models/"
else
  echo "note: KVLINK_TEST_DATA has no smollm2_golden.json; golden values will be skipped" >&2
fi
if [ -f "$model" ]; then
  sha256sum "$model" | cut -d' ' -f1 >"$folder/deps/model.sha256"
  split --bytes=50M --numeric-suffixes=1 --suffix-length=1 "$model" "$folder/model."
  mv "$folder/model.1" "$folder/part1/"
  mv "$folder"/model.[2-9] "$folder/part2/"
else
  echo "note: $model is not there; the default model will be skipped" >&2
fi
du -sh "$folder"/*
for part in "$folder/part1" "$folder/part2"; do
  if [ "$(du -sm "$part" | cut -f1)" -gt 52 ]; then
    echo "$part is larger than 52 MiB: the model takes more than two transfers" >&2
    exit 1
  fi
done
