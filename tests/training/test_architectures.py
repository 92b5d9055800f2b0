# SPDX-License-Identifier: Apache-2.0
"""Tests of training on any model that the program opens: KVLINK_PROGRAM names it (ctest does). Exit code
77: PyTorch or the program absent. That the app computes the same with the adapters is link_golden_test."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_training import ROOT  # noqa: E402  (exits 77 without PyTorch)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from kvlink_training import train_rows  # noqa: E402
from kvlink_training.base_file import open_base  # noqa: E402
from kvlink_training.gguf import GgufFile  # noqa: E402
from kvlink_training.model import Adapter, AdapterShape, Base, Linked  # noqa: E402
from kvlink_training.options import parsed  # noqa: E402
from kvlink_training.program import Program, ProgramError  # noqa: E402
from kvlink_training.prompt import ProgramPrompt  # noqa: E402
from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

PROGRAM = os.environ.get("KVLINK_PROGRAM", "")
TINY = ROOT / "tests" / "golden" / "tiny"
MARKS = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
         "<|eot_id|>", "[INST]", "[/INST]", "<|system|>", "<|user|>", "<|assistant|>"]
TEXTS = ["Who barks?", "  two  spaces\n\n\nand lines.\n", "naïve café, 12345 km — ☕", "<|im_end|> is text here", ""]


def byte_letters() -> list[str]:
    """How byte-level vocabularies spell the bytes 0 … 255."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, n = [], 0
    for byte in range(256):
        letters.append(chr(byte if byte in plain else 256 + n))
        n += byte not in plain
    return letters


def write_model(folder: Path, config: dict, seed: int = 1) -> None:
    """A random model of 2 layers with a vocabulary of bytes and every format's marks."""
    vocab = {letter: i for i, letter in enumerate(byte_letters())}
    added = [{"id": 256 + i, "content": mark, "special": True} for i, mark in enumerate(MARKS)]
    n = len(vocab) + len(added)
    tokenizer = {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}, "added_tokens": added,
                 "model": {"type": "BPE", "vocab": vocab, "merges": []}}
    whole = {"vocab_size": n, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
             "bos_token_id": 256, "eos_token_id": 257, **config}
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "config.json").write_text(json.dumps(whole))
    generator = torch.Generator().manual_seed(seed)
    head = whole.get("head_dim", 8)
    shapes = {"self_attn.q_proj.weight": (4 * head, 32), "self_attn.k_proj.weight": (2 * head, 32),
              "self_attn.v_proj.weight": (2 * head, 32), "self_attn.o_proj.weight": (32, 4 * head),
              "mlp.gate_proj.weight": (48, 32), "mlp.up_proj.weight": (48, 32), "mlp.down_proj.weight": (32, 48),
              "input_layernorm.weight": (32,), "post_attention_layernorm.weight": (32,)}
    if whole["model_type"] == "qwen2":
        shapes |= {"self_attn.q_proj.bias": (4 * head,), "self_attn.k_proj.bias": (2 * head,),
                   "self_attn.v_proj.bias": (2 * head,)}
    if whole["model_type"] == "qwen3":
        shapes |= {"self_attn.q_norm.weight": (head,), "self_attn.k_norm.weight": (head,)}
    tensors = {"model.embed_tokens.weight": (n, 32), "model.norm.weight": (32,)}
    tensors |= {f"model.layers.{layer}.{name}": shape for layer in range(2) for name, shape in shapes.items()}
    draw = lambda shape: (torch.randn(*shape, generator=generator) * 0.2 + (len(shape) == 1)).contiguous()
    save_file({name: draw(shape) for name, shape in tensors.items()}, str(folder / "model.safetensors"))


QWEN2 = {"model_type": "qwen2", "tie_word_embeddings": True}
QWEN3 = {"model_type": "qwen3", "tie_word_embeddings": True, "head_dim": 16}


class GoldenTest(unittest.TestCase):
    """Logits that `transformers` computed; the app's engine equals them too (golden_tiny_test)."""

    def test_every_architecture_and_file_computes_the_golden_logits(self):
        golden = json.loads((TINY / "golden.json").read_text())
        paths = [p for p in sorted(TINY.iterdir()) if p.is_dir() or p.suffix == ".gguf"]
        self.assertEqual(len(paths), 13)
        for path in paths:
            expected = golden[path.stem]
            file = open_base(path, Path(PROGRAM))
            base = Base.read(file, torch.float32, "cpu")
            model = Linked(base, Adapter(base.geometry, AdapterShape(0, 0, 0)))
            ids = torch.tensor([expected["ids"]])
            n = ids.shape[1]
            causal = torch.ones(n, n, dtype=torch.bool).tril()[None, None]
            with torch.no_grad():
                hidden, _ = model(ids, torch.arange(n).unsqueeze(0), causal)
                logits = model.logits(hidden[0, expected["rows"]])
            torch.testing.assert_close(logits, torch.tensor(expected["logits"]), atol=2e-4, rtol=2e-4, msg=path.name)

    @unittest.skipUnless(importlib.util.find_spec("gguf"), "the package gguf is not installed")
    def test_every_quantisation_equals_the_independent_reference(self):
        kinds = {"q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_k": 10, "q3_k": 11, "q4_k": 12, "q5_k": 13,
                 "q6_k": 14, "iq4_nl": 20}
        cases = json.loads((TINY.parent / "quants.json").read_text())
        self.assertEqual(set(cases), set(kinds))
        for name, case in cases.items():
            expected = np.frombuffer(bytes.fromhex(case["values"]), "<f4")
            with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
                file.write(bytes.fromhex(case["blocks"]))
                file.flush()
                read = GgufFile(Path(file.name), tensors={"w": ((1, expected.size), kinds[name], 0)}).tensor("w")
            self.assertTrue(np.array_equal(read[0], expected), name)

    def test_a_model_without_a_tokenizer_is_not_trained(self):
        with self.assertRaisesRegex(ValueError, "no tokenizer"):
            open_base(TINY / "qwen2", Path(PROGRAM)).prompt


class PromptTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.model = Path(folder.name) / "model"
        write_model(self.model, QWEN2)

    def program(self, model: Path, chat_format: str = "default") -> Program:
        child = Program(Path(PROGRAM), model, chat_format)
        self.addCleanup(child.close)
        return child

    def test_every_chat_format_ends_an_answer_with_a_token_that_stops_the_app(self):
        for name in ("chatml", "llama-3", "llama-2", "mistral", "zephyr", "plain"):
            child = self.program(self.model, name)
            prompt = ProgramPrompt(child)
            self.assertEqual(child.about["chat_format"], name)
            self.assertIn(prompt.stop(), child.about["stop_ids"])
            self.assertEqual(prompt.answer("yes")[-1], prompt.stop())
            turns = prompt.answer("yes") + prompt.next_user_turn()
            closing = child.encode("yes") + child.about["next_turn"]
            # In plain text nothing but the end of text ends an answer, and the app writes none between turns.
            expected = [*child.encode("yes"), 257, *child.about["next_turn"]] if name == "plain" else closing
            self.assertEqual(turns, expected, name)
            self.assertIn("Question: Why?", child.decode(prompt.question("Why?")))
            self.assertIn(prompt.system, child.decode(prompt.prefix()))

    def test_a_long_passage_is_cut_and_keeps_its_end(self):
        prompt = ProgramPrompt(self.program(self.model), max_passage_tokens=40)
        ids = prompt.passage("Title", "word " * 100)
        self.assertLessEqual(len(ids), 42)
        self.assertGreater(len(ids), 30)
        self.assertTrue(prompt.tokens.decode(ids).startswith("Title\nword word"))
        self.assertTrue(prompt.tokens.decode(ids).endswith("\n\n"))

    def test_ids_equal_those_that_the_package_writes_alone(self):
        folder = Path(os.environ.get("KVLINK_MODELS", Path.home() / ".local/share/kvlink/models"))
        path = folder / "SmolLM2-135M-Instruct.Q4_1.gguf"
        if not path.exists():
            self.skipTest(f"{path} is not there")
        alone, child = open_base(path).prompt, ProgramPrompt(self.program(path))
        self.assertEqual(alone.prefix(), child.prefix())
        self.assertEqual(alone.next_user_turn(), child.next_user_turn())
        self.assertEqual(alone.stop(), child.stop())
        for text in TEXTS:
            self.assertEqual(alone.passage("A title", text), child.passage("A title", text), text)
            self.assertEqual(alone.question(text), child.question(text))
            self.assertEqual(alone.answer(text), child.answer(text))

    def test_errors_are_the_programs_own_words(self):
        with self.assertRaisesRegex(ProgramError, "nowhere"):
            open_base(Path("nowhere.gguf"), Path(PROGRAM))
        child = self.program(self.model)
        with self.assertRaisesRegex(ProgramError, "not a list of ids"):
            child.decode([10 ** 9])
        with self.assertRaisesRegex(ProgramError, "one of describe"):
            child.ask(wrong=1)
        self.assertEqual(child.decode(child.encode("goes on \ud800")), "goes on ?")


class EndToEndTest(unittest.TestCase):
    def test_one_command_trains_an_adapter_for_another_architecture(self):
        for config in (QWEN2, QWEN3):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_model(folder / "model", config)
                (folder / "data").mkdir()
                lines = [{"question": f"What is at place {i}?", "answers": [f"thing{i}"], "docs": [
                    {"title": f"T{i}", "text": f"At place {i} is thing{i}.", "gold": True}]} for i in range(12)]
                (folder / "data" / "a.train.jsonl").write_text("\n".join(map(json.dumps, lines)))
                command = ["train_rows", "--base", str(folder / "model"), "--kvlink", PROGRAM, "--chat-format", "llama-3",
                           "--data", str(folder / "data"), "--run", str(folder / "run"), "--steps", "2", "--eval-every", "0",
                           "--rank", "2", "--link", "2", "--shelf-tokens", "4000", "--rows-per-pass", "120",
                           "--passes", "1", "--mix", '{"max_passages": 2}']
                with mock.patch.object(sys, "argv", command):
                    self.assertEqual(parsed(train_rows.arguments()).chat_format, "llama-3")
                    train_rows.main()
                file = open_base(folder / "model", Path(PROGRAM))
                with safe_open(str(folder / "run" / "adapter.safetensors"), "pt") as adapter:
                    self.assertEqual(adapter.metadata()["base_sha256"], file.sha256())
                    moved = adapter.get_tensor("lora.0.q.b")
                    self.assertEqual(tuple(moved.shape), (file.geometry.shape("q")[0], 2))
                    self.assertGreater(float(moved.abs().max()), 0)


if __name__ == "__main__":
    if not PROGRAM:
        print("skipped: KVLINK_PROGRAM does not name the kvlink program")
        sys.exit(77)
    unittest.main(verbosity=1)
