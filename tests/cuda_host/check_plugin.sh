#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The plugin must load on machines without a driver and without a CUDA toolkit, and show nothing but
# its table. Usage: check_plugin.sh NM READELF PLUGIN
set -eu

shown=$("$1" -D --defined-only "$3" | awk '{print $3}' | grep -v '^_\(init\|fini\)$' || true)
if [ "$shown" != kvlink_cuda_api ]; then
  echo "symbols that the plugin shows: $shown"
  exit 1
fi
needed=$("$2" -d "$3" | grep NEEDED)
if echo "$needed" | grep -q 'libcuda\|libcudart\|libcublas\|libnv'; then
  echo "libraries that a machine without CUDA lacks: $needed"
  exit 1
fi
