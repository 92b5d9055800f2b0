# SPDX-License-Identifier: Apache-2.0
"""Tests of inference/training on a tiny random model: seconds on a CPU. Exit code 77: PyTorch absent."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "inference" / "training"))

try:
    import safetensors  # noqa: F401
    import tokenizers  # noqa: F401
    import torch
except ImportError as error:
    print(f"skipped: {error.name} is not installed (pip install -e inference/training)")
    sys.exit(77)

from kvlink_training import adapter as adapter_file
from kvlink_training.base_file import open_base
from kvlink_training.evaluate import generate
from kvlink_training.gguf import GgufError
from kvlink_training.losses import Weights, batch_losses
from kvlink_training.geometry import Geometry
from kvlink_training.model import Adapter, AdapterShape, Base, Linked
from kvlink_training.packing import Sample, build_view, pack
from kvlink_training.prompt import ChatMl
from kvlink_training.run_folder import RunFolder
from kvlink_training.samples import Mix, SampleStream
from kvlink_training.sources import (QUOTE_WORDS, ForbiddenQuestion, Passage, Question, contains_answer,
                                     drop_forbidden, question_hash, quoted_sentence, read_questions)
from kvlink_training.tokens import Tokens

GEOMETRY = Geometry(n_layers=2, n_heads=4, n_kv_heads=2, head_dim=8, model_dim=32, ffn_dim=48, vocab_size=260,
                    rms_norm_eps=1e-5, rope_theta=10000.0)
SHAPE = AdapterShape(n_header=2, n_link=3, lora_rank=4, lora_alpha=8.0)
PASSAGES = [("Cats", "The cat sleeps."), ("Dogs", "The dog barks loudly."), ("Fish", "Fish swim.")]


class ByteTokens:
    """One token per byte; stands in for the generator's vocabulary."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: list[int]) -> str:
        return bytes(i for i in ids if i < 256).decode("utf-8", "replace")

    def control(self, piece: str) -> int:
        return {"<|im_start|>": 256, "<|im_end|>": 257}[piece]


def tiny_model(shape: AdapterShape = SHAPE, seed: int = 0) -> Linked:
    return Linked(Base.random(GEOMETRY, seed), Adapter(GEOMETRY, shape, seed))


def sample(n: int = 3) -> Sample:
    return Sample("qa", PASSAGES[:n], [[("Who barks?", "dog")], [("Who swims?", "fish")]])


def view(linked: bool, shape: AdapterShape = SHAPE, s: Sample | None = None):
    return build_view(s or sample(), ChatMl(ByteTokens()), shape, GEOMETRY.vocab_size, linked)


def hidden(model: Linked, views, row_tokens: int = 700):
    rows = pack(views, row_tokens)
    return model(rows.ids, rows.positions, rows.mask())[0], rows


class MaskTest(unittest.TestCase):
    def test_passages_see_only_themselves_and_their_header(self):
        v = view(linked=True)
        mask = pack([v], len(v.ids)).mask()[0, 0]
        for q, k in torch.cartesian_prod(torch.arange(len(v.ids)), torch.arange(len(v.ids))).tolist()[::7]:
            before = v.positions[k] <= v.positions[q] and v.branches[k] in (0, v.branches[q])
            own = v.segments[q] == 0 or v.segments[k] == v.segments[q]
            self.assertEqual(bool(mask[q, k]), before and own)

    def test_the_full_view_is_causal_and_branches_do_not_meet(self):
        v = view(linked=False)
        mask = pack([v], len(v.ids)).mask()[0, 0]
        first = {b: v.branches.index(b) for b in (1, 2)}
        self.assertTrue(mask[first[1], : first[1]].all())
        self.assertFalse(mask[first[2], first[1] : first[2]].any())
        self.assertEqual(v.positions[first[1]], v.positions[first[2]])

    def test_packing_changes_nothing(self):
        model = tiny_model()
        alone, _ = hidden(model, [view(True)])
        other = view(False, s=Sample("qa", PASSAGES[1:], [[("What?", "x")]]))
        packed, rows = hidden(model, [other, view(True)], 1400)
        row, start = rows.places[1]
        n = len(view(True).ids)
        torch.testing.assert_close(packed[row, start : start + n], alone[0, :n], atol=1e-5, rtol=1e-5)

    def test_a_passage_in_context_equals_the_passage_alone(self):
        model = tiny_model()
        v = view(True)
        in_context, _ = hidden(model, [v])
        at = v.segments.index(2)
        n = v.segments.count(2)
        ids = torch.tensor([v.ids[at : at + n]])
        causal = torch.ones(n, n, dtype=torch.bool).tril()[None, None]
        alone, _ = model(ids, torch.arange(n).unsqueeze(0), causal)
        torch.testing.assert_close(in_context[0, at : at + n], alone[0], atol=1e-4, rtol=1e-4)


