#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pictures of every step of a scripted run of the real window; see --help.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/screens.sh [OUTPUT-FOLDER]

Runs the window on Xvfb with the default models, at single and at double resolution: a folder is
dropped, read, asked about by keyboard, a long answer is stopped at three stages, a citation is
opened, all blocks are evicted, the question is asked again, and after a restart once more. The
adapter that comes with the program is used; the long answer is one of mode full. Every
step is a picture, light and dark, in OUTPUT-FOLDER/1x and /2x (default: build/screens). What the
pictures must show is checked; the exit status says whether all of it came true.

Environment: BUILD (build/release), KVLINK_MODELS, SCALES ("1 2"), DOCUMENTS (resources/guide).
Needs Xvfb and the target ui_screens. Says SKIP and ends with status 77 where one is missing.
HELP
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case "${1:-}" in --help | -h) usage && exit 0 ;; esac
output=${1:-$root/build/screens}
program=${BUILD:-$root/build/release}/bin/ui_screens
# shellcheck source=tests/support/virtual_screen.sh
source "$root/tests/support/virtual_screen.sh"
need_tools Xvfb "$program"
need_models

status=0
for scale in ${SCALES:-1 2}; do
  printf '\n== at %sx\n' "$scale"
  begin_screen "$((1366 * scale))x$((860 * scale))"
  export QT_SCALE_FACTOR=$scale
  for start in FIRST SECOND; do
    "$program" "$start" "$output/${scale}x" "$models" "${DOCUMENTS:-$root/resources/guide}" \
      "$scratch/library-$scale" || status=1
  done
  end_screen
done
exit "$status"
