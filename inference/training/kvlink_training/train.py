# SPDX-License-Identifier: Apache-2.0
"""Trains an adapter. Resumes from the newest checkpoint of its run folder.

python -m kvlink_training.train --base MODEL.gguf --data FOLDER --run FOLDER [options]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict

import torch

from . import adapter as adapter_file
from .evaluate import accuracy
from .base_file import open_base
from .losses import Weights, batch_losses
from .model import Adapter, AdapterShape, Base, Linked, layer_forward
from .options import parsed, run_options
from .packing import Sample, View, build_view, pack
from .run_folder import RunFolder, trained_parameters
from .samples import Mix, SampleStream
from .schedule import peak_share
from .sources import read_questions, read_training_folder


def arguments() -> argparse.ArgumentParser:
    p = run_options(__doc__, steps=2500, warmup=50, eval_every=500, checkpoint_every=100)
    p.add_argument("--samples-per-step", type=int, default=16)
    p.add_argument("--row-tokens", type=int, default=2304)
    p.add_argument("--rows-per-pass", type=int, default=8, help="packed rows per forward pass")
    p.add_argument("--header", type=int, default=4)
    p.add_argument("--weights", type=json.loads, default={}, help='JSON, e.g. {"kl_linked": 0}')
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--compile", action="store_true", help="torch.compile each layer")
    p.add_argument("--threads", type=int, default=0, help="0: PyTorch's choice")
    return p


class Run:
    """One training run: model, optimiser, sample stream, and their state on disk."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.file = open_base(args.base, args.kvlink, args.chat_format)
        self.prompt = self.file.prompt
        self.base = Base.read(self.file, torch.bfloat16, args.device)
        shape = AdapterShape(args.header, args.link, args.rank, args.alpha)
        adapter = Adapter(self.base.geometry, shape, args.seed)
        adapter.start_from(self.base, self.prompt.prefix(), self.prompt.tokens.encode("\n\nSource: "))
        self.model = Linked(self.base, adapter.to(args.device))
        if args.compile:
            self.model.layer_forward = torch.compile(layer_forward, dynamic=False)
        self.stream = SampleStream(read_training_folder(args.data), Mix(**args.mix), args.seed)
        self.weights = Weights(**args.weights)
        self.optimizer = torch.optim.AdamW(trained_parameters(adapter, args.lr_soft, args.lr_lora),
                                           betas=(0.9, 0.98), weight_decay=0.0)
        self.step = 0
        self.n_samples = 0
        self.folder = RunFolder(args.run)

    def views(self, sample: Sample) -> list[View]:
        """Full and linked view of a sample (linked alone where no objective wants the full one), distractors
        dropped until both fit a row."""
        build = lambda linked: build_view(sample, self.prompt, self.model.adapter.shape,
                                          self.base.geometry.vocab_size, linked)
        if sample.task == "plain":
            return [build(False)]
        while True:
            linked = build(True)
            if len(linked.ids) <= self.args.row_tokens:
                return [build(False), linked] if self.weights.want_full else [linked]
            if len(sample.branches) > 1:
                sample.branches.pop()
            else:
                sample.passages.pop()

    def train_step(self) -> dict[str, float]:
        samples = [next(self.stream) for _ in range(self.args.samples_per_step)]
        self.n_samples += len(samples)
        passes = self._passes(samples)
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for views, tasks in passes:
            n_rows = self.args.rows_per_pass if tasks[0] != "plain" else None
            rows = pack(views, self.args.row_tokens if tasks[0] != "plain" else 256, n_rows).to(self.args.device)
            losses = batch_losses(self.model, views, tasks, rows, self.weights)
            share = len([t for t in tasks if (t == "plain") == (tasks[0] == "plain")]) / sum(
                len(t) for _, t in passes if (t[0] == "plain") == (tasks[0] == "plain"))
            (losses["total"] * share).backward()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + share * float(loss.detach())
        norm = torch.nn.utils.clip_grad_norm_(self.model.adapter.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * peak_share(self.step, self.args.warmup, self.args.steps)
        self.optimizer.step()
        self.step += 1
        return sums | {"grad_norm": float(norm)}

    def _passes(self, samples: list[Sample]) -> list[tuple[list[View], list[str]]]:
        """Batches that fit rows_per_pass rows; views of a pair stay together; plain text apart."""
        passes: list[tuple[list[View], list[str]]] = []
        plain: tuple[list[View], list[str]] = ([], [])
        budget = self.args.rows_per_pass * self.args.row_tokens
        for sample in samples:
            views = self.views(sample)
            if sample.task == "plain":
                plain[0].extend(views)
                plain[1].append("plain")
                continue
            if not passes or not self._fits(passes[-1][0] + views, budget):
                passes.append(([], []))
            passes[-1][0].extend(views)
            passes[-1][1].extend([sample.task] * len(views))
        return passes + ([plain] if plain[0] else [])

    def _fits(self, views: list[View], budget: int) -> bool:
        if sum(len(v.ids) for v in views) > budget:
            return False
        return len(pack(views, self.args.row_tokens).ids) <= self.args.rows_per_pass

    def evaluate(self) -> dict[str, float]:
        out = {}
        for path in self.args.eval:
            questions = read_questions(path)[: self.args.eval_limit]
            for n_passages in self.args.eval_passages:
                for linked in (False, True):
                    mode = "link" if linked else "full"
                    report = accuracy(self.model, self.prompt, questions, n_passages, linked)
                    out[f"{path.name.split('.')[0]}/{mode}/{n_passages}"] = report["accuracy"]
        return out

    def save(self) -> None:
        self.folder.save(self.model.adapter, self.optimizer,
                         {"step": self.step, "n_samples": self.n_samples, "stream": self.stream.state()})

    def resume(self) -> bool:
        state = self.folder.load(self.model.adapter, self.optimizer, self.args.device)
        if state is None:
            return False
        self.stream.restore(state["stream"])
        self.step, self.n_samples = state["step"], state["n_samples"]
        return True

    def log(self, record: dict) -> None:
        self.folder.log({"step": self.step, "samples": self.n_samples} | record)

    def export(self, evaluation: dict[str, float]) -> None:
        about = {"steps": self.step, "samples": self.n_samples, "seed": self.args.seed,
                 "weights": asdict(self.weights), "mix": asdict(self.stream.mix),
                 "system": self.prompt.system, "evaluation": evaluation,
                 "trainer_commit": os.environ.get("KVLINK_COMMIT", "")}
        adapter_file.save_adapter(self.args.run / "adapter.safetensors", self.model.adapter, self.file.sha256(), about)


def main() -> None:
    args = parsed(arguments())
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    run = Run(args)
    if run.resume():
        print(f"resumed at step {run.step}")
    started, tokens_since, last = time.monotonic(), run.step, time.monotonic()
    while run.step < args.steps and not (args.minutes and time.monotonic() - started > 60 * args.minutes):
        losses = run.train_step()
        if run.step % 10 == 0:
            seconds = (time.monotonic() - last) / (run.step - tokens_since)
            tokens_since, last = run.step, time.monotonic()
            run.log({"losses": losses, "seconds_per_step": round(seconds, 3), "rate": peak_share(run.step, args.warmup, args.steps)})
            print(f"step {run.step} {' '.join(f'{k} {v:.3f}' for k, v in losses.items())} {seconds:.2f} s/step", flush=True)
        if run.step % args.checkpoint_every == 0:
            run.save()
        if args.eval_every and run.step % args.eval_every == 0:
            scores = run.evaluate()
            run.log({"evaluation": scores})
            run.export(scores)
            print(f"step {run.step} evaluation {scores}", flush=True)
    run.save()
    scores = run.evaluate()
    run.log({"evaluation": scores})
    run.export(scores)
    print(f"step {run.step} of {args.steps}: {scores}")


if __name__ == "__main__":
    main()