class TrainingTest(unittest.TestCase):
    def step(self, model, optimizer, views, tasks, rows):
        losses = batch_losses(model, views, tasks, rows, Weights())
        optimizer.zero_grad()
        losses["total"].backward()
        optimizer.step()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def test_twenty_steps_lower_the_loss_and_reach_every_part(self):
        model = tiny_model()
        optimizer = torch.optim.AdamW(model.adapter.parameters(), lr=2e-2)
        views, tasks = [view(False), view(True)], ["qa", "qa"]
        rows = pack(views, 700)
        seen = [self.step(model, optimizer, views, tasks, rows) for _ in range(20)]
        self.assertLess(seen[-1]["total"], 0.8 * seen[0]["total"])
        self.assertLess(seen[-1]["answer_linked"], seen[0]["answer_linked"])
        grads = {n: p.grad.abs().max().item() for n, p in model.adapter.named_parameters() if p.grad is not None}
        self.assertGreater(grads["header"], 0)
        self.assertGreater(grads["link"], 0)
        self.assertGreater(max(g for n, g in grads.items() if n.startswith("lora_a")), 0)

    def test_plain_text_is_held_to_the_base_model(self):
        model = tiny_model()
        plain = Sample("plain", [], [[("Hello?", "Hi there")]])
        v = view(False, s=plain)
        same = batch_losses(model, [v], ["plain"], pack([v], 256), Weights())
        self.assertLess(float(same["kl_base"].detach()), 1e-6)
        with torch.no_grad():
            for b in model.adapter.lora_b.values():
                b.add_(0.3)
        moved = batch_losses(model, [v], ["plain"], pack([v], 256), Weights())
        self.assertGreater(float(moved["kl_base"].detach()), 1e-3)

    def test_every_part_is_optional(self):
        for shape in (AdapterShape(0, 0, 4), AdapterShape(2, 0, 0), AdapterShape(0, 1, 0), AdapterShape(0, 5, 4)):
            model = tiny_model(shape)
            views = [view(False, shape), view(True, shape)]
            losses = batch_losses(model, views, ["qa", "qa"], pack(views, 700), Weights())
            self.assertTrue(torch.isfinite(losses["total"].detach()))

    def test_resuming_gives_the_same_losses(self):
        def setup():
            torch.manual_seed(0)
            model = tiny_model()
            return model, torch.optim.AdamW(model.adapter.parameters(), lr=1e-2)
        views, tasks = [view(False), view(True)], ["qa", "qa"]
        rows = pack(views, 700)
        model, optimizer = setup()
        whole = [self.step(model, optimizer, views, tasks, rows)["total"] for _ in range(6)]
        model, optimizer = setup()
        for _ in range(3):
            self.step(model, optimizer, views, tasks, rows)
        with tempfile.TemporaryDirectory() as name:
            folder = RunFolder(Path(name))
            self.assertIsNone(folder.load(model.adapter, optimizer))
            folder.save(model.adapter, optimizer, {"step": 3})
            model, optimizer = setup()
            self.assertEqual(folder.load(model.adapter, optimizer)["step"], 3)
            other = tiny_model(AdapterShape(0, 1, 0))
            with self.assertRaises(SystemExit):
                folder.load(other.adapter, optimizer)
        rest = [self.step(model, optimizer, views, tasks, rows)["total"] for _ in range(3)]
        self.assertEqual(rest, whole[3:])


