# SPDX-License-Identifier: Apache-2.0
"""What both ways of training are asked on the command line."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path


def run_options(about: str, *, steps: int, warmup: int, eval_every: int, checkpoint_every: int) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--base", type=Path, required=True, help="the model the app runs: GGUF file or Hugging Face folder")
    p.add_argument("--kvlink", type=Path, help="the kvlink program, which says what the model is and writes its prompts; "
                   "without it: llama files with plain rotary positions, ChatML and SmolLM's or GPT-2's vocabulary")
    p.add_argument("--chat-format", default="default", help="a name that kvlink knows; default: by the model's template")
    p.add_argument("--data", type=Path, default=os.environ.get("KVLINK_TRAIN_DATA"), help="folder of *.train.jsonl[.gz]")
    p.add_argument("--run", type=Path, required=True, help="checkpoints, log.jsonl, adapter.safetensors")
    p.add_argument("--eval", type=Path, action="append", default=[], help="question file(s) checked during training")
    p.add_argument("--eval-limit", type=int, default=60)
    p.add_argument("--eval-passages", type=int, nargs="*", default=[3, 10])
    p.add_argument("--eval-every", type=int, default=eval_every, help="steps; 0: only at the end")
    p.add_argument("--steps", type=int, default=steps)
    p.add_argument("--link", type=int, default=5)
    p.add_argument("--rank", type=int, default=16)
    p.add_argument("--alpha", type=float, default=32.0)
    p.add_argument("--lr-lora", type=float, default=1e-3)
    p.add_argument("--lr-soft", type=float, default=3e-3)
    p.add_argument("--warmup", type=int, default=warmup)
    p.add_argument("--mix", type=json.loads, default={}, help='JSON, e.g. {"max_passages": 3}')
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--minutes", type=float, default=0, help="stop (with a checkpoint) after so long; 0: no limit")
    p.add_argument("--checkpoint-every", type=int, default=checkpoint_every)
    return p


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    args = parser.parse_args()
    if args.data is None:
        parser.error("name the training data with --data or KVLINK_TRAIN_DATA")
    args.data = Path(args.data)
    return args
