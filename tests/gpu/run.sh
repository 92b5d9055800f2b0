#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that wants a GPU, in one call: build, conformance, golden values, sanitizer, benchmark.
set -uo pipefail

usage() {
  cat <<'HELP'
Usage: tests/gpu/run.sh [--dry-run] [--only-build] [--pack FOLDER] [--out FOLDER] [--build FOLDER]
                        [--deadline S]

Builds the headless preset with libkvlink_cuda.so for the GPU that is found, runs the op
conformance, the default model's golden values and answers, compute-sanitizer and the benchmark,
and prints one Markdown table. A step that fails is reported and the next one runs.

  --dry-run       no GPU: the plugin compiled for the host, small shapes (tries the script out)
  --only-build    stop after the build, and keep the model's part that came along
  --pack FOLDER   where part1, part2 … of tests/gpu/pack.sh lie (default: .gpu in the repository)
  --build FOLDER  where to build (default: build/headless)
  --out FOLDER    table.md, results.json and logs.tar.gz (default: $OUT, else build/gpu-results)
  --deadline S    seconds for everything (default: 570); steps that do not fit are left out
HELP
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pack=$root/.gpu
out=${OUT:-$root/build/gpu-results}
kept=${TMPDIR:-/tmp}/kvlink-gpu
build=$root/build/headless
dry=no
only_build=no
deadline=570
while [ "$#" -gt 0 ]; do
  case "$1" in
    --dry-run) dry=yes ;;
    --only-build) only_build=yes ;;
    --pack) pack=$2 && shift ;;
    --out) out=$2 && shift ;;
    --deadline) deadline=$2 && shift ;;
    --build) build=$2 && shift ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
# What is looked for by name may lie where no shell of this machine looks.
for folder in "${CUDA_HOME:-/usr/local/cuda}" /usr/local/cuda; do
  PATH=$PATH:$folder/bin:$folder/compute-sanitizer
done
PATH=$PATH:/usr/local/nvidia/bin
began=$SECONDS
failed=no
work=$kept/logs
rm -rf "$work"
mkdir -p "$out" "$work"
: >"$work/steps.tsv"
# Whatever happens, what was measured so far becomes a table; a call that is cut off leaves nothing.
# Three files: some machines send few of them back.
finish() {
  if [ "$only_build" = no ]; then
    python3 "$root/tests/gpu/report.py" "$work"
    cp "$work/table.md" "$work/results.json" "$out/"
  fi
  tar -czf "$out/logs.tar.gz" -C "$kept" logs
  echo "== in all $((SECONDS - began)) s"
}
trap finish EXIT

# step NAME LIMIT COMMAND…: runs it with a time limit, its output in a log of that name. What no
# longer fits into the time of all is left out; more time for all is more for each.
step() {
  local name=$1 limit=$2 from=$SECONDS status=0
  local left=$((deadline - (SECONDS - began)))
  shift 2
  [ "$deadline" -le 570 ] || limit=$((limit * deadline / 570))
  if [ "$left" -lt 10 ]; then
    printf '%s\tno time left\t0\n' "$name" >>"$work/steps.tsv"
    echo "== $name: no time left"
    return 1
  fi
  [ "$limit" -lt "$left" ] || limit=$left
  timeout --kill-after=5 "$limit" "$@" >"$work/$name.log" 2>&1 || status=$?
  printf '%s\t%s\t%s\n' "$name" "$status" "$((SECONDS - from))" >>"$work/steps.tsv"
  echo "== $name: status $status, $((SECONDS - from)) s"
  if [ "$status" -ne 0 ]; then
    failed=yes
    tail -n 15 "$work/$name.log"
  fi
  return "$status"
}

# skip NAME WHY: a step that cannot be done here.
skip() {
  printf '%s\tskipped: %s\t0\n' "$1" "$2" >>"$work/steps.tsv"
  echo "== $1: skipped, $2"
}

# The model's parts arrive one transfer after the other.
cp "$pack"/part*/model.* "$kept/" 2>/dev/null
for found in "$pack"/part*/deps; do
  [ -d "$found" ] && rm -rf "$kept/deps" && cp -r "$found" "$kept/deps"
done
deps=$kept/deps
export KVLINK_MODELS=$kept/models KVLINK_SOURCE_DIR=$root
[ -d "$deps/data" ] && export KVLINK_TEST_DATA=$deps/data
model=$KVLINK_MODELS/SmolLM2-135M-Instruct.Q4_1.gguf
if [ ! -f "$model" ] && [ -f "$deps/model.sha256" ]; then
  mkdir -p "$KVLINK_MODELS"
  cat "$kept"/model.[1-9] >"$model.whole" 2>/dev/null
  if [ "$(sha256sum "$model.whole" | cut -d' ' -f1)" = "$(cat "$deps/model.sha256")" ]; then
    mv "$model.whole" "$model"
    rm -f "$kept"/model.[1-9]
  else
    rm -f "$model.whole"
    echo "== the default model is not complete yet: $(ls "$kept" | tr '\n' ' ')"
  fi
fi

cmake_options=(-DCMAKE_BUILD_TYPE=Release -DKVLINK_HEADLESS=ON -DBUILD_TESTING=ON)
if [ "$dry" = yes ]; then
  arch=none
  # A bare machine has neither of what the headless preset can do without.
  cmake_options+=(-DCMAKE_DISABLE_FIND_PACKAGE_ICU=ON -DKVLINK_SENTENCEPIECE= -DKVLINK_CUDA=OFF)
