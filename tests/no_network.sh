#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs tests where there is no network at all; see --help.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/no_network.sh [BUILD-FOLDER] [CTEST ARGUMENT…]

Runs ctest in a network namespace of its own, without any interface but a loopback that is down,
so that whatever opens a connection fails. Without CTEST ARGUMENTs: the tests of the window, -L ui.

Needs unshare (util-linux) and the right to make a namespace: root, or user namespaces. Says SKIP
and ends with status 77 where that is refused.
HELP
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case "${1:-}" in --help | -h) usage && exit 0 ;; esac
build=${1:-$root/build/release}
shift || true
[ "$#" -gt 0 ] || set -- -L ui

skip() { echo "SKIP: $*" && exit 77; }
command -v unshare >/dev/null || skip "unshare is not installed"
enter=(unshare --net)
[ "$(id -u)" -eq 0 ] || enter=(unshare --net --user --map-current-user)
"${enter[@]}" true 2>/dev/null || skip "this system lets nobody make a network namespace"

# ctest writes its log beside the tests it is told of; a run around this one has its own there.
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT
printf 'subdirs("%s")\n' "$(cd "$build" && pwd)" >"$own/CTestTestfile.cmake"

# shellcheck disable=SC2016 # for the inner shell
"${enter[@]}" bash -c '
  up=$(awk "NR > 2 { sub(\":\", \"\", \$1); print \$1 }" /proc/net/dev | grep -v "^lo$" || true)
  [ -z "$up" ] || { echo "no_network: there is an interface: $up" >&2; exit 1; }
  if (exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; then
    echo "no_network: the loopback works" >&2; exit 1
  fi
  echo "No interface but a loopback that is down."
  exec ctest --test-dir "$@" --output-on-failure --no-tests=error' _ "$own" "$@"
