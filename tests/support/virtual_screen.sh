# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For scripts that run the real window: a scratch folder with the window's own folders in it, and a
# screen that nobody sees. Sourced; whatever the script leaves behind goes when it ends.

scratch=$(mktemp -d)
x_server=''
window='' # process to end with the script; empty while none runs

end_screen() {
  [ -z "$x_server" ] || kill "$x_server" 2>/dev/null || true
  [ -z "$x_server" ] || wait "$x_server" 2>/dev/null || true
  x_server=''
}

tidy() {
  [ -z "$window" ] || kill "$window" 2>/dev/null || true
  end_screen
  rm -rf "$scratch"
}
trap tidy EXIT

export XDG_RUNTIME_DIR=$scratch/runtime XDG_CONFIG_HOME=$scratch/config LC_ALL=C.UTF-8
export QT_QPA_PLATFORM=xcb DBUS_SESSION_BUS_ADDRESS=disabled:
mkdir -m 700 "$XDG_RUNTIME_DIR"

begin_screen() { # WIDTHxHEIGHT
  : >"$scratch/display"
  Xvfb -displayfd 3 -screen 0 "$1x24" -nolisten tcp 3>"$scratch/display" 2>"$scratch/xvfb.log" &
  x_server=$!
  for _ in $(seq 100); do [ -s "$scratch/display" ] || sleep 0.1; done
  [ -s "$scratch/display" ] || { cat "$scratch/xvfb.log" >&2 && return 1; }
  DISPLAY=:$(cat "$scratch/display")
  export DISPLAY
}

# The models of ./run, or those that the environment names.
models=${KVLINK_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/kvlink/models}

skip() { echo "SKIP: $*" && exit 77; }
need_tools() { # TOOL…
  local tool
  for tool in "$@"; do command -v "$tool" >/dev/null || skip "$tool is not there"; done
}
need_models() { [ -d "$models" ] || skip "the default models are not fetched (./run)"; }
