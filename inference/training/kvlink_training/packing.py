# SPDX-License-Identifier: Apache-2.0
"""Samples as token rows: two views of each (the whole prompt, and the linked one), packed, with the
mask of KVLink: a passage sees itself and its header; link tokens, question and answer see everything
before them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .model import AdapterShape
from .prompt import Prompt

NO_SEGMENT = 0  # prefix, link tokens, questions, answers


@dataclass
class Sample:
    """One context and the conversations about it. A branch is a list of (question, answer) turns;
    branches share the passages and do not see each other."""

    task: str
    passages: list[tuple[str, str]]
    branches: list[list[tuple[str, str]]]


@dataclass
class View:
    """Tokens of one sample under one mask. targets: (index of the predicting token, id to predict)."""

    linked: bool
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)
    targets: list[tuple[int, int]] = field(default_factory=list)

    def add(self, ids: list[int], position: int, segment: int, branch: int) -> int:
        self.ids += ids
        self.positions += range(position, position + len(ids))
        self.segments += [segment] * len(ids)
        self.branches += [branch] * len(ids)
        return position + len(ids)


def build_view(sample: Sample, prompt: Prompt, shape: AdapterShape, vocab_size: int, linked: bool) -> View:
    view = View(linked)
    header = [vocab_size + i for i in range(shape.n_header)]
    link = [vocab_size + shape.n_header + i for i in range(shape.n_link)]
    at = view.add(prompt.prefix(), 0, NO_SEGMENT, 0)
    for number, (title, text) in enumerate(sample.passages, start=1):
        ids = prompt.passage(title, text)
        at = view.add(header + ids if linked else ids, at, number, 0)
        if linked:
            at = view.add(link, at, NO_SEGMENT, 0)
    for number, turns in enumerate(sample.branches, start=1):
        _add_branch(view, prompt, turns, at, number)
    return view


def _add_branch(view: View, prompt: Prompt, turns: list[tuple[str, str]], at: int, number: int) -> None:
    for turn, (question, answer) in enumerate(turns):
        if turn > 0:
            at = view.add(prompt.next_user_turn(), at, NO_SEGMENT, number)
        at = view.add(prompt.question(question), at, NO_SEGMENT, number)
        ids = prompt.answer(answer)
        first = len(view.ids)
        at = view.add(ids, at, NO_SEGMENT, number)
        view.targets += [(first - 1 + i, token) for i, token in enumerate(ids)]


@dataclass
class Rows:
    """Views packed into rows of a fixed length; -1 as sample number marks padding."""

    ids: Tensor        # [rows, time] int64
    positions: Tensor  # [rows, time]
    samples: Tensor    # [rows, time] number of the view within the batch
    segments: Tensor   # [rows, time]
    branches: Tensor   # [rows, time]
    linked: Tensor     # [rows, time] bool
    places: list[tuple[int, int]]  # per view: row, first column

    def to(self, device: str) -> "Rows":
        moved = {n: getattr(self, n).to(device) for n in ("ids", "positions", "samples", "segments",
                                                          "branches", "linked")}
        return Rows(**moved, places=self.places)

    def mask(self) -> Tensor:
        """[rows, 1, time, time], true = the query (third axis) sees the key (fourth)."""
        def pair(t: Tensor) -> tuple[Tensor, Tensor]:
            return t.unsqueeze(2), t.unsqueeze(1)
        sample_q, sample_k = pair(self.samples)
        position_q, position_k = pair(self.positions)
        branch_q, branch_k = pair(self.branches)
        segment_q, segment_k = pair(self.segments)
        visible = (sample_q == sample_k) & (position_k <= position_q)
        visible &= (branch_k == 0) | (branch_k == branch_q)
        visible &= ~self.linked.unsqueeze(2) | (segment_q == NO_SEGMENT) | (segment_k == segment_q)
        return visible.unsqueeze(1)


def place_views(views: list[View], row_tokens: int) -> list[tuple[int, int]]:
    """First fit, longest first: a row and a first column for each view."""
    filled: list[int] = []
    places: list[tuple[int, int]] = [(-1, -1)] * len(views)
    for index in sorted(range(len(views)), key=lambda i: -len(views[i].ids)):
        n = len(views[index].ids)
        if n > row_tokens:
            raise ValueError(f"a sample of {n} tokens does not fit a row of {row_tokens}")
        row = next((r for r, used in enumerate(filled) if used + n <= row_tokens), len(filled))
        if row == len(filled):
            filled.append(0)
        places[index] = (row, filled[row])
        filled[row] += n
    return places


def pack(views: list[View], row_tokens: int, n_rows: int | None = None) -> Rows:
    """Rows for the views; with n_rows, padded to that many so that shapes stay the same."""
    places = place_views(views, row_tokens)
    needed = 1 + max(row for row, _ in places)
    shape = (max(needed, n_rows or 0), row_tokens)
    rows = Rows(*(torch.zeros(shape, dtype=torch.long) for _ in range(5)),
                linked=torch.zeros(shape, dtype=torch.bool), places=places)
    rows.samples.fill_(-1)
    for number, (view, (row, first)) in enumerate(zip(views, places, strict=True)):
        columns = slice(first, first + len(view.ids))
        rows.ids[row, columns] = torch.tensor(view.ids)
        rows.positions[row, columns] = torch.tensor(view.positions)
        rows.segments[row, columns] = torch.tensor(view.segments)
        rows.branches[row, columns] = torch.tensor(view.branches)
        rows.samples[row, columns] = number
        rows.linked[row, columns] = view.linked
    return rows


def target_indices(views: list[View], rows: Rows, chosen: list[int]) -> tuple[Tensor, Tensor]:
    """Flat indices of the predicting tokens of the chosen views, in order, and the ids to predict."""
    time = rows.ids.shape[1]
    indices, ids = [], []
    for number in chosen:
        row, first = rows.places[number]
        for index, token in views[number].targets:
            indices.append(row * time + first + index)
            ids.append(token)
    device = rows.ids.device
    return torch.tensor(indices, device=device), torch.tensor(ids, device=device)
