# SPDX-License-Identifier: Apache-2.0
"""Training on the rows behind the passages alone: link tokens, questions and answers. LoRA acts on
these rows only, so passages are what the base model made of them, and no gradient runs through them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry import Geometry
from .model import Linked, linear, project, rms_norm, rotate
from .packing import Sample
from .prompt import Prompt
from .shelf import Context, Shelf

IGNORED = -100


class Reader(Linked):
    """The decoder in two halves: reading passages with the base, and rows that look back at them."""

    @torch.no_grad()
    def read(self, ids: Tensor, positions: Tensor, rotated: bool = False) -> list[tuple[Tensor, Tensor]]:
        """Causal pass of the base: keys (before rotation unless `rotated`) and values of every layer,
        [rows, time, kv_heads, head_dim]."""
        g = self.base.geometry
        cos, sin = self.angles(positions)
        x = self.embed(ids)
        kept = []
        for layer in range(g.n_layers):
            x, k, v = read_layer(x, self.layer_parts(layer, False), g, cos, sin)
            kept.append((rotate(k, cos, sin, g.halves) if rotated else k, v))
        return kept

    def rows(self, ids: Tensor, positions: Tensor, mask: Tensor, context: Context) -> Tensor:
        """Hidden states [batch, rows, model_dim] of rows behind a context; mask [batch, 1, rows,
        slots + rows], true = visible."""
        g = self.base.geometry
        cos, sin = self.angles(positions)
        bias = torch.zeros(mask.shape, dtype=self.base.weight("embed").dtype).masked_fill_(~mask, float("-inf"))
        bias = bias.repeat(1, 1, g.n_heads // g.n_kv_heads, 1)
        x = self.embed(ids)
        for layer in range(g.n_layers):
            x = row_layer(x, self.layer_parts(layer, True), g, cos, sin, bias, context.keys[layer],
                          context.values[layer])
        return rms_norm(x, self.base.weight("norm"), g.rms_norm_eps)


def read_layer(x: Tensor, parts: dict[str, Tensor], g: Geometry, cos: Tensor, sin: Tensor):
    rows, time, _ = x.shape
    q, k, v = project(rms_norm(x, parts["attn_norm"], g.rms_norm_eps), parts, g)
    group = g.n_heads // g.n_kv_heads
    attended = F.scaled_dot_product_attention(
        rotate(q, cos, sin, g.halves).transpose(1, 2),
        rotate(k, cos, sin, g.halves).transpose(1, 2).repeat_interleave(group, 1),
        v.transpose(1, 2).repeat_interleave(group, 1), is_causal=True)
    x = x + linear(attended.transpose(1, 2).reshape(rows, time, -1), parts, "o")
    h = rms_norm(x, parts["ffn_norm"], g.rms_norm_eps)
    return x + linear(F.silu(linear(h, parts, "gate")) * linear(h, parts, "up"), parts, "down"), k, v


def row_layer(x: Tensor, parts: dict[str, Tensor], g: Geometry, cos: Tensor, sin: Tensor, bias: Tensor,
              keys: Tensor, values: Tensor) -> Tensor:
    n, time, _ = x.shape
    group = g.n_heads // g.n_kv_heads
    q, k, v = project(rms_norm(x, parts["attn_norm"], g.rms_norm_eps), parts, g)
    q = rotate(q, cos, sin, g.halves)
    k, v = rotate(k, cos, sin, g.halves).transpose(1, 2), v.transpose(1, 2)
    # A head's group of queries shares its keys: one product of group * rows against them.
    q = q.view(n, time, g.n_kv_heads, group, g.head_dim).permute(0, 2, 3, 1, 4)
    q = q.reshape(n, g.n_kv_heads, group * time, g.head_dim) * g.head_dim ** -0.5
    scores = torch.cat([q @ keys.transpose(-1, -2), q @ k.transpose(-1, -2)], -1) + bias
    weights = scores.softmax(-1)
    slots = keys.shape[2]
    out = weights[..., :slots] @ values + weights[..., slots:] @ v
    out = out.view(n, g.n_kv_heads, group, time, g.head_dim).permute(0, 3, 1, 2, 4).reshape(n, time, -1)
    x = x + linear(out, parts, "o")
    h = rms_norm(x, parts["ffn_norm"], g.rms_norm_eps)
    return x + linear(F.silu(linear(h, parts, "gate")) * linear(h, parts, "up"), parts, "down")


@dataclass
class RowBatch:
    """Rows behind contexts. targets [batch, rows]: the id the row predicts, IGNORED where none is."""

    ids: Tensor
    positions: Tensor
    branches: Tensor  # -1 padding, 0 link tokens, 1… a conversation
    targets: Tensor

    def mask(self, context_positions: Tensor) -> Tensor:
        at = self.positions.unsqueeze(2)
        behind = (context_positions.unsqueeze(1) >= 0) & (context_positions.unsqueeze(1) <= at)
        q, k = self.branches.unsqueeze(2), self.branches.unsqueeze(1)
        own = (self.positions.unsqueeze(1) <= at) & (((k == 0) & (q >= 0)) | (k == q))
        return torch.cat([behind, own], 2).unsqueeze(1)


def lay_out(sample: Sample, prompt: Prompt, n_link: int, vocab_size: int, parallel: bool = False):
    """Passages with their positions, and the rows behind them: (ids, position, branch, target) each.
    parallel: every passage ends where the longest one does, so that none is nearer to the question, and
    link tokens stand once, behind all of them."""
    at = begin = len(prompt.prefix())
    passages = [prompt.passage(title, text) for title, text in sample.passages]
    starts, rows = [], []
    for number, ids in enumerate(passages):
        if parallel:
            at = begin + max(map(len, passages)) - len(ids)
        starts.append(at)
        at += len(ids)
        if not parallel or number + 1 == len(passages):
            rows += [(vocab_size + i, at + i, 0, IGNORED) for i in range(n_link)]
            at += n_link
    for branch, turns in enumerate(sample.branches, start=1):
        place = at
        for number, (question, answer) in enumerate(turns):
            asked = ([] if number == 0 else prompt.next_user_turn()) + prompt.question(question)
            said = prompt.answer(answer)
            targets = [IGNORED] * (len(asked) - 1) + said + [IGNORED]
            for offset, (token, target) in enumerate(zip(asked + said, targets, strict=True)):
                rows.append((token, place + offset, branch, target))
            place += len(asked) + len(said)
    return passages, starts, rows


def stack_rows(all_rows: list[list[tuple[int, int, int, int]]]) -> RowBatch:
    longest = max(len(r) for r in all_rows)
    fields = [torch.zeros((len(all_rows), longest), dtype=torch.long) for _ in range(4)]
    fields[2].fill_(-1)
    fields[3].fill_(IGNORED)
    for number, rows in enumerate(all_rows):
        for t, column in zip(fields, zip(*rows, strict=True), strict=True):
            t[number, : len(rows)] = torch.tensor(column)
    return RowBatch(*fields)


def linked_batch(samples: list[Sample], prompt: Prompt, n_link: int, shelf: Shelf,
                 parallel: bool = False) -> tuple[RowBatch, Context]:
    laid = [lay_out(s, prompt, n_link, shelf.model.base.geometry.vocab_size, parallel) for s in samples]
    slots = len(prompt.prefix()) + max(sum(map(len, passages)) for passages, _, _ in laid)
    return stack_rows([rows for _, _, rows in laid]), shelf.context([(p, s) for p, s, _ in laid], slots)


def full_batch(samples: list[Sample], prompt: Prompt, model: Reader) -> tuple[RowBatch, Context]:
    """The same samples under standard attention: passages see each other, no link tokens."""
    laid = [lay_out(s, prompt, 0, model.base.geometry.vocab_size) for s in samples]
    prefix = prompt.prefix()
    flat = [prefix + [t for p in passages for t in p] for passages, _, _ in laid]
    slots = max(map(len, flat))
    ids = torch.tensor([f + [0] * (slots - len(f)) for f in flat])
    columns = torch.arange(slots).repeat(len(flat), 1)
    state = model.read(ids, columns, rotated=True)
    lengths = torch.tensor([len(f) for f in flat]).unsqueeze(1)
    context = Context(torch.where(columns < lengths, columns, -1), [k.transpose(1, 2).contiguous() for k, _ in state],
                      [v.transpose(1, 2).contiguous() for _, v in state])
    return stack_rows([rows for _, _, rows in laid]), context


def answer_logits(model: Reader, batch: RowBatch, context: Context) -> tuple[Tensor, Tensor]:
    """Logits of the rows that predict an answer's token, and those tokens."""
    hidden = model.rows(batch.ids, batch.positions, batch.mask(context.positions), context)
    chosen = batch.targets != IGNORED
    return model.logits(hidden[chosen]), batch.targets[chosen]
