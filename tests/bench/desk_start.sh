#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long kvlink-desktop takes to a window that can be typed into, and its memory then.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/bench/desk_start.sh [DATA-FOLDER]

Starts kvlink-desktop REPEAT times under Xvfb on a library (default: an empty one), and prints the
milliseconds from the start of the process to its window on the screen, the processor time it had
used by then, and its resident memory once the model is loaded. The first start warms the page cache
and is left out.

Environment: BUILD (build/release), REPEAT (5), KVLINK_MODELS. Needs Xvfb, xdotool.
HELP
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case "${1:-}" in --help | -h) usage && exit 0 ;; esac
program=${BUILD:-$root/build/release}/bin/kvlink-desktop
# shellcheck source=tests/support/virtual_screen.sh
source "$root/tests/support/virtual_screen.sh"
need_tools Xvfb xdotool "$program"
need_models
begin_screen 1400x900

ticks=$(getconf CLK_TCK)
for run in $(seq 0 "${REPEAT:-5}"); do
  begin=$(date +%s%N)
  "$program" --data-dir "${1:-$scratch/library}" --models-dir "$models" 2>/dev/null &
  window=$!
  until xdotool search --onlyvisible --name KVLink >/dev/null 2>&1; do sleep 0.005; done
  shown=$((($(date +%s%N) - begin) / 1000000))
  used=$(awk -v hz="$ticks" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$window/stat")
  sleep "${SETTLE:-3}"
  memory=$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$window/status")
  kill -TERM "$window"
  wait "$window" || true
  window=''
  [ "$run" -eq 0 ] || echo "window after $shown ms ($used ms of processor time), $memory MB resident"
done
