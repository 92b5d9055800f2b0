# SPDX-License-Identifier: Apache-2.0
"""Greedy answers in PyTorch, scored by sub-span match: the check during training. The figures that
count come from `kvlink eval`, which runs the app's own engine.

python -m kvlink_training.evaluate --base MODEL.gguf --data FILE [--adapter FILE] --passages 3 10
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .adapter import load_adapter
from .base_file import open_base
from .model import Adapter, AdapterShape, Base, KvState, Linked
from .packing import Sample, View, build_view, pack
from .prompt import Prompt
from .sources import Question, contains_answer, read_questions

MAX_NEW_TOKENS = 32


def choose_passages(question: Question, n: int, gold_at: int) -> list[tuple[str, str]]:
    """The gold passage and the first n − 1 others in file order, the gold one at place gold_at."""
    gold = [(p.title, p.text) for p in question.passages if p.gold][:1]
    others = [(p.title, p.text) for p in question.passages if not p.gold][: n - 1]
    place = min(gold_at, len(others))
    return others[:place] + gold + others[place:]


@torch.no_grad()
def generate(model: Linked, views: list[View], stop_id: int) -> list[list[int]]:
    """Greedy continuations of each view (one row each)."""
    device = model.frequencies.device
    longest = max(len(v.ids) for v in views)
    rows = pack_apart(views, longest).to(device)
    hidden, kept = model(rows.ids, rows.positions, rows.mask(), keep=True)
    n, slots = len(views), longest + MAX_NEW_TOKENS
    state = KvState([_grown(k, slots) for k in kept.keys], [_grown(v, slots) for v in kept.values])
    lengths = torch.tensor([len(v.ids) for v in views], device=device)
    positions = torch.tensor([v.positions[-1] for v in views], device=device)
    usable = torch.arange(slots, device=device).unsqueeze(0) < lengths.unsqueeze(1)
    tokens = model.logits(hidden[torch.arange(n, device=device), lengths - 1]).argmax(-1)
    answers: list[list[int]] = [[] for _ in views]
    open_rows = set(range(n))
    for step in range(MAX_NEW_TOKENS):
        for row in list(open_rows):
            token = int(tokens[row])
            if token == stop_id:
                open_rows.discard(row)
            else:
                answers[row].append(token)
        if not open_rows or step == MAX_NEW_TOKENS - 1:
            break
        slot = lengths + step
        usable[torch.arange(n, device=device), slot] = True
        positions = positions + 1
        hidden, _ = model(tokens.unsqueeze(1), positions.unsqueeze(1), usable[:, None, None, :], past=(state, slot))
        tokens = model.logits(hidden[:, 0]).argmax(-1)
    return answers


def pack_apart(views: list[View], length: int):
    """One view per row, in order."""
    rows = pack(views[:1], length)
    for view in views[1:]:
        more = pack([view], length)
        for name in ("ids", "positions", "samples", "segments", "branches", "linked"):
            setattr(rows, name, torch.cat([getattr(rows, name), getattr(more, name)]))
    return rows


def _grown(t: torch.Tensor, slots: int) -> torch.Tensor:
    out = torch.zeros(*t.shape[:2], slots, t.shape[3], dtype=t.dtype, device=t.device)
    out[:, :, : t.shape[2]] = t
    return out


@torch.no_grad()
def accuracy(model: Linked, prompt: Prompt, questions: list[Question], n_passages: int, linked: bool,
             gold_at: int | None = None, batch: int = 8) -> dict[str, float]:
    """Share of answers that contain a reference answer; the gold place walks through 0 … n − 1 from
    question to question unless gold_at names one."""
    shape, vocab = model.adapter.shape, model.base.geometry.vocab_size
    views = []
    for number, q in enumerate(questions):
        place = number % n_passages if gold_at is None else gold_at
        view = build_view(Sample("qa", choose_passages(q, n_passages, place), []), prompt, shape, vocab, linked)
        view.add(prompt.question(q.question), view.positions[-1] + 1, 0, 0)
        views.append(view)
    stop = prompt.stop()
    hits, n_tokens = 0, 0
    order = sorted(range(len(views)), key=lambda i: len(views[i].ids))
    for first in range(0, len(order), batch):
        chosen = order[first : first + batch]
        for index, ids in zip(chosen, generate(model, [views[i] for i in chosen], stop), strict=True):
            hits += contains_answer(prompt.tokens.decode(ids), questions[index].answers)
            n_tokens += len(ids)
    return {"accuracy": hits / len(questions), "mean_tokens": n_tokens / len(questions), "n": len(questions)}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--base", type=Path, required=True)
    p.add_argument("--kvlink", type=Path, help="the kvlink program, as for training")
    p.add_argument("--chat-format", default="default")
    p.add_argument("--adapter", type=Path)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--passages", type=int, nargs="+", default=[3, 10])
    p.add_argument("--limit", type=int, default=100)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = p.parse_args()
    file = open_base(args.base, args.kvlink, args.chat_format)
    base = Base.read(file, torch.bfloat16, args.device)
    adapter = Adapter(base.geometry, AdapterShape(0, 0, 0))
    if args.adapter:
        adapter, _ = load_adapter(args.adapter, base.geometry)
    model = Linked(base, adapter.to(args.device))
    prompt = file.prompt
    questions = read_questions(args.data)[: args.limit]
    for n in args.passages:
        for linked in (False, True) if args.adapter else (False,):
            print(n, "link" if linked else "full", accuracy(model, prompt, questions, n, linked), flush=True)


if __name__ == "__main__":
    main()
