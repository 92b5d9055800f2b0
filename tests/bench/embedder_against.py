#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our embedder against PyTorch and onnxruntime: passages of 256 tokens, same weights, same threads.

    ninja kvlink_embedder_side
    python3 tests/bench/embedder_against.py FOLDER bin/kvlink_embedder_side [--threads 1] [--rounds 7]

Needs torch, transformers, safetensors, onnxruntime and onnx from PyPI, for this measurement only. Each side
takes its turn in every round; medians and bests. onnxruntime gets the graph as exported and with its own
fusions for BERT; both libraries get batches of 8 and 32. CLOCK=cpu counts processor time, for a machine
that has other work to do (with --threads 1). Ours splits the text into tokens as well.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

N_TOKENS = 256
BY_PROCESSOR = "CLOCK" in os.environ
now = time.process_time if BY_PROCESSOR else time.perf_counter


def make_texts(folder, n_texts):
    """Texts of words that are one token each, and their ids."""
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        vocabulary = [line.rstrip("\n") for line in file]
    words = [i for i, word in enumerate(vocabulary) if word.isascii() and word.isalpha() and len(word) > 2]
    chosen = random.Random(1)
    cls, sep = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    rows = [[cls, *chosen.choices(words, k=N_TOKENS - 2), sep] for _ in range(n_texts)]
    return [" ".join(vocabulary[i] for i in row[1:-1]) for row in rows], numpy.array(rows)


def load_bert(folder):
    weights = load_file(os.path.join(folder, "model.safetensors"))
    weights = {name.removeprefix("bert."): tensor.float() for name, tensor in weights.items()}
    layers = {name.split(".")[2] for name in weights if name.startswith("encoder.layer.")}
    vocab_size, dim = weights["embeddings.word_embeddings.weight"].shape
    config = BertConfig(
        vocab_size=vocab_size, hidden_size=dim, num_hidden_layers=len(layers), num_attention_heads=12,
        intermediate_size=weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=weights["embeddings.position_embeddings.weight"].shape[0])
    model = BertModel(config, add_pooling_layer=False)
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert all(name.endswith(("position_ids", "token_type_ids")) for name in missing), missing
    return model.eval()


def pooled(states):
    mean = states.mean(axis=1)
    return mean / numpy.linalg.norm(mean, axis=1, keepdims=True)


def export(model, path):
    class States(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = model

        def forward(self, input_ids, attention_mask):
            return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    ids = torch.ones((2, N_TOKENS), dtype=torch.long)
    batch = torch.export.Dim("batch")
    torch.onnx.export(States().eval(), (ids, torch.ones_like(ids)), path, input_names=["input_ids", "attention_mask"],
                      dynamic_shapes=({0: batch}, {0: batch}), dynamo=True, external_data=False)


def onnx_sides(model, ids, threads, folder):
    import onnxruntime
    plain = os.path.join(folder, "plain.onnx")
    export(model, plain)
    paths = {"onnxruntime": plain}
    try:
        from onnxruntime.transformers import optimizer
        fused = os.path.join(folder, "fused.onnx")
        optimizer.optimize_model(plain, model_type="bert", num_heads=12, hidden_size=model.config.hidden_size,
                                 opt_level=1).save_model_to_file(fused)
        paths["onnxruntime, BERT fusions"] = fused
    except Exception as error:  # what the library cannot fuse it has no side for
        print(f"no fused graph: {error}", file=sys.stderr)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    for name, path in paths.items():
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

        def run(batch, session=session):
            vectors = []
            for i in range(0, len(ids), batch):
                part = ids[i:i + batch]
                vectors.append(pooled(session.run(
                    None, {"input_ids": part, "attention_mask": numpy.ones_like(part)})[0]))
            return numpy.concatenate(vectors)
        yield name, run


def torch_side(model, ids):
    def run(batch):
        vectors = []
        with torch.inference_mode():
            for i in range(0, len(ids), batch):
                states = model(input_ids=torch.from_numpy(ids[i:i + batch])).last_hidden_state
                vectors.append(pooled(states.numpy()))
        return numpy.concatenate(vectors)
    return run


class Ours:
    def __init__(self, program, folder, threads, texts, scratch):
        path = os.path.join(scratch, "texts")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(texts) + "\n")
        self.process = subprocess.Popen([program, folder, str(threads), path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return [float(value) for value in self.process.stdout.readline().split()]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", help="model.safetensors and vocab.txt")
    arguments.add_argument("program", help="kvlink_embedder_side")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--texts", type=int, default=32)
    chosen = arguments.parse_args()
    torch.set_num_threads(chosen.threads)
    texts, ids = make_texts(chosen.folder, chosen.texts)
    model = load_bert(chosen.folder)
    with tempfile.TemporaryDirectory() as scratch:
        ours = Ours(chosen.program, chosen.folder, chosen.threads, texts, scratch)
        expected = numpy.array(ours.ask("vectors")).reshape(len(texts), -1)
        sides = {}
        runs = {"PyTorch": torch_side(model, ids), **dict(onnx_sides(model, ids, chosen.threads, scratch))}
        for name, run in runs.items():
            cosines = (run(8) * expected).sum(axis=1)
            print(f"{name}: least cosine with ours {cosines.min():.7f}", file=sys.stderr)
            for batch in (8, 32):
                sides[f"{name}, batch {batch}"] = lambda run=run, batch=batch: run(batch)
        times = {"ours": []} | {name: [] for name in sides}
        for _ in range(chosen.rounds):
            times["ours"] += ours.ask("time")
            for name, run in sides.items():
                begin = now()
                run()
                times[name].append(now() - begin)
    best = min(statistics.median(values) for name, values in times.items() if name != "ours")
    print(f"{len(texts)} texts of {N_TOKENS} tokens, {chosen.threads} thread(s), {chosen.rounds} rounds, "
          f"{'processor' if BY_PROCESSOR else 'wall'} time")
    print("| side | texts/s, median (best) | tokens/s |\n|---|---|---|")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| {name} | {len(texts) / median:.1f} ({len(texts) / min(values):.1f}) | "
              f"{len(texts) * N_TOKENS / median:.0f} |")
    print(f"ours ÷ the fastest of them: {best / statistics.median(times['ours']):.2f}")


if __name__ == "__main__":
    main()
