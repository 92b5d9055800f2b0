# SPDX-License-Identifier: Apache-2.0
"""Tests of training on the question's rows alone. Exit code 77: PyTorch absent."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_training import GEOMETRY, PASSAGES, ByteTokens, sample  # noqa: E402  (exits 77 without PyTorch)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from kvlink_training.model import Adapter, AdapterShape, Base  # noqa: E402
from kvlink_training.packing import Sample  # noqa: E402
from kvlink_training.prompt import ChatMl  # noqa: E402
from kvlink_training.question_rows import (Reader, answer_logits, full_batch, lay_out, linked_batch,  # noqa: E402
                                           stack_rows)
from kvlink_training.shelf import Shelf  # noqa: E402

SHAPE = AdapterShape(n_header=0, n_link=3, lora_rank=4, lora_alpha=8.0)
PROMPT = ChatMl(ByteTokens())


def reader(seed: int = 0, moved: float = 0.0) -> Reader:
    model = Reader(Base.random(GEOMETRY, seed), Adapter(GEOMETRY, SHAPE, seed))
    with torch.no_grad():
        for b in model.adapter.lora_b.values():
            b.add_(moved)
    return model


def shelf(model: Reader, folder: str) -> Shelf:
    return Shelf(model, PROMPT.prefix(), Path(folder), 4000)


class QuestionRowsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_a_full_batch_equals_one_causal_pass(self):
        model = reader()
        turn = Sample("qa", PASSAGES, [[("Who barks?", "dog")]])
        logits, ids = answer_logits(model, *full_batch([turn], PROMPT, model))
        passages, _, rows = lay_out(turn, PROMPT, 0, GEOMETRY.vocab_size)
        flat = PROMPT.prefix() + [t for p in passages for t in p] + [r[0] for r in rows]
        causal = torch.ones(len(flat), len(flat), dtype=torch.bool).tril()[None, None]
        hidden, _ = model(torch.tensor([flat]), torch.arange(len(flat)).unsqueeze(0), causal)
        first = len(flat) - len(ids) - 1
        torch.testing.assert_close(logits, model.logits(hidden[0, first:-1]), atol=2e-2, rtol=2e-2)

    def test_link_rows_see_what_stands_before_them_and_branches_do_not_meet(self):
        model = reader()
        batch, context = linked_batch([sample()], PROMPT, SHAPE.n_link, shelf(model, self.folder))
        mask = batch.mask(context.positions)[0, 0]
        slots = context.positions.shape[1]
        positions = torch.cat([context.positions[0], batch.positions[0]])
        for q in range(0, mask.shape[0], 3):
            for k in range(0, mask.shape[1], 3):
                branch_k = int(batch.branches[0, k - slots]) if k >= slots else 0
                seen = positions[k] <= batch.positions[0, q] and branch_k in (0, int(batch.branches[0, q]))
                self.assertEqual(bool(mask[q, k]), bool(seen))

    def test_lora_never_reaches_passages(self):
        still, moved = reader(), reader(moved=0.3)
        for a, b in zip(still.read(torch.tensor([[1, 2, 3]]), torch.arange(3).unsqueeze(0)),
                        moved.read(torch.tensor([[1, 2, 3]]), torch.arange(3).unsqueeze(0)), strict=True):
            torch.testing.assert_close(a[0], b[0], atol=0, rtol=0)
        logits = [answer_logits(m, *linked_batch([sample()], PROMPT, 3, shelf(m, f"{self.folder}/{i}")))[0]
                  for i, m in enumerate((still, moved))]
        self.assertGreater(float((logits[0] - logits[1]).abs().max()), 1e-3)

    def test_the_shelf_keeps_passages_over_a_restart_and_drops_those_of_another_prefix_or_model(self):
        model = reader()
        first = shelf(model, self.folder)
        before = answer_logits(model, *linked_batch([sample()], PROMPT, 3, first))[0]
        first.save()
        again = shelf(model, self.folder)
        self.assertEqual(again.used, first.used)
        after = answer_logits(model, *linked_batch([sample()], PROMPT, 3, again))[0]
        torch.testing.assert_close(before, after, atol=0, rtol=0)
        other = Shelf(reader(seed=1), PROMPT.prefix(), Path(self.folder), 4000)
        self.assertEqual(other.used, 0, "passages that another model read")
        self.assertEqual(Shelf(model, [5, 6], Path(self.folder), 4000).used, 0)

    def test_a_full_shelf_says_so(self):
        with self.assertRaises(MemoryError):
            Shelf(reader(), PROMPT.prefix(), Path(self.folder), 10).add([list(range(20))])

    def test_twenty_steps_lower_the_loss_and_reach_link_tokens_and_lora(self):
        model = reader()
        batch, context = linked_batch([sample(), sample(2)], PROMPT, SHAPE.n_link, shelf(model, self.folder))
        optimizer = torch.optim.AdamW(model.adapter.parameters(), lr=2e-2)
        seen = []
        for _ in range(20):
            logits, ids = answer_logits(model, batch, context)
            loss = F.cross_entropy(logits, ids)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.append(float(loss.detach()))
        self.assertLess(seen[-1], 0.6 * seen[0])
        self.assertGreater(float(model.adapter.link.grad.abs().max()), 0)
        self.assertGreater(max(float(p.grad.abs().max()) for p in model.adapter.lora_a.values()), 0)

    def test_padding_changes_nothing(self):
        model = reader()
        kept = shelf(model, self.folder)
        short = Sample("qa", PASSAGES[:1], [[("Who sleeps?", "cat")]])
        alone = answer_logits(model, *linked_batch([short], PROMPT, 3, kept))[0]
        beside = answer_logits(model, *linked_batch([short, sample()], PROMPT, 3, kept))[0]
        torch.testing.assert_close(beside[: alone.shape[0]], alone, atol=1e-2, rtol=1e-2)

    def test_rows_stack_with_their_targets(self):
        _, _, rows = lay_out(sample(), PROMPT, 2, GEOMETRY.vocab_size)
        batch = stack_rows([rows])
        said = [PROMPT.answer("dog"), PROMPT.answer("fish")]
        self.assertEqual([int(t) for t in batch.targets[0] if t >= 0], said[0] + said[1])
        self.assertEqual(int((batch.branches[0] == 0).sum()), 2 * len(PASSAGES))


if __name__ == "__main__":
    unittest.main(verbosity=1)
