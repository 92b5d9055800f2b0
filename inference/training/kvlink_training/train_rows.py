# SPDX-License-Identifier: Apache-2.0
"""Trains an adapter whose LoRA acts on the question's rows alone (question_rows.py): an hour on two
CPU cores instead of days. Resumes from the newest checkpoint of its run folder.

python -m kvlink_training.train_rows --base MODEL.gguf --data FOLDER --run FOLDER [options]
"""

from __future__ import annotations

import argparse
import os
import random
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F

from . import adapter as adapter_file
from .evaluate import choose_passages
from .base_file import open_base
from .losses import kl
from .model import Adapter, AdapterShape, Base
from .options import parsed, run_options
from .packing import Sample
from .question_rows import Reader, answer_logits, full_batch, linked_batch
from .run_folder import RunFolder, trained_parameters
from .samples import Mix, SampleStream
from .schedule import peak_share
from .shelf import Shelf
from .sources import Question, read_questions, read_training_folder


ROWS_PER_QUESTION = 56  # about: the question, the answer and its sentence


def arguments() -> argparse.ArgumentParser:
    p = run_options(__doc__, steps=1000, warmup=30, eval_every=150, checkpoint_every=25)
    p.add_argument("--shelf", type=Path, help="passages' KV; default: RUN/shelf; runs may share it one after the other")
    p.add_argument("--shelf-tokens", type=int, default=1_200_000, help="its size; about 12 KB a token for 135M parameters")
    p.add_argument("--rows-per-pass", type=int, default=640, help="rows behind contexts in one forward pass")
    p.add_argument("--passes", type=int, default=2, help="forward passes of a step")
    p.add_argument("--full-share", type=float, default=0.12, help="passes under standard attention")
    p.add_argument("--kl", type=float, default=0.0, help="weight of KL(full ‖ linked); doubles the cost of full passes")
    p.add_argument("--parallel", action="store_true", help="passages side by side at the same positions")
    p.add_argument("--threads", type=int, default=0, help="0: PyTorch's choice")
    return p


