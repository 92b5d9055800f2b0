# SPDX-License-Identifier: Apache-2.0
"""Writes tiny/: random models of every supported architecture, and the logits that `transformers`
computes with them in float32 (made with transformers 5.23.0, PyTorch and gguf 0.19.0).

    pip install torch transformers gguf && python make_tiny_models.py

Weights are stored as F16, so each file stays below 100 kB; the logits are those of the stored
weights. tiny/golden.json: per model the ids, the rows whose logits are kept, and the logits.
"""

import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
import transformers

TINY = pathlib.Path(__file__).parent / "tiny"
COMMON = dict(
    vocab_size=48, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
    initializer_range=0.3, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
)
PLAIN = {"rope_type": "default", "rope_theta": 1000.0}
LINEAR = {"rope_type": "linear", "rope_theta": 1000.0, "factor": 4.0}
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 1000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 16,
}
YARN = {
    "rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0,
    "original_max_position_embeddings": 16,
}
MODELS = {
    "llama_plain": (transformers.LlamaConfig, PLAIN, dict(tie_word_embeddings=False)),
    "llama_linear": (transformers.LlamaConfig, LINEAR, dict(tie_word_embeddings=True)),
    "llama_llama3": (transformers.LlamaConfig, LLAMA3, dict(tie_word_embeddings=True)),
    "llama_yarn": (transformers.LlamaConfig, YARN, dict(tie_word_embeddings=False)),
    "mistral": (transformers.MistralConfig, PLAIN, dict(sliding_window=None, head_dim=16)),
    "qwen2": (transformers.Qwen2Config, PLAIN, dict(tie_word_embeddings=True)),
    "qwen2_yarn": (transformers.Qwen2Config, YARN, dict(tie_word_embeddings=False)),
    "qwen3": (transformers.Qwen3Config, PLAIN, dict(tie_word_embeddings=False, head_dim=16)),
}
SHARDED = "qwen3"
# Written as older versions did, with the scaling in an object of its own.
OLD_STYLE = ("llama_llama3", "qwen2_yarn")
AS_GGUF = ("llama_linear", "llama_llama3", "llama_yarn", "qwen2", "qwen3")


def randomise(model, generator):
    """Norms and biases are initialised to ones and zeros, which would hide a missing one."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator) * 0.3
            if "norm" in name:
                parameter.copy_(1.0 + noise)
            elif name.endswith("bias"):
                parameter.copy_(noise)


def write_old_style(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    rope["type"] = rope.pop("rope_type")
    config["rope_scaling"] = rope
    path.write_text(json.dumps(config, indent=2))


def interleaved(weight, n_heads):
    """Rows of each head from (first half, second half) to pairs, as llama GGUF files have them."""
    rows = weight.reshape(n_heads, 2, weight.shape[0] // n_heads // 2, *weight.shape[1:])
    return rows.swapaxes(1, 2).reshape(weight.shape)


def gguf_name(name):
    top = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight":
           "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in top:
        return top[name]
    parts = name.split(".")
    inner = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }[".".join(parts[3:-1])]
    return f"blk.{parts[2]}.{inner}.{parts[-1]}"


def write_rope(writer, rope, head_dim):
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "llama3":
        plain = 1.0 / (rope["rope_theta"] ** (np.arange(0, head_dim, 2) / head_dim))
        turns = rope["original_max_position_embeddings"] * plain / (2 * np.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        smooth = (turns - low) / (high - low)
        factors = 1.0 / ((1 - smooth) / rope["factor"] + smooth)
        factors = np.where(turns < low, rope["factor"], np.where(turns > high, 1.0, factors))
        writer.add_tensor("rope_freqs.weight", factors.astype(np.float32))


def write_gguf(path, model, config, rope):
    arch = config.model_type
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer = gguf.GGUFWriter(path, arch)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    write_rope(writer, rope, head_dim)
    for name, parameter in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = parameter.numpy()
        if arch == "llama" and ".q_proj." in name:
            values = interleaved(values, config.num_attention_heads)
        if arch == "llama" and ".k_proj." in name:
            values = interleaved(values, config.num_key_value_heads)
        writer.add_tensor(gguf_name(name), values if values.ndim == 2 else values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(name, seed):
    kind, rope, more = MODELS[name]
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    config = kind(**{**COMMON, **more}, rope_parameters=dict(rope))
    model = transformers.AutoModelForCausalLM.from_config(config)
    randomise(model, generator)
    model = model.half()
    shutil.rmtree(TINY / name, ignore_errors=True)
    size = "20KB" if name == SHARDED else "1GB"
    model.save_pretrained(TINY / name, max_shard_size=size)
    (TINY / name / "generation_config.json").unlink(missing_ok=True)
    if name in OLD_STYLE:
        write_old_style(TINY / name)
    if name in AS_GGUF:
        write_gguf(TINY / f"{name}.gguf", model, config, rope)
    ids = torch.randint(0, COMMON["vocab_size"], (1, 50), generator=generator)
    # Read back rather than widened: half() would have rounded the frequencies too.
    reference = transformers.AutoModelForCausalLM.from_pretrained(TINY / name, dtype=torch.float32)
    with torch.no_grad():
        logits = reference.eval()(ids).logits[0]
    rows = [4, 49]
    return {
        "ids": ids[0].tolist(),
        "rows": rows,
        "logits": [[round(v, 6) for v in logits[row].tolist()] for row in rows],
    }


def main():
    TINY.mkdir(exist_ok=True)
    golden = {name: make(name, seed) for seed, name in enumerate(MODELS, start=1)}
    (TINY / "golden.json").write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
