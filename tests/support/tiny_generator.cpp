// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/utf8.h"
#include "tests/support/random_floats.h"
#include "tests/support/tiny_model.h"

namespace kvlink::tests {
namespace {

constexpr std::int32_t kNormalToken = 1;
constexpr std::int32_t kControlToken = 3;

constexpr std::string_view kChatMl =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
    "}}{% endif %}";

/// The character that GPT-2's byte-level BPE writes for a byte (Radford et al. 2019): printable
/// bytes stand for themselves, the others are numbered from U+0100.
std::string byte_character(int byte) {
  const auto is_printable = [](int b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
  };
  std::uint32_t code_point = 0x100;
  for (int b = 0; b < byte; ++b) code_point += is_printable(b) ? 0 : 1;
  std::string text;
  append_utf8(text, is_printable(byte) ? static_cast<std::uint32_t>(byte) : code_point);
  return text;
}

void set_vocabulary(GgufWriter& file) {
  std::vector<std::string> tokens{"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  std::vector<std::int32_t> types(3, kControlToken);
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(byte_character(byte));
  const std::array<std::array<std::string, 2>, 10> pairs{{{"Ġ", "t"},
                                                          {"Ġ", "a"},
                                                          {"h", "e"},
                                                          {"i", "n"},
                                                          {"r", "e"},
                                                          {"o", "n"},
                                                          {"Ġt", "he"},
                                                          {"e", "r"},
                                                          {"a", "t"},
                                                          {"in", "g"}}};
  std::vector<std::string> merges;
  for (const auto& [left, right] : pairs) {
    merges.push_back(left + " " + right);
    tokens.push_back(left + right);
  }
  // Unused pieces fill the vocabulary up to a multiple of 32.
  while (tokens.size() % 32 != 0) tokens.push_back("unused" + std::to_string(tokens.size()));
  types.resize(tokens.size(), kNormalToken);
  file.set_text("tokenizer.ggml.model", "gpt2");
  file.set_text("tokenizer.ggml.pre", "smollm");
  file.set_texts("tokenizer.ggml.tokens", tokens);
  file.set_i32s("tokenizer.ggml.token_type", types);
  file.set_texts("tokenizer.ggml.merges", merges);
  file.set_u32("tokenizer.ggml.bos_token_id", 1);
  file.set_u32("tokenizer.ggml.eos_token_id", 2);
  file.set_u32("tokenizer.ggml.unknown_token_id", 0);
  file.set_bool("tokenizer.ggml.add_bos_token", false);
  file.set_bool("tokenizer.ggml.add_space_prefix", false);
  file.set_text("tokenizer.chat_template", kChatMl);
}

constexpr std::int32_t kVocabulary = 288;  // 3 + 256 + 10, rounded up

void set_geometry(GgufWriter& file, const TinyModelOptions& o) {
  file.set_text("general.architecture", "llama");
  file.set_text("general.name", "tiny");
  file.set_u32("llama.block_count", static_cast<std::uint32_t>(o.n_layers));
  file.set_u32("llama.context_length", static_cast<std::uint32_t>(o.context_length));
  file.set_u32("llama.embedding_length", static_cast<std::uint32_t>(o.model_dim));
  file.set_u32("llama.feed_forward_length", static_cast<std::uint32_t>(o.ffn_dim));
  file.set_u32("llama.attention.head_count", static_cast<std::uint32_t>(o.n_heads));
  file.set_u32("llama.attention.head_count_kv", static_cast<std::uint32_t>(o.n_kv_heads));
  file.set_u32("llama.rope.dimension_count", static_cast<std::uint32_t>(o.model_dim / o.n_heads));
  file.set_f32("llama.rope.freq_base", 10'000.0F);
  file.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5F);
}

/// Weights uniform with the variance 1 / cols, so that activations keep their size.
void add_matrix(GgufWriter& file, RandomFloats& random, const std::string& name, DType dtype,
                std::int32_t rows, std::int32_t cols) {
  const float spread = std::sqrt(3.0F / static_cast<float>(cols));
  file.add_tensor(name, dtype, static_cast<std::uint64_t>(rows),
                  random.uniform(std::int64_t{rows} * cols, spread));
}

void add_norm(GgufWriter& file, RandomFloats& random, const std::string& name, std::int32_t n) {
  file.add_tensor(name, DType::kF32, 0, random.uniform(n, 0.2F, 1.0F));
}

void add_layer(GgufWriter& file, RandomFloats& random, const TinyModelOptions& o,
               std::int32_t layer) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  const std::int32_t kv_dim = o.model_dim / o.n_heads * o.n_kv_heads;
  add_norm(file, random, prefix + "attn_norm.weight", o.model_dim);
  add_matrix(file, random, prefix + "attn_q.weight", o.dtype, o.model_dim, o.model_dim);
  add_matrix(file, random, prefix + "attn_k.weight", o.dtype, kv_dim, o.model_dim);
  add_matrix(file, random, prefix + "attn_v.weight", o.dtype, kv_dim, o.model_dim);
  add_matrix(file, random, prefix + "attn_output.weight", o.dtype, o.model_dim, o.model_dim);
  add_norm(file, random, prefix + "ffn_norm.weight", o.model_dim);
  add_matrix(file, random, prefix + "ffn_gate.weight", o.dtype, o.ffn_dim, o.model_dim);
  add_matrix(file, random, prefix + "ffn_up.weight", o.dtype, o.ffn_dim, o.model_dim);
  add_matrix(file, random, prefix + "ffn_down.weight", o.dtype, o.model_dim, o.ffn_dim);
}

}  // namespace

GgufWriter tiny_generator(const TinyModelOptions& options) {
  GgufWriter file;
  RandomFloats random(options.seed);
  set_geometry(file, options);
  set_vocabulary(file);
  add_matrix(file, random, "token_embd.weight", options.dtype, kVocabulary, options.model_dim);
  for (std::int32_t layer = 0; layer < options.n_layers; ++layer) {
    add_layer(file, random, options, layer);
  }
  add_norm(file, random, "output_norm.weight", options.model_dim);
  if (!options.tied_output) {
    add_matrix(file, random, "output.weight", options.dtype, kVocabulary, options.model_dim);
  }
  return file;
}

void write_tiny_generator(const std::filesystem::path& path, const TinyModelOptions& options) {
  write_file(path, tiny_generator(options).bytes());
}

}  // namespace kvlink::tests
