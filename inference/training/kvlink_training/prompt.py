# SPDX-License-Identifier: Apache-2.0
"""The prompt, piece by piece, exactly as the app tokenises it (inference/tokenizer/chat_format)."""

from __future__ import annotations

from dataclasses import dataclass

from .tokens import Tokens

SYSTEM = "You answer questions from the user's documents. Give a short answer."
NOT_FOUND = "not in your documents"


@dataclass(frozen=True)
class Prompt:
    """ChatML. Pieces are tokenised separately, so a passage's ids never depend on its surroundings."""

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
