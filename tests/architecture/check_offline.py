#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No built program can reach a network: neither by its own imports nor through a library.

Usage: check_offline.py PROGRAM…

Needs readelf and nm (binutils) and ldd. A program may import none of the calls that open or
address a socket, and may load, directly or through its libraries, none that speaks to a network.
Two exceptions: kvlink-extract loads Qt PDF and with it QtNetwork, kvlink-ocr loads Tesseract and with
it libcurl, both behind a filter of system calls that ends the process at socket()
(tests/retrieval/sandbox_test.cpp); the window may speak to a second start of itself over a local (AF_UNIX) socket, and
the sources of that program name no other address family.
"""

import re
import subprocess
import sys
from pathlib import Path

SOCKET_CALLS = {
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "recvfrom",
    "sendmsg", "recvmsg", "getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyaddr",
    "getnameinfo", "res_query", "res_search",
}
# Program → calls it may import all the same, and the one source that may name them.
LOCAL_SOCKETS = {"kvlink-desktop": {"socket", "connect", "bind", "listen", "accept4"}}
# Programs that may load such a library, because they cannot make a socket.
FILTERED_PROGRAMS = {"kvlink-extract", "kvlink-ocr"}
LOCAL_SOCKET_SOURCE = Path("ui/shell/single_instance.cpp")
OTHER_FAMILIES = re.compile(r"\b(AF|PF)_(?!UNIX\b)\w+|sockaddr_in6?\b|netinet/|\barpa/")
NETWORK_LIBRARIES = re.compile(
    r"lib(Qt\d+(Network|WebSockets|WebEngine\w*)|curl(-gnutls)?|ssl|gnutls|nghttp\d|soup|ssh2?|"
    r"resolv|zmq|grpc\w*|asio|mpi|ldap\w*)\b")


def imported_calls(nm_output: str):
    """Names of undefined dynamic symbols, without their version."""
    names = set()
    for line in nm_output.splitlines():
        parts = line.split()
        if len(parts) >= 2 and parts[-2] in ("U", "w"):
            names.add(parts[-1].split("@")[0])
    return names


def libraries(ldd_output: str):
    return [line.split()[0] for line in ldd_output.splitlines() if line.strip()]


def violations(program: Path, nm_output: str, ldd_output: str):
    found = [f"{program.name} imports {call}()"
             for call in sorted(imported_calls(nm_output) & SOCKET_CALLS -
                                LOCAL_SOCKETS.get(program.name, set()))]
    if program.name in FILTERED_PROGRAMS:
        return found
    found += [f"{program.name} loads {library}"
              for library in libraries(ldd_output) if NETWORK_LIBRARIES.match(Path(library).name)]
    return found


def source_violations(root: Path):
    """Sources of the window that name an address family other than the local one."""
    found = []
    for path in sorted([*root.glob("ui/**/*.cpp"), *root.glob("ui/**/*.h"),
                        *root.glob("app/desk/*.cpp")]):
        text = path.read_text(encoding="utf-8", errors="replace")
        relative = path.relative_to(root)
        if OTHER_FAMILIES.search(text):
            found.append(f"{relative} names an address family that is not local")
        if "sys/socket.h" in text and relative != LOCAL_SOCKET_SOURCE:
            found.append(f"{relative} includes sys/socket.h; only {LOCAL_SOCKET_SOURCE} may")
    return found


def output_of(*command) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check(program: Path):
    if not program.is_file():
        return [f"{program} was not built"]
    return violations(program, output_of("nm", "-D", "--undefined-only", str(program)),
                      output_of("ldd", str(program)))


def main(arguments) -> int:
    if not arguments:
        print(__doc__)
        return 2
    found = [problem for argument in arguments for problem in check(Path(argument))]
    found += source_violations(Path(__file__).parents[2])
    for problem in found:
        print(problem)
    print(f"offline: {len(found)} violations in {len(arguments)} programs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
