#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs, uses, upgrades and removes the packages in a clean Debian 12; see --help.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/packages_chroot.sh [--keep] [--base FOLDER] [BUILD-FOLDER]

Makes kvlink and kvlink-models with cpack out of BUILD-FOLDER (default: build/release, where the
target `programs` must be built), checks them with lintian, and tries them in a clean Debian 12:
install, read a document and ask about it as an ordinary user, open and close the window, upgrade,
remove. What the user made must outlive all of it, and removal must leave nothing else behind.

Needs root (it makes a chroot), debootstrap, lintian, and the package mirror that apt here uses.
Says SKIP and ends with status 77 where one of them is missing.

  --base FOLDER  a Debian 12 that debootstrap has made already; it is copied, not changed
  --keep         leave the chroot and the packages where they are
HELP
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
keep=no base='' build=$root/build/release
while [ "$#" -gt 0 ]; do
  case "$1" in
    --help | -h) usage && exit 0 ;;
    --keep) keep=yes ;;
    --base) base=$2 && shift ;;
    *) build=$(cd "$1" && pwd) ;;
  esac
  shift
done

skip() { echo "SKIP: $*" && exit 77; }
step() { printf '\n== %s\n' "$*"; }
wrong() { echo "packages_chroot: $*" >&2 && exit 1; }
[ "$(id -u)" -eq 0 ] || skip "only root can make a chroot"
for tool in cpack lintian dpkg-deb; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[ -n "$base" ] || command -v debootstrap >/dev/null || skip "debootstrap is not installed"
[ -x "$build/bin/kvlink-desktop" ] || skip "$build/bin/kvlink-desktop is not built"

scratch=$(mktemp -d)
clean=$scratch/debian
tidy() {
  for mounted in proc dev/shm; do umount "$clean/$mounted" 2>/dev/null || true; done
  [ "$keep" = yes ] || rm -rf "$scratch"
}
trap tidy EXIT

step "Packages"
(cd "$build" && cpack -G DEB -B "$scratch/made" >"$scratch/cpack.log") || {
  cat "$scratch/cpack.log"
  exit 1
}
mkdir "$scratch/packages"
mv "$scratch"/made/*.deb "$scratch/packages/"
(cd "$scratch/packages" && ls -l -- *.deb)

step "lintian"
# The models' package is large and of one file type; its errors count like any other's.
lintian --fail-on error --suppress-tags dir-or-file-in-opt "$scratch"/packages/*.deb

step "A clean Debian 12"
if [ -n "$base" ]; then
  cp -a "$base" "$clean"
else
  # shellcheck disable=SC2016 # apt's own placeholder
  mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 2>/dev/null | head -1)
  debootstrap --variant=minbase bookworm "$clean" "${mirror:-http://deb.debian.org/debian}" \
    >"$scratch/debootstrap.log" || { tail -5 "$scratch/debootstrap.log" && exit 1; }
fi
mount -t proc proc "$clean/proc"
mkdir -p "$clean/dev/shm"
mount -t tmpfs tmpfs "$clean/dev/shm"
cp /etc/resolv.conf "$clean/etc/resolv.conf"
cp -a "$scratch/packages" "$clean/packages"
inside() { chroot "$clean" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive "$@"; }
as_user() { inside su - ada -c "$*"; }
inside apt-get -qq update
files_before=$scratch/files-before
inside useradd --create-home ada

step "Install"
inside sh -c 'apt-get -qq install --no-install-recommends -y /packages/*.deb' >"$scratch/apt.log" 2>&1 ||
  { tail -20 "$scratch/apt.log" && exit 1; }
inside dpkg -l kvlink kvlink-models | tail -2
inside sh -c 'dpkg -L kvlink kvlink-models kvlink-ocr' | sort -u >"$files_before"

step "Read and answer"
as_user "mkdir Documents && cp /usr/share/kvlink/guide/05-*.md /usr/share/kvlink/guide/12-*.md Documents/"
as_user "kvlink add Documents" | tail -3
as_user "kvlink ask --max-tokens 24 'What is a KV cache?'" | tail -25
as_user "kvlink status --json" >"$scratch/status-1.json"

step "The window opens, and closes when it is asked to"
cat >"$clean/home/ada/window.sh" <<'WINDOW'
export QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=$HOME/runtime DBUS_SESSION_BUS_ADDRESS=disabled:
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
kvlink-desktop --measure-latency Documents/01-first-steps.md >window.log 2>&1 &
sleep 12
kill -TERM $!
wait $!
echo "status $?"
cat window.log
WINDOW
as_user "sh window.sh" | tee "$scratch/window.txt"
grep -q '^status 0$' "$scratch/window.txt" || wrong "the window did not end well"
grep -q 'event loop over' "$scratch/window.txt" || wrong "the window did not run"

step "Upgrade"
mkdir "$scratch/upgrade"
for package in "$scratch"/packages/*.deb; do
  unpacked=$scratch/upgrade/$(basename "$package" .deb)
  dpkg-deb -R "$package" "$unpacked"
  # The picture reader belongs to the program of its own version.
  sed -i 's/^Version: .*/&+next1/; s/kvlink (= \([^)]*\))/kvlink (= \1+next1)/' \
    "$unpacked/DEBIAN/control"
  dpkg-deb --root-owner-group -Znone -b "$unpacked" "$clean/packages/$(basename "$package" .deb)+next1.deb" >/dev/null
done
inside sh -c 'apt-get -qq install --no-install-recommends -y /packages/*+next1.deb' \
  >"$scratch/apt.log" 2>&1 || { tail -20 "$scratch/apt.log" && exit 1; }
inside dpkg-query -W kvlink kvlink-models
as_user "kvlink status --json" >"$scratch/status-2.json"
python3 - "$scratch/status-1.json" "$scratch/status-2.json" <<'PY'
import json, sys
before, after = (json.load(open(path)) for path in sys.argv[1:])
keep = lambda status: json.dumps(status, sort_keys=True)
n = {key: before[key] for key in before if key in ("documents", "blocks", "passages", "chunks")}
print("library before the upgrade:", n)
for key in n:
    assert before[key] == after[key], (key, before[key], after[key])
PY
as_user "kvlink ask --max-tokens 8 'What is a KV cache?'" | grep 'document tokens'

step "Remove"
inside sh -c 'apt-get -qq purge -y kvlink kvlink-models kvlink-ocr' >"$scratch/apt.log" 2>&1 ||
  { tail -20 "$scratch/apt.log" && exit 1; }
left=0
while read -r path; do
  case "$path" in */kvlink*) [ ! -e "$clean$path" ] || { echo "left behind: $path" && left=1; } ;; esac
done <"$files_before"
[ "$left" -eq 0 ] || wrong "removal left files behind"
[ -f "$clean/home/ada/.local/share/kvlink/library.db" ] || wrong "removal took the user's library"
echo "nothing is left in the system; the user's library is untouched"
[ "$keep" = no ] || echo "kept: $scratch"
