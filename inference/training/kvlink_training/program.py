# SPDX-License-Identifier: Apache-2.0
"""The app's own program as a child: it says what a model is, and writes ids as the app would."""

from __future__ import annotations

import json
import subprocess
import weakref
from pathlib import Path


class ProgramError(ValueError):
    """The program refused the model or a request; the message is its own."""


class Program:
    """`kvlink model prompt`: one JSON request a line, one reply a line. One user at a time."""

    def __init__(self, program: Path, model: Path, chat_format: str = "default") -> None:
        command = [str(program), "--chat-format", chat_format, "model", "prompt", str(model)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True, encoding="utf-8")
        self._end = weakref.finalize(self, _close, self._child)
        self.about: dict = self.ask(describe=True)

    def ask(self, **request):
        """The reply to a request of one key."""
        try:
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ProgramError(self._child.stderr.read().strip() or "the program ended")
        reply = json.loads(line)
        if isinstance(reply, dict) and "error" in reply:
            raise ProgramError(reply["error"])
        return reply

    def encode(self, text: str) -> list[int]:
        # Half a surrogate pair is no text in JSON.
        return self.ask(encode=text.encode("utf-8", "replace").decode())

    def decode(self, ids: list[int]) -> str:
        return self.ask(decode=ids)

    def close(self) -> None:
        self._end()


def _close(child: subprocess.Popen) -> None:
    """At the end of its input the program ends."""
    for stream in (child.stdin, child.stdout, child.stderr):
        try:
            stream.close()
        except BrokenPipeError:
            pass
    child.wait()