class RowRun:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.file = open_base(args.base, args.kvlink, args.chat_format)
        self.prompt = self.file.prompt
        base = Base.read(self.file, torch.bfloat16, "cpu")
        adapter = Adapter(base.geometry, AdapterShape(0, args.link, args.rank, args.alpha), args.seed)
        adapter.start_from(base, self.prompt.prefix(), self.prompt.tokens.encode("\n\nSource: "))
        self.model = Reader(base, adapter)
        self.stream = SampleStream(read_training_folder(args.data), Mix(**args.mix), args.seed)
        self.random = random.Random(args.seed)
        self.shelf = Shelf(self.model, self.prompt.prefix(), args.shelf or args.run / "shelf", args.shelf_tokens)
        self.optimizer = torch.optim.AdamW(trained_parameters(adapter, args.lr_soft, args.lr_lora),
                                           betas=(0.9, 0.98), weight_decay=0.0)
        self.step = self.n_samples = self.n_questions = 0
        self.folder = RunFolder(args.run)

    def draw(self) -> list[Sample]:
        """Samples with the same number of passages, so that little is padding."""
        n_passages = self.random.randint(1, self.stream.mix.max_passages)
        samples, rows = [], 0
        while True:
            sample = self.stream.draw(n_passages)
            rows += len(sample.passages) * self.args.link + sum(ROWS_PER_QUESTION * len(b) for b in sample.branches)
            if samples and rows > self.args.rows_per_pass:
                return samples
            samples.append(sample)

    def one_pass(self) -> dict[str, torch.Tensor]:
        samples = self.draw()
        self.n_samples += len(samples)
        self.n_questions += sum(len(b) for s in samples for b in s.branches)
        full = self.random.random() < self.args.full_share
        losses: dict[str, torch.Tensor] = {}
        if full:
            samples = samples[: max(2, len(samples) // 2)]
            logits, ids = answer_logits(self.model, *full_batch(samples, self.prompt, self.model))
            losses["answer_full"] = F.cross_entropy(logits, ids)
        if not full or self.args.kl > 0:
            linked, ids = answer_logits(self.model, *linked_batch(samples, self.prompt, self.args.link, self.shelf,
                                                               self.args.parallel))
            losses["answer_linked"] = F.cross_entropy(linked, ids)
            if full:
                losses["kl_linked"] = self.args.kl * kl(logits, linked)
        return losses

    def train_step(self) -> dict[str, float]:
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, list[float]] = {}
        for _ in range(self.args.passes):
            losses = self.one_pass()
            (sum(losses.values()) / (len(losses) * self.args.passes)).backward()
            for name, loss in losses.items():
                sums.setdefault(name, []).append(float(loss.detach()))
        norm = torch.nn.utils.clip_grad_norm_(self.model.adapter.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * peak_share(self.step, self.args.warmup, self.args.steps)
        self.optimizer.step()
        self.step += 1
        return {n: sum(v) / len(v) for n, v in sums.items()} | {"grad_norm": float(norm)}

    @torch.no_grad()
    def check(self, questions: list[Question], n_passages: int, linked: bool) -> dict[str, float]:
        """Teacher-forced nats per token of the replies."""
        nats, n_tokens = 0.0, 0
        for first in range(0, len(questions), 4):
            part = [Sample("qa", choose_passages(q, n_passages, (first + i) % n_passages),
                           [[(q.question, q.reply)]]) for i, q in enumerate(questions[first : first + 4])]
            batch, context = linked_batch(part, self.prompt, self.args.link, self.shelf, self.args.parallel) if linked else full_batch(
                part, self.prompt, self.model)
            logits, ids = answer_logits(self.model, batch, context)
            nats += float(F.cross_entropy(logits, ids, reduction="sum"))
            n_tokens += len(ids)
        return {"nats": nats / n_tokens}

    def evaluate(self) -> dict[str, float]:
        out = {}
        for path in self.args.eval:
            questions = read_questions(path)[: self.args.eval_limit]
            for n in self.args.eval_passages:
                for linked in (True, False):
                    for name, value in self.check(questions, n, linked).items():
                        out[f"{'link' if linked else 'full'}/{n}/{name}"] = round(value, 4)
        return out

    def save(self) -> None:
        self.shelf.save()
        self.folder.save(self.model.adapter, self.optimizer,
                         {"step": self.step, "n_samples": self.n_samples, "n_questions": self.n_questions,
                          "stream": self.stream.state(), "random": self.random.getstate()})

    def resume(self) -> bool:
        state = self.folder.load(self.model.adapter, self.optimizer)
        if state is None:
            return False
        self.stream.restore(state["stream"])
        self.random.setstate(state["random"])
        self.step, self.n_samples, self.n_questions = state["step"], state["n_samples"], state["n_questions"]
        return True

    def log(self, record: dict) -> None:
        counts = {"step": self.step, "samples": self.n_samples, "questions": self.n_questions}
        print(self.folder.log(counts | record), flush=True)

    def export(self, evaluation: dict[str, float]) -> None:
        about = {"steps": self.step, "samples": self.n_samples, "questions": self.n_questions, "seed": self.args.seed,
                 "mix": asdict(self.stream.mix), "system": self.prompt.system,
                 "evaluation": evaluation, "trainer_commit": os.environ.get("KVLINK_COMMIT", "")}
        adapter_file.save_adapter(self.args.run / "adapter.safetensors", self.model.adapter, self.file.sha256(), about,
                                  base_passages=True, parallel=self.args.parallel)


def main() -> None:
    args = parsed(arguments())
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    run = RowRun(args)
    if run.resume():
        print(f"resumed at step {run.step}", flush=True)
    started = last = time.monotonic()
    while run.step < args.steps and not (args.minutes and time.monotonic() - started > 60 * args.minutes):
        losses = run.train_step()
        if run.step % 5 == 0:
            run.log({"losses": {k: round(v, 4) for k, v in losses.items()},
                     "seconds_per_step": round((time.monotonic() - last) / 5, 2)})
            last = time.monotonic()
        if run.step % args.checkpoint_every == 0:
            run.save()
            run.export({})
        if args.eval_every and run.step % args.eval_every == 0:
            run.log({"evaluation": run.evaluate()})
            last = time.monotonic()
    run.save()
    scores = run.evaluate()
    run.log({"evaluation": scores})
    run.export(scores)


if __name__ == "__main__":
    main()
