#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target of the readers of documents, or those named: run_all.sh BIN [RUNS [NAME…]]
# BIN holds the programs of the preset `fuzz`. Prints runs, runs a second, memory and the slowest
# input of each; what did harm stays in the folder it names. Ends with 1 when something did.
set -u
bin=$1
runs=${2:-1000000}
[ $# -gt 2 ] && shift 2 || set -- archive chunker csv encrypted frames mail markup office rtf
corpus=$(cd "$(dirname "$0")/corpus" && pwd)
kept=$(mktemp -d)
status=0
for name in "$@"; do
  mkdir -p "$kept/$name"
  log=$kept/$name.log
  if "$bin/${name}_fuzz" -runs="$runs" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$kept/$name-" "$kept/$name" \
    "$corpus/${name}_fuzz" >"$log" 2>&1; then
    result=sound
  else
    result="HARMED, see $log"
    status=1
  fi
  figure() { sed -n "s/^stat::$1: *//p" "$log"; }
  echo "$name: $(figure number_of_executed_units) runs, $(figure average_exec_per_sec) a second," \
    "$(figure peak_rss_mb) MB, slowest $(figure slowest_unit_time_sec) s: $result"
done
[ $status -eq 0 ] && rm -r "$kept"
exit $status
