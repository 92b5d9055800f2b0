// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/vocabulary.h"

#include <cmath>

namespace kvlink::inference {
namespace {

std::int32_t checked_id(std::int32_t id, std::size_t n_tokens, std::string_view what) {
  if (id == -1) return -1;
  if (id < 0 || static_cast<std::size_t>(id) >= n_tokens) {
    fail(ErrorCode::kCorrupt, "tokenizer: the " + std::string(what) + " id " + std::to_string(id) +
                                  " is outside the vocabulary of " + std::to_string(n_tokens) +
                                  " tokens; the model file is damaged");
  }
  return id;
}

void check_length(std::size_t n, std::size_t n_tokens, std::string_view what) {
  if (n == 0 || n == n_tokens) return;
  fail(ErrorCode::kCorrupt, "tokenizer: " + std::to_string(n) + " " + std::string(what) + " for " +
                                std::to_string(n_tokens) + " tokens; the model file is damaged");
}

bool looks_like_control(std::string_view text) {
  return text.size() > 4 && text.starts_with("<|") && text.ends_with("|>");
}

}  // namespace

Vocabulary::Vocabulary(const TokenizerSource& source) : add_bos_(source.add_bos) {
  const std::size_t n = source.tokens.size();
  if (n == 0) fail(ErrorCode::kCorrupt, "tokenizer: the vocabulary is empty");
  if (n > kMaxVocabSize) {
    fail(ErrorCode::kUnsupported, "tokenizer: a vocabulary of " + std::to_string(n) +
                                      " tokens is more than the " + std::to_string(kMaxVocabSize) +
                                      " that are handled");
  }
  check_length(source.scores.size(), n, "scores");
  check_length(source.types.size(), n, "token types");
  for (std::size_t i = 0; i < n; ++i) {
    if (source.tokens[i].size() > kMaxTokenBytes) {
      fail(ErrorCode::kCorrupt, "tokenizer: token " + std::to_string(i) + " has " +
                                    std::to_string(source.tokens[i].size()) +
                                    " bytes; the model file is damaged");
    }
  }
  for (const float score : source.scores) {
    if (!std::isfinite(score)) fail(ErrorCode::kCorrupt, "tokenizer: a token score is not finite");
  }
  bos_id_ = checked_id(source.bos_id, n, "begin-of-text");
  eos_id_ = checked_id(source.eos_id, n, "end-of-text");
  unk_id_ = checked_id(source.unk_id, n, "unknown-token");
  tokens_ = source.tokens;
  scores_ = source.scores;
  read_types(source);
  index_texts();
}

void Vocabulary::read_types(const TokenizerSource& source) {
  types_.assign(tokens_.size(), TokenType::kNormal);
  for (std::size_t i = 0; i < source.types.size(); ++i) {
    const std::int32_t type = source.types[i];
    if (type < 0 || type > 6) {
      fail(ErrorCode::kCorrupt, "tokenizer: token " + std::to_string(i) + " has type " +
                                    std::to_string(type) +
                                    ", which does not exist; the model file is damaged");
    }
    types_[i] = type == 0 ? TokenType::kNormal : static_cast<TokenType>(type);
    if (types_[i] == TokenType::kUserDefined && looks_like_control(tokens_[i])) {
      types_[i] = TokenType::kControl;
    }
  }
  if (unk_id_ >= 0 && types_[static_cast<std::size_t>(unk_id_)] != TokenType::kControl) {
    types_[static_cast<std::size_t>(unk_id_)] = TokenType::kUnknown;
  }
  for (const std::int32_t id : {bos_id_, eos_id_}) {
    if (id >= 0) types_[static_cast<std::size_t>(id)] = TokenType::kControl;
  }
}

void Vocabulary::index_texts() {
  index_.reserve(tokens_.size());
  for (std::int32_t id = 0; id < size(); ++id) {
    if (text(id).empty()) continue;
    index_.emplace(text(id), id);
    if (type(id) == TokenType::kControl) controls_.emplace(text(id), id);
  }
}

std::int32_t Vocabulary::find(std::string_view text) const {
  const auto it = index_.find(text);
  return it == index_.end() ? -1 : it->second;
}

std::optional<std::int32_t> Vocabulary::control_id(std::string_view text) const {
  const auto it = controls_.find(text);
  if (it == controls_.end()) return std::nullopt;
  return it->second;
}

}  // namespace kvlink::inference
