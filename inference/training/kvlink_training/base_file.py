# SPDX-License-Identifier: Apache-2.0
"""A base model's files as the trainer takes them: geometry, tensors under one set of names, prompts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from .geometry import Geometry
from .gguf import GgufError, GgufFile, read_gguf
from .program import Program
from .prompt import ChatMl, ProgramPrompt, Prompt
from .tokens import Tokens

_TOP = {"embed": ("token_embd.weight", "model.embed_tokens.weight"),
        "norm": ("output_norm.weight", "model.norm.weight"), "head": ("output.weight", "lm_head.weight")}
_IN_LAYER = {"q": ("attn_q.weight", "self_attn.q_proj.weight"), "k": ("attn_k.weight", "self_attn.k_proj.weight"),
             "v": ("attn_v.weight", "self_attn.v_proj.weight"), "o": ("attn_output.weight", "self_attn.o_proj.weight"),
             "gate": ("ffn_gate.weight", "mlp.gate_proj.weight"), "up": ("ffn_up.weight", "mlp.up_proj.weight"),
             "down": ("ffn_down.weight", "mlp.down_proj.weight"),
             "attn_norm": ("attn_norm.weight", "input_layernorm.weight"),
             "ffn_norm": ("ffn_norm.weight", "post_attention_layernorm.weight"),
             "q.bias": ("attn_q.bias", "self_attn.q_proj.bias"), "k.bias": ("attn_k.bias", "self_attn.k_proj.bias"),
             "v.bias": ("attn_v.bias", "self_attn.v_proj.bias"),
             "q_norm": ("attn_q_norm.weight", "self_attn.q_norm.weight"),
             "k_norm": ("attn_k_norm.weight", "self_attn.k_norm.weight")}


class _GgufTensors:
    def __init__(self, files: list[GgufFile]) -> None:
        self._home = {name: file for file in files for name in file.tensors}

    @staticmethod
    def name(name: str) -> str:
        if name in _TOP:
            return _TOP[name][0]
        layer, part = name.split(".", 1)
        return f"blk.{layer}.{_IN_LAYER[part][0]}"

    def read(self, name: str) -> Tensor:
        return torch.from_numpy(self._home[name].tensor(name))

    def __contains__(self, name: str) -> bool:
        return name in self._home


class _FolderTensors:
    def __init__(self, files: list[Path]) -> None:
        self._open = [safe_open(str(path), "pt") for path in files]
        self._home = {name: file for file in self._open for name in file.keys()}

    @staticmethod
    def name(name: str) -> str:
        if name in _TOP:
            return _TOP[name][1]
        layer, part = name.split(".", 1)
        return f"model.layers.{layer}.{_IN_LAYER[part][1]}"

    def read(self, name: str) -> Tensor:
        return self._home[name].get_tensor(name)

    def __contains__(self, name: str) -> bool:
        return name in self._home


class BaseFile:
    """Nothing is read of a tensor before it is asked for."""

    def __init__(self, geometry: Geometry, files: list[Path], prompt: Prompt | None) -> None:
        self.geometry, self.files, self._prompt = geometry, files, prompt
        gguf = files[0].suffix == ".gguf"
        self._tensors = _GgufTensors([read_gguf(f) for f in files]) if gguf else _FolderTensors(files)

    @property
    def prompt(self) -> Prompt:
        if self._prompt is None:
            raise GgufError(f"{self.files[0]} has no tokenizer that the app handles, so nothing can be asked of it")
        return self._prompt

    def tensor(self, name: str) -> Tensor:
        """By the trainer's name: embed, norm, head, LAYER.q, LAYER.q.bias, …"""
        return self._tensors.read(self._tensors.name(name))

    def has(self, name: str) -> bool:
        return self._tensors.name(name) in self._tensors

    def sha256(self) -> str:
        """Of the weights' bytes, one file after another: what the app compares an adapter's base with."""
        digest = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as file:
                while piece := file.read(1 << 22):
                    digest.update(piece)
        return digest.hexdigest()


def open_base(path: Path, program: Path | None = None, chat_format: str = "default") -> BaseFile:
    """With the app's program everything that the app opens. Without it what this package reads alone, for
    machines that have no program: a GGUF file of architecture llama with plain rotary positions, ChatML,
    and SmolLM's or GPT-2's vocabulary; ids are the same (tests/training/test_architectures.py)."""
    if program is None:
        if Path(path).suffix != ".gguf":
            raise GgufError(f"{path} is not a GGUF file: name the kvlink program with --kvlink to train on it")
        if chat_format not in ("default", "chatml"):
            raise GgufError(f"chat format {chat_format} is written by the kvlink program: name it with --kvlink")
        file = read_gguf(path)
        return BaseFile(Geometry.from_gguf(file), [Path(path)], ChatMl(Tokens(file)))
    child = Program(program, path, chat_format)
    files = [Path(name) for name in child.about["files"]]
    prompt = ProgramPrompt(child) if child.about["tokenizer"] else None
    return BaseFile(Geometry.from_about(child.about), files, prompt)
