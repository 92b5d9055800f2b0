#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Time to first token, full against reposition, with the ratio per length and page cache.
set -eu
program=${1:-"$(dirname "$0")/../../build/release/bin/kvlink"}
"$program" bench ttft --tokens "${TOKENS:-500,1000,2000,4000}" --modes full,reposition \
  --repeat "${REPEAT:-5}" --json |
  python3 -c '
import json, sys
rows = json.load(sys.stdin)["results"]
time = {(r["page_cache"], r["tokens"], r["mode"]): r for r in rows}
print("cache  tokens   full (ms)   reposition (ms)   ratio   full prefill (tokens/s)")
for cache, tokens, mode in time:
    if mode != "full":
        continue
    full, reuse = time[cache, tokens, "full"], time[cache, tokens, "reposition"]
    print("%-5s %7d %11.0f %17.1f %7.1f %18.0f" % (cache, tokens, full["ttft_ms"],
          reuse["ttft_ms"], full["ttft_ms"] / reuse["ttft_ms"], full["prefill_tok_s"]))
'
