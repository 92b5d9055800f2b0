# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What ./run and ./test do before their own work: packages, models, configure, build. Sourced by
# both. Every step says one line and is skipped when done.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

step() { printf '\n== %s\n' "$*"; }
note() { printf '%s\n' "$*"; }
stop() {
  trap - EXIT
  printf '\n%s: %s\n' "${command_name:-$0}" "$1" >&2
  exit "${2:-1}"
}

# An interruption at any point is safe; say so. Usage: explain_interruptions ./run
explain_interruptions() {
  command_name=$1
  trap on_interruption INT TERM HUP
  trap on_exit EXIT
}
on_interruption() {
  trap - EXIT
  printf '\n%s: interrupted. Run %s again: it goes on where it stopped.\n' \
    "$command_name" "$command_name" >&2
  exit 130
}
on_exit() {
  local status=$?
  if [ "$status" -ne 0 ]; then
    printf '\n%s: stopped with status %s while %s\n' "$command_name" "$status" "$current_step" >&2
  fi
}
current_step="starting"

# Names in resources/packages.txt that are wanted for any of the purposes given.
listed_packages() {
  local purposes=" $* " name purpose _
  while read -r name purpose _; do
    case "$name" in '' | '#'*) continue ;; esac
    case "$purposes" in *" $purpose "*) printf '%s\n' "$name" ;; esac
  done <"$root/resources/packages.txt"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

can_be_root() {
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo >/dev/null || return 1
  [ -t 0 ] || sudo -n true 2>/dev/null
}

# Usage: ensure_packages PURPOSE… ; makes no network call when nothing is missing.
ensure_packages() {
  current_step="installing packages"
  local name missing=()
  if ! command -v dpkg-query >/dev/null; then
    note "Packages: this system has no dpkg; taking for granted what these Debian packages hold:"
    listed_packages "$@" | paste -sd ' '
    return 0
  fi
  while read -r name; do
    is_installed "$name" || missing+=("$name")
  done < <(listed_packages "$@")
  if [ "${#missing[@]}" -eq 0 ]; then
    note "Packages: all here"
    return 0
  fi
  step "Packages: ${#missing[@]} to install from Debian"
  for name in "${missing[@]}"; do
    grep "^$name " "$root/resources/packages.txt" | sed -E 's/^([^ ]+) +[^ ]+ +/  \1: /'
  done
  if ! can_be_root; then
    stop "installing packages needs root, and this account is not root and cannot use sudo.
Ask an administrator to run
  apt-get update && apt-get install --no-install-recommends ${missing[*]}
and start this again; or, where you brought these tools yourself, add --no-install."
  fi
  install_packages "${missing[@]}"
}

install_packages() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  # A run that was interrupted inside dpkg leaves packages to configure.
  if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
    note "Finishing an interrupted installation first"
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a
  fi
  as_root "${apt[@]}" update ||
    stop "apt-get update failed (its words are above). Check the connection and start this again."
  as_root "${apt[@]}" install -y --no-install-recommends --fix-broken "$@" ||
    stop "apt-get install failed (its words are above). Start this again once that is solved."
}

# The system's python3: the one python3-pip belongs to.
python_command() {
  if [ -x /usr/bin/python3 ]; then
    echo /usr/bin/python3
  else
    command -v python3 || stop "python3 is missing; install it and start this again."
  fi
}

ensure_models() {
  current_step="fetching the models"
  "$(python_command)" "$root/resources/fetch_models.py" ||
    stop "the default models are not complete (see above)."
}

# Parallel compilers: one a core, and no more than memory holds at 1.5 GB each.
build_jobs() {
  local by_cores by_memory
  by_cores=$(nproc)
  by_memory=$(awk '/^MemAvailable:/ {print int($2 / 1500000)}' /proc/meminfo)
  if [ "${by_memory:-1}" -lt 1 ]; then by_memory=1; fi
  echo $((by_cores < by_memory ? by_cores : by_memory))
}

cache_entry() { # cache_entry FOLDER NAME
  sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt" 2>/dev/null || true
}

# Usage: ensure_configured PRESET ON|OFF (tests). Ninja re-runs CMake by itself when files change.
ensure_configured() {
  current_step="configuring the build"
  local folder="$root/build/$1" fresh=()
  if [ -f "$folder/CMakeCache.txt" ] &&
    [ "$(cache_entry "$folder" CMAKE_HOME_DIRECTORY)" != "$root" ]; then
    note "Build: this folder was moved; configuring anew"
    fresh=(--fresh)
  elif [ -f "$folder/build.ninja" ] && [ ! "$root/CMakePresets.json" -nt "$folder/build.ninja" ] &&
    { [ "$2" = OFF ] || [ "$(cache_entry "$folder" BUILD_TESTING)" = ON ]; }; then
    return 0
  fi
  step "Build: configuring $1"
  # Programs alone are wanted only in a folder that has no tests configured yet.
  local testing=$2
  if [ "$(cache_entry "$folder" BUILD_TESTING)" = ON ]; then testing=ON; fi
  (cd "$root" && cmake "${fresh[@]}" --preset "$1" -DBUILD_TESTING="$testing")
}

# Usage: build PRESET [TARGET…]
build() {
  current_step="building"
  local preset=$1 targets=()
  shift
  if [ "$#" -gt 0 ]; then targets=(--target "$@"); fi
  step "Build: $preset (nothing to do when nothing changed)"
  (cd "$root" && NINJA_STATUS='[%f/%t, %es] ' \
    cmake --build --preset "$preset" -j "$(build_jobs)" "${targets[@]}")
}
