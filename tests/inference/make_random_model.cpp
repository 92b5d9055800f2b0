// SPDX-License-Identifier: Apache-2.0
// Writes a model of a published shape with random weights, to measure loading, memory and speed
// where the real one cannot be had. Its text is noise.
//
//   make_random_model SHAPE FILE.gguf [TYPE] [tokenizer.model with Llama 3's ranks]
//
// SHAPE is 1b (Llama-3.2-1B), 3b (Llama-3.2-3B) or 8b (Llama-3.1-8B); TYPE q4_0 (default), q4_1,
// q5_0, q5_1, q8_0, q4_k, q6_k, f16. Weights are streamed: memory stays at a few MiB.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "inference/convert/gguf_writer.h"
#include "inference/convert/quantize.h"
#include "inference/model/limits.h"
#include "inference/model/mapped_file.h"
#include "inference/tokenizer/gguf_vocabulary.h"
#include "tests/support/random_floats.h"

namespace kvlink {
namespace {

using inference::GgufFileWriter;

struct Shape {
  std::string_view name;
  std::int32_t n_layers, model_dim, ffn_dim, n_heads, n_kv_heads, head_dim;
  bool is_tied;
};

constexpr Shape kShapes[] = {{"1b", 16, 2048, 8192, 32, 8, 64, true},
                             {"3b", 28, 3072, 8192, 24, 8, 128, true},
                             {"8b", 32, 4096, 14336, 32, 8, 128, false}};
constexpr std::int32_t kVocabulary = 128'256;
constexpr std::int64_t kPatternBytes = std::int64_t{8} << 20;

void write_keys(const Shape& shape, const char* ranks, GgufFileWriter& out) {
  const auto count = [&](const char* key, std::int32_t value) {
    out.set_u32(std::string("llama.") + key, static_cast<std::uint32_t>(value));
  };
  out.set_text("general.architecture", "llama");
  out.set_text("general.name", "random " + std::string(shape.name));
  count("block_count", shape.n_layers);
  count("context_length", 131'072);
  count("embedding_length", shape.model_dim);
  count("feed_forward_length", shape.ffn_dim);
  count("attention.head_count", shape.n_heads);
  count("attention.head_count_kv", shape.n_kv_heads);
  count("attention.key_length", shape.head_dim);
  count("attention.value_length", shape.head_dim);
  count("rope.dimension_count", shape.head_dim);
  out.set_f32("llama.rope.freq_base", 500'000.0F);
  out.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  if (ranks == nullptr) return;
  inference::TokenizerSource source;
  source.kind = "tokenizer.model";
  source.model_bytes = inference::read_small_file(ranks, inference::limits::kMaxTokenizerBytes);
  const auto v = inference::gguf_vocabulary(source, kVocabulary);
  out.set_text("tokenizer.ggml.model", v.kind);
  out.set_text("tokenizer.ggml.pre", v.pre);
  out.set_texts("tokenizer.ggml.tokens", v.tokens);
  out.set_integers("tokenizer.ggml.token_type", v.types);
  out.set_texts("tokenizer.ggml.merges", v.merges);
  out.set_u32("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(v.bos_id));
  out.set_u32("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(v.eos_id));
  out.set_flag("tokenizer.ggml.add_bos_token", true);
  out.set_text("tokenizer.chat_template", "<|start_header_id|> <|end_header_id|> <|eot_id|>");
}

std::vector<bool> add_tensors(const Shape& shape, DType dtype, GgufFileWriter& out) {
  std::vector<bool> is_norm;
  const auto matrix = [&](const std::string& name, std::int64_t rows, std::int64_t cols) {
    const std::int64_t both[] = {rows, cols};
    out.add_tensor(name + ".weight", dtype, both);
    is_norm.push_back(false);
  };
  const auto norm = [&](const std::string& name, std::int64_t n) {
    out.add_tensor(name + ".weight", DType::kF32, std::span(&n, 1));
    is_norm.push_back(true);
  };
  const std::int64_t q = std::int64_t{shape.n_heads} * shape.head_dim;
  const std::int64_t kv = std::int64_t{shape.n_kv_heads} * shape.head_dim;
  matrix("token_embd", kVocabulary, shape.model_dim);
  norm("output_norm", shape.model_dim);
  if (!shape.is_tied) matrix("output", kVocabulary, shape.model_dim);
  for (std::int32_t layer = 0; layer < shape.n_layers; ++layer) {
    const std::string in = "blk." + std::to_string(layer) + ".";
    norm(in + "attn_norm", shape.model_dim);
    matrix(in + "attn_q", q, shape.model_dim);
    matrix(in + "attn_k", kv, shape.model_dim);
    matrix(in + "attn_v", kv, shape.model_dim);
    matrix(in + "attn_output", shape.model_dim, q);
    norm(in + "ffn_norm", shape.model_dim);
    matrix(in + "ffn_gate", shape.ffn_dim, shape.model_dim);
    matrix(in + "ffn_up", shape.ffn_dim, shape.model_dim);
    matrix(in + "ffn_down", shape.model_dim, shape.ffn_dim);
  }
  return is_norm;
}

/// Whole super-blocks of random numbers, in the type; matrices take them from different places.
std::vector<std::byte> random_blocks(DType dtype) {
  constexpr std::int64_t kRow = 256;
  const std::int64_t each = row_bytes(dtype, kRow);
  std::vector<std::byte> blocks(static_cast<std::size_t>(kPatternBytes / each * each));
  tests::RandomFloats random(1);
  for (std::int64_t at = 0; at < std::ssize(blocks); at += each) {
    KVLINK_CHECK(inference::quantize_row(dtype, random.uniform(kRow, 0.03F), blocks.data() + at));
  }
  return blocks;
}

void write_random(std::int64_t n_bytes, std::span<const std::byte> blocks, std::int64_t each,
                  std::size_t tensor, PendingFile& out) {
  const std::int64_t n_blocks = std::ssize(blocks) / each;
  std::int64_t at = static_cast<std::int64_t>(tensor * 7919) % n_blocks * each;
  while (n_bytes > 0) {
    const std::int64_t n = std::min(n_bytes, std::ssize(blocks) - at);
    out.write(blocks.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(n)));
    n_bytes -= n;
    at = 0;
  }
}

void write_model(const Shape& shape, const char* path, DType dtype, const char* ranks) {
  GgufFileWriter writer;
  write_keys(shape, ranks, writer);
  const auto is_norm = add_tensors(shape, dtype, writer);
  const auto blocks = random_blocks(dtype);
  auto out = FileSystem::posix().create(path, writer.file_bytes());
  writer.write_head(*out);
  for (std::size_t i = 0; i < writer.n_tensors(); ++i) {
    if (is_norm[i]) {
      const std::vector<float> ones(static_cast<std::size_t>(writer.tensor_bytes(i) / 4), 1.0F);
      out->write(std::as_bytes(std::span(ones)));
    } else {
      write_random(writer.tensor_bytes(i), blocks, row_bytes(dtype, 256), i, *out);
    }
    writer.write_padding(i, *out);
  }
  out->commit();
}

int run(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "make_random_model 1b|3b|8b FILE.gguf [TYPE] [tokenizer.model]\n");
    return 2;
  }
  const auto* shape = std::find_if(std::begin(kShapes), std::end(kShapes),
                                   [&](const Shape& s) { return s.name == argv[1]; });
  DType dtype = DType::kQ4_0;
  bool known = shape != std::end(kShapes);
  if (argc > 3) {
    known = false;
    for (int i = 0; i <= static_cast<int>(DType::kIq4Nl); ++i) {
      if (std::string_view(dtype_name(static_cast<DType>(i))) != argv[3]) continue;
      dtype = static_cast<DType>(i);
      known = shape != std::end(kShapes) && inference::can_quantize(dtype);
    }
  }
  if (!known) {
    std::fprintf(stderr, "there is no such shape or type\n");
    return 2;
  }
  write_model(*shape, argv[2], dtype, argc > 4 ? argv[4] : nullptr);
  return 0;
}

}  // namespace
}  // namespace kvlink

int main(int argc, char** argv) {
  const auto result = kvlink::returning([&] { return kvlink::run(argc, argv); });
  if (result) return *result;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  return 1;
}
