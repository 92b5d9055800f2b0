# SPDX-License-Identifier: Apache-2.0
"""The prompt, piece by piece, exactly as the app tokenises it (inference/tokenizer/chat_format)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from .program import Program
from .tokens import Tokens

SYSTEM = "You answer questions from the user's documents. Give a short answer."
NOT_FOUND = "not in your documents"


class Prompt(Protocol):
    """Pieces are tokenised separately, so a passage's ids never depend on its surroundings."""

    tokens: Tokens | Program
    system: str

    def prefix(self) -> list[int]: ...
    def passage(self, title: str, text: str) -> list[int]: ...
    def question(self, text: str) -> list[int]: ...
    def answer(self, text: str) -> list[int]: ...
    def next_user_turn(self) -> list[int]: ...
    def stop(self) -> int: ...


class ProgramPrompt:
    """By the app's program, in the model's own chat format."""

    def __init__(self, program: Program, max_passage_tokens: int = 256, system: str = SYSTEM) -> None:
        self.tokens, self.max_passage_tokens, self.system = program, max_passage_tokens, system
        stops, turn = program.about["stop_ids"], program.about["next_turn"]
        # What closes an answer ends it too, where it is a token of its own.
        self._closes = bool(turn) and turn[0] in stops
        self._turn = turn[1:] if self._closes else turn
        self._stop = turn[0] if self._closes else next(iter(stops), -1)

    @cached_property
    def _prefix(self) -> list[int]:
        return self.tokens.ask(prefix=self.system)

    def prefix(self) -> list[int]:
        return list(self._prefix)

    def passage(self, title: str, text: str) -> list[int]:
        """Encoded whole, as the app does: some vocabularies join a full stop with the lines behind it."""
        text = f"{title}\n{text}".rstrip()
        while True:
            ids = self.tokens.encode(text + "\n\n")
            if len(ids) <= self.max_passage_tokens + 2 or not text:
                return ids
            text = text[: len(text) * self.max_passage_tokens // len(ids)].rstrip()

    def question(self, text: str) -> list[int]:
        return self.tokens.ask(question=text.encode("utf-8", "replace").decode())

    def answer(self, text: str) -> list[int]:
        return [*self.tokens.encode(text), *([self._stop] if self._stop >= 0 else [])]

    def next_user_turn(self) -> list[int]:
        """After an answer that ended with the stop token."""
        return list(self._turn)

    def stop(self) -> int:
        """The token that ends an answer; -1: the model has none."""
        return self._stop


@dataclass(frozen=True)
class ChatMl:
    """By this package alone."""

    tokens: Tokens
    max_passage_tokens: int = 256
    system: str = SYSTEM

    def prefix(self) -> list[int]:
        start, end = self.tokens.control("<|im_start|>"), self.tokens.control("<|im_end|>")
        encode = self.tokens.encode
        return [start, *encode("system\n" + self.system), end, *encode("\n"), start, *encode("user\n")]

    def passage(self, title: str, text: str) -> list[int]:
        head = self.tokens.encode(f"{title}\n{text}".rstrip())[: self.max_passage_tokens]
        return head + self.tokens.encode("\n\n")

    def question(self, text: str) -> list[int]:
        start, end = self.tokens.control("<|im_start|>"), self.tokens.control("<|im_end|>")
        encode = self.tokens.encode
        return [*encode("Question: " + text), end, *encode("\n"), start, *encode("assistant\n")]

    def answer(self, text: str) -> list[int]:
        return [*self.tokens.encode(text), self.tokens.control("<|im_end|>")]

    def next_user_turn(self) -> list[int]:
        """After an answer that closed with <|im_end|>."""
        return [*self.tokens.encode("\n"), self.tokens.control("<|im_start|>"), *self.tokens.encode("user\n")]

    def stop(self) -> int:
        return self.tokens.control("<|im_end|>")
