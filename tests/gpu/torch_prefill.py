#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prefill of the Llama-3.1-8B shape with PyTorch: random bf16 weights, SDPA, cuBLAS.

Usage: torch_prefill.py N_TOKENS [--toy]. Prints one JSON object.
"""
import json
import statistics
import sys

import torch
import torch.nn.functional as F


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def main():
    n = int(sys.argv[1])
    toy = "--toy" in sys.argv
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layers, dim, heads, kv_heads, ffn, vocab = (
        (2, 128, 4, 2, 256, 512) if toy else (32, 4096, 32, 8, 14336, 128256))
    head = dim // heads
    torch.manual_seed(1)

    def weight(rows, cols):
        return torch.randn(rows, cols, device=device, dtype=torch.bfloat16) / cols**0.5

    blocks = [dict(qkv=weight(dim + 2 * kv_heads * head, dim), o=weight(dim, dim),
                   gate_up=weight(2 * ffn, dim), down=weight(dim, ffn)) for _ in range(layers)]
    embedding, output = weight(vocab, dim), weight(vocab, dim)
    ones = torch.ones(dim, device=device, dtype=torch.bfloat16)
    ids = torch.arange(n, device=device) * 7919 % vocab
    angle = torch.outer(torch.arange(n, device=device).float(),
                        500000.0 ** (-torch.arange(0, head, 2, device=device).float() / head))
    cos, sin = angle.cos().bfloat16(), angle.sin().bfloat16()

    @torch.no_grad()
    def prefill():
        x = embedding[ids]
        for w in blocks:
            qkv = F.linear(F.rms_norm(x, (dim,), ones, 1e-5), w["qkv"])
            q, k, v = qkv.split((dim, kv_heads * head, kv_heads * head), dim=-1)
            q = rotate(q.view(n, heads, head).transpose(0, 1), cos, sin)
            k = rotate(k.view(n, kv_heads, head).transpose(0, 1), cos, sin)
            v = v.view(n, kv_heads, head).transpose(0, 1)
            y = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True,
                                               enable_gqa=True)[0]
            x = x + F.linear(y.transpose(0, 1).reshape(n, dim), w["o"])
            gate, up = F.linear(F.rms_norm(x, (dim,), ones, 1e-5), w["gate_up"]).chunk(2, dim=-1)
            x = x + F.linear(F.silu(gate) * up, w["down"])
        return F.linear(F.rms_norm(x[-1:], (dim,), ones, 1e-5), output).argmax().item()

    times = []
    for i in range(8):
        if device == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            prefill()
            end.record()
            torch.cuda.synchronize()
            elapsed = begin.elapsed_time(end)
        else:
            import time
            begin = time.monotonic()
            prefill()
            elapsed = (time.monotonic() - begin) * 1000
        if i >= 3:
            times.append(elapsed)
    print(json.dumps({"ms": statistics.median(times), "least_ms": min(times),
                      "most_ms": max(times), "tokens": n, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
