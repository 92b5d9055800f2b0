// SPDX-License-Identifier: Apache-2.0
// The checked vocabulary behind a tokenizer: texts, kinds, scores and the named ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "inference/tokenizer/tokenizer.h"

namespace kvlink::inference {

/// Values as GGUF stores them (`tokenizer.ggml.token_type`).
enum class TokenType : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

inline constexpr std::size_t kMaxVocabSize = std::size_t{1} << 22;
inline constexpr std::size_t kMaxTokenBytes = std::size_t{1} << 16;

/// Owns copies of a source's token texts. Immutable; not copyable because the index borrows the
/// texts. BOS and EOS are control tokens whatever the file calls them, and so is a user-defined
/// token that looks like one ("<|im_end|>"): text must never be able to spell them.
class Vocabulary {
 public:
  /// Throws kCorrupt: too many or too long tokens, scores or types of another length, a type that
  /// does not exist, a named id outside the vocabulary.
  explicit Vocabulary(const TokenizerSource& source);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  std::int32_t size() const { return static_cast<std::int32_t>(tokens_.size()); }
  bool contains(std::int32_t id) const { return id >= 0 && id < size(); }
  const std::string& text(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)]; }
  TokenType type(std::int32_t id) const { return types_[static_cast<std::size_t>(id)]; }
  float score(std::int32_t id) const {
    return scores_.empty() ? 0.0F : scores_[static_cast<std::size_t>(id)];
  }
  bool is_control(std::int32_t id) const {
    return contains(id) && (type(id) == TokenType::kControl || type(id) == TokenType::kUnknown);
  }
  /// The first id with this text, -1 when there is none.
  std::int32_t find(std::string_view text) const;
  std::optional<std::int32_t> control_id(std::string_view text) const;

  std::int32_t bos_id() const { return bos_id_; }
  std::int32_t eos_id() const { return eos_id_; }
  std::int32_t unk_id() const { return unk_id_; }
  bool add_bos() const { return add_bos_; }

 private:
  void read_types(const TokenizerSource& source);
  void index_texts();

  std::vector<std::string> tokens_;
  std::vector<float> scores_;
  std::vector<TokenType> types_;
  std::unordered_map<std::string_view, std::int32_t> index_;
  std::unordered_map<std::string_view, std::int32_t> controls_;
  std::int32_t bos_id_ = -1;
  std::int32_t eos_id_ = -1;
  std::int32_t unk_id_ = -1;
  bool add_bos_ = false;
};

/// What every tokenizer over a Vocabulary answers in the same way.
class VocabularyTokenizer : public Tokenizer {
 public:
  explicit VocabularyTokenizer(const TokenizerSource& source) : vocabulary_(source) {}

  std::int32_t vocab_size() const override { return vocabulary_.size(); }
  std::int32_t bos_id() const override { return vocabulary_.bos_id(); }
  std::int32_t eos_id() const override { return vocabulary_.eos_id(); }
  bool add_bos() const override { return vocabulary_.add_bos(); }
  bool is_control(std::int32_t id) const override { return vocabulary_.is_control(id); }
  std::optional<std::int32_t> control_id(std::string_view text) const override {
    return vocabulary_.control_id(text);
  }

 protected:
  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Vocabulary vocabulary_;
};

}  // namespace kvlink::inference
