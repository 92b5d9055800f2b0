#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No built program can reach a network: neither by its own imports nor through a library.

Usage: check_offline.py PROGRAM…

Needs readelf and nm (binutils) and ldd. A program may import none of the calls that open or
address a socket, and may load, directly or through its libraries, none that speaks to a network.
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
             for call in sorted(imported_calls(nm_output) & SOCKET_CALLS)]
    found += [f"{program.name} loads {library}"
              for library in libraries(ldd_output) if NETWORK_LIBRARIES.match(Path(library).name)]
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
    for problem in found:
        print(problem)
    print(f"offline: {len(found)} violations in {len(arguments)} programs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
