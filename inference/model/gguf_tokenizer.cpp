// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "inference/model/limits.h"
#include "inference/model/llama_gguf.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr std::int32_t kByteTokenType = 6;
constexpr std::uint64_t kMaxNameBytes = 256;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); }

/// Byte tokens are spelled "<0x00>" to "<0xFF>".
bool is_byte_token(const std::string& token) {
  return token.size() == 6 && token.starts_with("<0x") && is_hex(token[3]) && is_hex(token[4]) &&
         token[5] == '>';
}

std::int32_t read_id(const GgufFile& file, std::string_view key, std::int32_t fallback,
                     std::size_t n_tokens) {
  const auto id = file.count(key);
  if (!id) return fallback < static_cast<std::int32_t>(n_tokens) ? fallback : -1;
  // Some converters write 2^32 - 1 for "none".
  if (*id == 0xFFFF'FFFFU) return -1;
  if (*id >= n_tokens) {
    fail(ErrorCode::kCorrupt, file.source() + ": " + std::string(key) + " is " +
                                  std::to_string(*id) + ", the vocabulary has " +
                                  std::to_string(n_tokens) + " tokens");
  }
  return static_cast<std::int32_t>(*id);
}

void check_lists(const TokenizerSource& source, const std::string& file) {
  if (!source.scores.empty() && source.scores.size() != source.tokens.size()) {
    fail(ErrorCode::kCorrupt, file + ": tokenizer.ggml.scores has " +
                                  std::to_string(source.scores.size()) + " entries for " +
                                  std::to_string(source.tokens.size()) + " tokens");
  }
  if (!source.types.empty() && source.types.size() != source.tokens.size()) {
    fail(ErrorCode::kCorrupt, file + ": tokenizer.ggml.token_type has " +
                                  std::to_string(source.types.size()) + " entries for " +
                                  std::to_string(source.tokens.size()) + " tokens");
  }
  for (const float score : source.scores) {
    if (std::isnan(score)) fail(ErrorCode::kCorrupt, file + ": a token's score is NaN");
  }
  for (std::size_t i = 0; i < source.types.size(); ++i) {
    if (source.types[i] == kByteTokenType && !is_byte_token(source.tokens[i])) {
      fail(ErrorCode::kCorrupt, file + ": token " + std::to_string(i) +
                                    " is marked as a byte and not spelled like one (\"<0x1F>\")");
    }
  }
  for (std::size_t i = 0; i < source.merges.size(); ++i) {
    const auto space = source.merges[i].find(' ', 1);
    if (space == std::string::npos || space + 1 == source.merges[i].size()) {
      fail(ErrorCode::kCorrupt, file + ": merge " + std::to_string(i) + " is not a pair");
    }
  }
}

}  // namespace

TokenizerSource tokenizer_from_gguf(const GgufFile& file) {
  TokenizerSource source;
  source.tokens =
      file.texts("tokenizer.ggml.tokens", limits::kMaxVocabulary, limits::kMaxTokenBytes);
  if (source.tokens.empty()) return source;
  source.kind = file.text("tokenizer.ggml.model", kMaxNameBytes).value_or("");
  if (source.kind.empty()) {
    fail(ErrorCode::kCorrupt, file.source() + ": a vocabulary without tokenizer.ggml.model");
  }
  source.pre = file.text("tokenizer.ggml.pre", kMaxNameBytes).value_or("default");
  source.scores = file.reals("tokenizer.ggml.scores", limits::kMaxVocabulary);
  source.types = file.integers("tokenizer.ggml.token_type", limits::kMaxVocabulary);
  source.merges =
      file.texts("tokenizer.ggml.merges", limits::kMaxMerges, 2 * limits::kMaxTokenBytes + 1);
  check_lists(source, file.source());

  // Sentencepiece vocabularies that say nothing mean Llama 2's numbers and its leading BOS.
  const bool is_sentencepiece = source.kind == "llama";
  const std::size_t n = source.tokens.size();
  source.bos_id = read_id(file, "tokenizer.ggml.bos_token_id", is_sentencepiece ? 1 : -1, n);
  source.eos_id = read_id(file, "tokenizer.ggml.eos_token_id", is_sentencepiece ? 2 : -1, n);
  source.unk_id = read_id(file, "tokenizer.ggml.unknown_token_id", is_sentencepiece ? 0 : -1, n);
  source.add_bos = file.flag("tokenizer.ggml.add_bos_token")
                       .value_or(is_sentencepiece || source.pre == "llama-bpe");
  for (const char* key : {"eot", "eom"}) {
    const auto id = read_id(file, std::string("tokenizer.ggml.") + key + "_token_id", -1, n);
    if (id >= 0) source.stop_ids.push_back(id);
  }
  source.add_space_prefix = file.flag("tokenizer.ggml.add_space_prefix").value_or(true);
  source.chat_template =
      file.text("tokenizer.chat_template", limits::kMaxTemplateBytes).value_or("");
  return source;
}

}  // namespace kvlink::inference
