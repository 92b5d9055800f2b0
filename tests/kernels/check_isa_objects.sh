#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Objects compiled for one instruction set must define no symbol that the linker may merge with a
# copy from baseline code: the wide copy would then run on CPUs that lack its instructions.
# Usage: check_isa_objects.sh NM OBJECT...
nm=$1
shift
[ $# -gt 0 ] || { echo "no objects given"; exit 1; }
status=0
for object in "$@"; do
  symbols=$("$nm" --defined-only -C "$object") || exit 1
  case $symbols in *kTable*|*kIntTable*|*kBf16Table*) ;; *) echo "$object: no kernel table"; status=1 ;; esac
  # W: weak function, V: weak object, u: unique. The reference to the personality is the same in
  # every object file.
  merged=$(printf '%s\n' "$symbols" | grep -E ' [WVu] ' | grep -v 'DW.ref.__gxx_personality_v0')
  if [ -n "$merged" ]; then
    printf '%s:\n%s\n' "$object" "$merged"
    status=1
  fi
done
exit $status
