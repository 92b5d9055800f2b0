#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/link_tiny: a tiny random model, two adapters for it (one that reads passages, one
that leaves them to the base model), and the logits that the trainer's model (inference/training)
computes with them under the reuse mask, the second also with passages side by side; and the same for
every architecture of tests/golden/tiny (link_tiny/NAME), for which the program says what the model is.
Needs PyTorch, numpy, safetensors and tokenizers; run it again only when the mask, the model or the
adapter format changes:

    python tests/golden/make_link_golden.py build/release/bin/kvlink
"""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "inference" / "training"))

from kvlink_training.adapter import save_adapter  # noqa: E402
from kvlink_training.base_file import BaseFile, open_base  # noqa: E402
from kvlink_training.geometry import Geometry  # noqa: E402
from kvlink_training.model import Adapter, AdapterShape, Base, Linked, rotate  # noqa: E402
from kvlink_training.question_rows import Reader  # noqa: E402
from kvlink_training.shelf import Context  # noqa: E402

GEOMETRY = Geometry(n_layers=2, n_heads=4, n_kv_heads=2, head_dim=8, model_dim=32, ffn_dim=48, vocab_size=96,
                    rms_norm_eps=1e-5, rope_theta=10000.0)
ARCHITECTURES = ("llama_plain", "llama_linear", "llama_llama3", "llama_yarn", "mistral", "qwen2", "qwen2_yarn", "qwen3")
SHAPE = AdapterShape(n_header=2, n_link=3, lora_rank=4, lora_alpha=8.0)
GGUF_NAMES = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up",
              "down": "ffn_down", "attn_norm": "attn_norm", "ffn_norm": "ffn_norm"}
TEXT, U32, F32, BOOL, ARRAY = 8, 4, 6, 7, 9


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def texts(values: list[str]) -> bytes:
    return struct.pack("<IQ", TEXT, len(values)) + b"".join(map(text, values))


def metadata(g: Geometry) -> list[tuple[str, int, bytes]]:
    """A byte-level BPE vocabulary of three controls and printable characters, without merges."""
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + [chr(0x21 + i) for i in range(g.vocab_size - 3)]
    u32 = {"llama.block_count": g.n_layers, "llama.context_length": 256, "llama.embedding_length": g.model_dim,
           "llama.feed_forward_length": g.ffn_dim, "llama.attention.head_count": g.n_heads,
           "llama.attention.head_count_kv": g.n_kv_heads, "llama.rope.dimension_count": g.head_dim,
           "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.unknown_token_id": 0}
    f32 = {"llama.rope.freq_base": g.rope_theta, "llama.attention.layer_norm_rms_epsilon": g.rms_norm_eps}
    entries = [("general.architecture", TEXT, text("llama")), ("general.name", TEXT, text("link-tiny"))]
    entries += [(key, U32, struct.pack("<I", value)) for key, value in u32.items()]
    entries += [(key, F32, struct.pack("<f", value)) for key, value in f32.items()]
    entries += [("tokenizer.ggml.model", TEXT, text("gpt2")), ("tokenizer.ggml.pre", TEXT, text("smollm")),
                ("tokenizer.ggml.tokens", ARRAY, texts(tokens)), ("tokenizer.ggml.merges", ARRAY, texts([])),
                ("tokenizer.ggml.add_bos_token", BOOL, b"\0")]
    types = [3] * 3 + [1] * (g.vocab_size - 3)
    entries.append(("tokenizer.ggml.token_type", ARRAY,
                    struct.pack("<IQ", 5, len(types)) + struct.pack(f"<{len(types)}i", *types)))
    return entries


def tensors(base: Base, g: Geometry) -> list[tuple[str, np.ndarray]]:
    generator = np.random.default_rng(5)
    norm = lambda: (1.0 + 0.2 * generator.uniform(-1, 1, g.model_dim)).astype(np.float32)
    rows = [("token_embd.weight", base.weight("embed").numpy()), ("output_norm.weight", norm())]
    for layer in range(g.n_layers):
        for name, gguf in GGUF_NAMES.items():
            values = norm() if name.endswith("norm") else base.weight(f"{layer}.{name}").numpy()
            rows.append((f"blk.{layer}.{gguf}.weight", values))
    return rows


def write_gguf(path: Path, base: Base, g: Geometry) -> None:
    entries, rows = metadata(g), tensors(base, g)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(rows), len(entries))
    for key, kind, raw in entries:
        header += text(key) + struct.pack("<I", kind) + raw
    data = b""
    for name, values in rows:
        dims = values.shape[::-1]
        header += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, 0, len(data))
        data += values.astype("<f4").tobytes()
        data += b"\0" * (-len(data) % 32)
    path.write_bytes(header + b"\0" * (-len(header) % 32) + data)


def random_adapter(g: Geometry, shape: AdapterShape) -> Adapter:
    adapter = Adapter(g, shape, seed=7)
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for soft in (adapter.header, adapter.link):
            soft += 0.3 * torch.randn(soft.shape, generator=generator)
        for key in adapter.lora_a:  # stored as f16, so rounded before the logits are computed
            adapter.lora_a[key].copy_(adapter.lora_a[key].half().float())
            b = 0.2 * torch.randn(adapter.lora_b[key].shape, generator=generator)
            adapter.lora_b[key].copy_((b * adapter.scale).half().float() / adapter.scale)
    return adapter


def logits(model: Linked, prefix: list[int], passages: list[list[int]], question: list[int], view: str) -> list[float]:
    """Of the last token. view: link, k0 (no link tokens) or full (standard mask, no soft tokens)."""
    n = model.base.geometry.vocab_size
    header = [] if view == "full" else [n + i for i in range(model.adapter.shape.n_header)]
    link = [n + model.adapter.shape.n_header + i for i in range(model.adapter.shape.n_link)] if view == "link" else []
    ids, segments = list(prefix), [0] * len(prefix)
    for number, passage in enumerate(passages, start=1):
        ids += header + passage + link
        segments += [number] * (len(header) + len(passage)) + [0] * len(link)
    ids += question
    segments += [0] * len(question)
    segment, position = torch.tensor(segments), torch.arange(len(ids))
    mask = position.unsqueeze(0) <= position.unsqueeze(1)
    if view != "full":
        mask &= (segment.unsqueeze(1) == 0) | (segment.unsqueeze(0) == segment.unsqueeze(1))
    with torch.no_grad():
        hidden, _ = model(torch.tensor([ids]), position.unsqueeze(0), mask[None, None])
        return [round(v, 7) for v in model.logits(hidden[0, -1:])[0].tolist()]


def base_context(model: Reader, prefix: list[int], passages: list[list[int]], view: str, n_link: int) -> Context:
    """KV of prefix and passages by the base model: together (full), or each behind the prefix, in a
    row or so that all end where the longest does (side by side)."""
    pieces, starts, at = [prefix, *passages], [], 0
    for number, ids in enumerate(pieces):
        starts.append(at)
        at += len(ids) + (n_link if number else 0)
    if view.startswith("parallel"):
        starts[1:] = [len(prefix) + max(map(len, passages)) - len(p) for p in passages]
    read = lambda ids: model.read(torch.tensor([ids]), torch.arange(len(ids)).unsqueeze(0))
    states = [read(prefix)] + [[(k[:, len(prefix) :], v[:, len(prefix) :]) for k, v in read(prefix + p)] for p in passages]
    positions = torch.cat([torch.arange(s, s + len(p)) for s, p in zip(starts, pieces)]).unsqueeze(0)
    if view == "full":
        states = [read([i for p in pieces for i in p])]
    cos, sin = model.angles(positions)
    layers, halves = range(model.base.geometry.n_layers), model.base.geometry.halves
    keys = [rotate(torch.cat([s[layer][0] for s in states], 1), cos, sin, halves).transpose(1, 2)
            for layer in layers]
    values = [torch.cat([s[layer][1] for s in states], 1).transpose(1, 2) for layer in layers]
    return Context(positions, keys, values)


def base_logits(model: Reader, prefix: list[int], passages: list[list[int]], question: list[int], view: str) -> list[float]:
    """Of the last token, with an adapter that leaves passages to the base model."""
    n_link = model.adapter.shape.n_link if view.endswith("link") else 0
    context = base_context(model, prefix, passages, view, n_link)
    ids, positions, at = [], [], len(prefix)
    parallel = view.startswith("parallel")
    for number, passage in enumerate(passages):
        at += (max(map(len, passages)) if number == 0 else 0) if parallel else len(passage)
        if parallel and number + 1 < len(passages):
            continue
        ids += [model.base.geometry.vocab_size + i for i in range(n_link)]
        positions += range(at, at + n_link)
        at += n_link
    ids += question
    positions += range(at, at + len(question))
    place = torch.tensor(positions)
    seen = torch.cat([context.positions[0], place]).unsqueeze(0) <= place.unsqueeze(1)
    with torch.no_grad():
        hidden = model.rows(torch.tensor([ids]), place.unsqueeze(0), seen[None, None], context)
        return [round(v, 7) for v in model.logits(hidden[0, -1:])[0].tolist()]


def write_case(folder: Path, file: BaseFile, shape: AdapterShape, lengths: tuple[int, ...]) -> None:
    """Both adapters and what the model computes with them. lengths: of prefix, passages and question."""
    folder.mkdir(exist_ok=True)
    base = Base.read(file, torch.float32, "cpu")
    adapter = random_adapter(base.geometry, shape)
    save_adapter(folder / "adapter.safetensors", adapter, file.sha256(), {"steps": 0, "system": "Answer."})
    generator = np.random.default_rng(9)
    prefix, *passages, question = [
        [int(i) for i in generator.integers(3, base.geometry.vocab_size, count)] for count in lengths]
    case = {"prefix": prefix, "passages": passages, "question": question}
    model = Linked(base, adapter)
    for view in ("link", "k0", "full"):
        case[view] = logits(model, prefix, passages, question, view)
    questions_only = random_adapter(base.geometry, replace(shape, n_header=0))
    save_adapter(folder / "base_passages.safetensors", questions_only, file.sha256(), {"system": "Answer."},
                 base_passages=True)
    reader = Reader(base, questions_only)
    for view in ("link", "k0", "full", "parallel_link", "parallel_k0"):
        case["base_" + view] = base_logits(reader, prefix, passages, question, view)
    (folder / "expected.json").write_text(json.dumps(case) + "\n")


def main() -> None:
    torch.set_num_threads(1)
    folder = FOLDER / "link_tiny"
    folder.mkdir(exist_ok=True)
    write_gguf(folder / "model.gguf", Base.random(GEOMETRY, seed=3), GEOMETRY)
    write_case(folder, open_base(folder / "model.gguf"), SHAPE, (6, 11, 7, 14, 8))
    if len(sys.argv) < 2:
        print("the other architectures are left as they are: name the kvlink program to write them too")
        return
    for name in ARCHITECTURES:
        file = open_base(FOLDER / "tiny" / name, Path(sys.argv[1]))
        write_case(folder / name, file, replace(SHAPE, lora_rank=2, lora_alpha=4.0), (5, 9, 6, 12, 7))


if __name__ == "__main__":
    main()
