#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A whole session of the real window creates no socket of the internet; see --help.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/offline_session.sh [BUILD-FOLDER]

Runs kvlink-desktop on Xvfb under `strace -f -e trace=network`: files are handed to it and read, a
question is typed and answered, every page is opened, a second start hands over another file, and
the window is closed. No AF_INET, AF_INET6, AF_NETLINK or AF_PACKET socket may have been created.

Needs strace, Xvfb, xdotool, python3 and the default models. Says SKIP and ends with status 77
where one of them is missing.
HELP
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case "${1:-}" in --help | -h) usage && exit 0 ;; esac
program=${1:-$root/build/release}/bin/kvlink-desktop
# shellcheck source=tests/support/virtual_screen.sh
source "$root/tests/support/virtual_screen.sh"
need_tools strace Xvfb xdotool python3 "$program"
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
need_models
export DBUS_SESSION_BUS_ADDRESS=unix:path=$scratch/no-bus # an address, so that it is tried
export ASAN_OPTIONS=detect_leaks=0 # a sanitised build cannot search for leaks beneath a tracer
begin_screen 1366x860

library=$scratch/library
count() { # SQL: one number of the library, 0 while there is none
  python3 - "$library/library.db" "$1" <<'PY' 2>/dev/null || echo 0
import sqlite3, sys
print(sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute(sys.argv[2]).fetchone()[0])
PY
}
await() { # NUMBER SQL
  for _ in $(seq 400); do
    [ "$(count "$2")" -lt "$1" ] || return 0
    sleep 0.25
  done
  echo "offline_session: waited too long for: $2" >&2
  exit 1
}
traced() { # NAME FILE…
  exec strace -f --seccomp-bpf -qq -e trace=network -o "$scratch/trace-$1.txt" \
    "$program" --data-dir "$library" --models-dir "$models" "${@:2}" 2>"$scratch/err-$1.txt"
}

traced first "$root/resources/guide/01-first-steps.md" "$root/resources/guide/05-kv-caches.md" &
window=$!
handle=$(timeout 60 xdotool search --sync --onlyvisible --name KVLink | head -1)
xdotool windowfocus --sync "$handle"
await 2 "SELECT count(*) FROM documents"
xdotool key ctrl+l
xdotool type --delay 30 "What is a KV cache?"
xdotool key Return
await 1 "SELECT count(*) FROM turns"
for keys in ctrl+2 ctrl+3 ctrl+4 ctrl+comma ctrl+k Escape F1 Escape ctrl+l; do
  xdotool key "$keys"
  sleep 0.3
done
(traced second "$root/resources/guide/12-document-formats.md")
await 3 "SELECT count(*) FROM documents"
kill -TERM "$(pgrep -P "$window")" # not the tracer, which hands no signal on
wait "$window" || true
window=''

cat "$scratch"/trace-*.txt >"$scratch/trace.txt"
n_sockets=$(grep -c 'socket(AF_' "$scratch/trace.txt" || true)
if grep -E 'socket\((AF_INET|AF_INET6|AF_NETLINK|AF_PACKET)' "$scratch/trace.txt"; then
  echo "offline_session: the window created a socket of the internet" >&2
  exit 1
fi
[ "$n_sockets" -gt 0 ] || { echo "offline_session: the trace shows no socket at all" >&2 && exit 1; }
echo "$n_sockets sockets, all of them local; documents: $(count 'SELECT count(*) FROM documents')," \
  "answers: $(count 'SELECT count(*) FROM turns')"