else
  arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 |
    tr -d '. ')
  if [ -z "$arch" ]; then
    echo "no GPU: nvidia-smi names none; --dry-run tries the script out without one" >&2
    exit 1
  fi
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -n 1 \
    >"$work/gpu.txt"
  # The compiler there may be one that nobody has tried.
  cmake_options+=(-DKVLINK_WARNINGS_ARE_ERRORS=OFF -DKVLINK_CUDA=ON "-DKVLINK_CUDA_ARCHITECTURES=$arch-real")
fi
echo "== device: $arch"
# near_cuda PATTERN…: the folder of the first file of these names beside nvcc, else in what PyTorch
# brought along: a toolkit may lack cuBLASLt's header, or not have told the linker where it is.
near_cuda() {
  python3 - "$@" <<'PYTHON' 2>/dev/null
import glob, os, shutil, sys
nvcc = shutil.which("nvcc")
homes = [os.path.dirname(os.path.dirname(os.path.realpath(nvcc)))] if nvcc else []
homes += ["/usr/local/cuda"]
homes += [home for folder in sys.path for home in glob.glob(os.path.join(folder, "nvidia", "*"))]
places = [home + "/" + part for home in homes
          for part in ("lib64", "lib", "targets/x86_64-linux/lib",
                       "include", "targets/x86_64-linux/include")]
print(next((place for place in places for pattern in sys.argv[1:]
            if glob.glob(os.path.join(place, pattern))), ""))
PYTHON
}
if [ "$dry" = no ]; then
  blas=$(near_cuda 'libcublasLt.so.13*')
  header=$(near_cuda cublasLt.h)
  case $header in
    *-packages/*) export CPATH=${CPATH:+$CPATH:}$header ;;
  esac
  echo "== cuBLASLt: header in ${header:-no folder}, library in ${blas:-no folder}"
fi
prefix=$kept/prefix
if [ -d "$deps/googletest" ]; then
  cmake_options+=("-DCMAKE_PREFIX_PATH=$prefix;$deps")
  if [ ! -d "$prefix/lib" ]; then
    step googletest 120 bash -c "cmake -S '$deps/googletest' -B '$kept/googletest' -G Ninja \
      -DCMAKE_BUILD_TYPE=Release -DBUILD_GMOCK=OFF -DCMAKE_INSTALL_LIBDIR=lib \
      -DCMAKE_INSTALL_PREFIX='$prefix' && cmake --build '$kept/googletest' --target install"
  fi
fi
targets=(cuda_ops_test cuda_decoder_test cuda_engine_test gpu_model_test gpu_bench kvlink_cuda_host
  kvlink_fake_cublaslt)
[ "$dry" = yes ] || targets+=(kvlink_cuda)
step configure 60 cmake -S "$root" -B "$build" -G Ninja "${cmake_options[@]}"
step build 300 nice cmake --build "$build" --target "${targets[@]}" || exit 1
if [ "$only_build" = yes ]; then
  exit 0
fi

host=$build/tests/cuda_host
outside=${LD_LIBRARY_PATH:-}
if [ "$dry" = yes ]; then
  plugin=$host/libkvlink_cuda_host.so
  export KVLINK_TEST_CUBLASLT=$host/libkvlink_fake_cublaslt.so
  toy=(--toy)
else
  plugin=$build/lib/kvlink/libkvlink_cuda.so
  toy=()
  [ -n "$blas" ] && export LD_LIBRARY_PATH=$blas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
export KVLINK_TEST_CUDA_PLUGIN=$plugin
bin=$build/bin

# What the table is for comes before what takes the time that is left.
step ops 90 "$bin/cuda_ops_test"
step decoder 90 "$bin/cuda_decoder_test"
bench=("$bin/gpu_bench" "$plugin" "${toy[@]}" --folder "$kept")
# On the host the default model takes minutes.
[ -f "$model" ] && [ "$dry" = no ] && bench+=(--model "$model")
rm -f "$work/bench.json"
step bench 200 "${bench[@]}" --out "$work/bench.json"
tokens=5090
[ "$dry" = yes ] && tokens=490
# PyTorch takes the libraries that it came with.
if LD_LIBRARY_PATH=$outside timeout 60 python3 -c 'import torch' 2>/dev/null; then
  step torch 60 env LD_LIBRARY_PATH="$outside" bash -c 'python3 "$1" "$2" ${3:-} >"$0"' "$work/torch.json" \
    "$root/tests/gpu/torch_prefill.py" "$tokens" "${toy[@]}"
else
  skip torch "there is no PyTorch"
fi
step model 120 "$bin/gpu_model_test"
step engine 60 "$bin/cuda_engine_test"

# The slow tools last, over the smallest case of every op.
small='DeviceRows.*:DeviceKv.*:DeviceSample.TakesTheLowestOfTheBest:DeviceAttention.SeesByPositionNotByRow:DeviceAttention.AddsUp*:DeviceMatmul.MultipliesTilesByEveryType'
sanitizer=$(command -v compute-sanitizer)
for tool in memcheck racecheck synccheck initcheck; do
  if [ "$dry" = yes ]; then
    skip "$tool" "a dry run"
  elif [ -z "$sanitizer" ]; then
    skip "$tool" "there is no compute-sanitizer"
  else
    step "$tool" 60 "$sanitizer" --tool "$tool" --error-exitcode 9 "$bin/cuda_ops_test" \
      --gtest_filter="$small"
  fi
done
[ "$failed" = no ]