class GenerationTest(unittest.TestCase):
    def test_cached_generation_equals_rereading_everything(self):
        model = tiny_model()
        v = view(True, s=Sample("qa", PASSAGES, []))
        v.add(ChatMl(ByteTokens()).question("Who?"), v.positions[-1] + 1, 0, 0)
        short = view(False, s=Sample("qa", PASSAGES[:1], []))
        answers = generate(model, [v, short], stop_id=-1)
        self.assertEqual(len(answers[0]), 32)
        for token in answers[0]:
            state, rows = hidden(model, [v])
            self.assertEqual(int(model.logits(state[0, len(v.ids) - 1]).argmax()), token)
            v.add([token], v.positions[-1] + 1, 0, 0)


class DataTest(unittest.TestCase):
    def test_forbidden_questions_are_refused(self):
        ok = [Question("s", f"unseen {i}?", ("a",), ()) for i in range(300)]
        bad = Question("s", "who got the first nobel prize in physics", ("x",), ())
        hashes = frozenset({question_hash("Who got the FIRST Nobel prize in physics?")})
        self.assertEqual(len(drop_forbidden("f", ok + [bad], hashes)), 300)
        with self.assertRaises(ForbiddenQuestion):
            drop_forbidden("f", ok[:50] + [bad], hashes)

    def test_the_evaluation_files_are_refused(self):
        data = os.environ.get("KVLINK_TEST_DATA")
        if not data:
            self.skipTest("KVLINK_TEST_DATA is not set")
        from kvlink_training.sources import forbidden_hashes
        for path in (*Path(data, "qa").glob("*.dev.*"), *Path(data, "qa").glob("*.val.*")):
            with self.assertRaises(ForbiddenQuestion, msg=path.name):
                drop_forbidden(path.name, read_questions(path), forbidden_hashes())

    def test_answers_that_normalise_to_nothing_are_dropped(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.train.jsonl.gz"
            with gzip.open(path, "wt") as file:
                file.write(json.dumps({"question": "q", "answers": ["the", "?!"], "docs": []}) + "\n")
                file.write(json.dumps({"question": "q", "answers": ["?", "cat"], "docs": []}) + "\n")
            self.assertEqual([q.answers for q in read_questions(path)], [("cat",)])

    def test_a_reply_quotes_the_sentence_that_the_question_asks_for(self):
        text = "Bern is old. The capital of Switzerland is Bern. Many visit Bern in May."
        question = Question("s", "What is the capital of Switzerland?", ("Bern",), (Passage("T", text, True),))
        self.assertEqual(question.reply, 'Bern. "The capital of Switzerland is Bern."')
        nowhere = Question("s", "Who?", ("Zug",), (Passage("T", text, True),))
        self.assertEqual(nowhere.reply, "Zug")
        whole = Question("s", "Who?", ("Bern is old",), (Passage("T", text, True),))
        self.assertEqual(whole.reply, "Bern is old")

    def test_a_long_sentence_is_cut_around_the_answer(self):
        words = [f"w{i}" for i in range(100)]
        for answer in ("w0", "w50", "w99"):
            passage = Passage("T", " ".join(words) + ".", True)
            sentence = quoted_sentence("where?", answer, (passage,))
            self.assertEqual(len(sentence.split()), QUOTE_WORDS)
            self.assertTrue(contains_answer(sentence, (answer,)))

    def test_passages_of_the_same_document_are_the_first_distractors(self):
        document = tuple(Passage("Story", f"part {i} of it", False) for i in range(6))
        questions = [Question("s", "where is it", ("here",), (Passage("Story", "it is here", True), *document))]
        questions += [Question("s", f"where is it {i}", (f"there{i}",), (Passage(f"T{i}", f"where is it there{i}", True),))
                      for i in range(20)]
        stream = SampleStream(questions, Mix(tasks={"qa": 1.0}, unanswerable=0.0), seed=1)
        self.assertEqual({title for title, _ in stream._distractors(questions[0], 2)}, {"Story"})

    def test_distractors_never_hold_an_answer_and_gold_moves(self):
        questions = [Question("s", f"where is thing{i}", (f"place{i}",),
                              (Passage(f"T{i}", f"thing{i} thing{i + 1} is at place{i}", True),)) for i in range(40)]
        stream = SampleStream(questions, Mix(tasks={"qa": 1.0}, max_passages=5, unanswerable=0.2), seed=3)
        places = set()
        n_unanswerable = 0
        for _ in range(300):
            s = next(stream)
            answer = s.branches[0][0][1].split(".")[0]
            holding = [i for i, p in enumerate(s.passages) if contains_answer(p[1], [answer])]
            n_unanswerable += s.task == "unanswerable"
            self.assertEqual(len(holding), 0 if s.task == "unanswerable" else 1)
            places.update(holding)
        self.assertEqual(places, {0, 1, 2, 3, 4})
        self.assertGreater(n_unanswerable, 20)

    def test_the_stream_resumes_where_it_was(self):
        questions = [Question("s", f"where is {i}", (f"p{i}",), (Passage("T", f"{i} is p{i}", True),)) for i in range(9)]
        a, b = (SampleStream(questions, Mix(), seed=5) for _ in range(2))
        for _ in range(4):
            next(a)
        state = a.state()
        expected = [next(a) for _ in range(5)]
        b.restore(state)
        self.assertEqual([next(b) for _ in range(5)], expected)


class ModelFileTest(unittest.TestCase):
    METADATA = {"general.architecture": "llama", "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
                "llama.embedding_length": 32, "llama.block_count": 2, "llama.feed_forward_length": 48,
                "llama.attention.layer_norm_rms_epsilon": 1e-5, "tokenizer.ggml.tokens": ["a", "b"],
                "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.merges": []}

    def file(self, tensors=(), **more):
        return SimpleNamespace(metadata={**self.METADATA, **more}, tensors=dict.fromkeys(tensors))

    def test_what_the_trainer_does_not_compute_is_refused_by_name(self):
        self.assertEqual(Geometry.from_gguf(self.file()).n_kv_heads, 2)
        scaled = (self.file(["rope_freqs.weight"]), self.file(**{"llama.rope.scaling.type": "yarn"}))
        for file, words in (*((f, "scaled rotary") for f in scaled),
                            (self.file(**{"general.architecture": "qwen2"}), "qwen2")):
            with self.assertRaisesRegex(GgufError, words + ".*--kvlink"):
                Geometry.from_gguf(file)
        with self.assertRaisesRegex(GgufError, "--kvlink"):
            open_base(Path("a-folder"))
        with self.assertRaisesRegex(GgufError, "llama-3.*--kvlink"):
            open_base(Path("a.gguf"), chat_format="llama-3")
        with self.assertRaisesRegex(GgufError, "<|im_start|>"):
            Tokens(self.file()).control("<|im_start|>")


class AdapterFileTest(unittest.TestCase):
    def test_an_adapter_survives_its_file(self):
        torch.manual_seed(0)
        model = tiny_model()
        with torch.no_grad():
            for b in model.adapter.lora_b.values():
                b.add_(torch.randn_like(b) * 0.02)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.safetensors"
            adapter_file.save_adapter(path, model.adapter, "00" * 32, {"steps": 7})
            loaded, metadata = adapter_file.load_adapter(path, GEOMETRY)
        self.assertEqual(metadata["base_sha256"], "00" * 32)
        again = Linked(model.base, loaded)
        torch.testing.assert_close(hidden(again, [view(True)])[0], hidden(model, [view(True)])[0], atol=2e-3, rtol=2e-3)


if __name__ == "__main__":
    unittest.main(verbosity=1)
