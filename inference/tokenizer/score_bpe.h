// SPDX-License-Identifier: Apache-2.0
// Sentencepiece's BPE rebuilt from a vocabulary with scores (GGUF kind "llama").
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "inference/tokenizer/merge_table.h"
#include "inference/tokenizer/user_tokens.h"
#include "inference/tokenizer/vocabulary.h"

namespace kvlink::inference {

/// Characters join where the joined text is a token, the highest score first. Every way to put a
/// token together from two parts is found once at construction, so that encoding is the same merge
/// loop as byte-level BPE. A character without a token becomes its byte tokens, or the unknown
/// token where the vocabulary has no byte tokens. Runs of text without a place where no merge can
/// cross are merged in parts of 4 Mi characters.
class ScoreBpe final : public VocabularyTokenizer {
 public:
  /// Throws what Vocabulary throws; kCorrupt without scores or for a byte token that is none;
  /// kUnsupported when a token of more than one character has over 256 bytes.
  explicit ScoreBpe(const TokenizerSource& source);

  std::vector<std::int32_t> encode(std::string_view text) const override;
  std::string piece(std::int32_t id) const override;
  std::string describe() const override { return "sentencepiece"; }

 private:
  struct Workspace {
    std::vector<std::int32_t> symbols;
    MergeWorkspace merge;
  };
  void read_bytes();
  void read_characters();
  void read_merges();
  bool is_mergeable(std::int32_t id) const;
  std::int32_t symbol_of(std::uint32_t code_point) const;
  std::int32_t symbol_of_text(std::string_view text) const;
  void append_text(std::string_view text, Workspace& workspace,
                   std::vector<std::int32_t>& out) const;
  void flush(Workspace& workspace, std::vector<std::int32_t>& out) const;
  void append_character(std::uint32_t code_point, std::vector<std::int32_t>& out) const;

  UserTokens user_tokens_;
  MergeTable merges_;
  bool add_space_prefix_;
  bool words_are_separate_ = true;  // no token holds a space after another character
  std::array<std::int32_t, 256> byte_ids_{};
  // Symbols are token ids; tokenless_[i], a character that only occurs inside tokens, is symbol
  // vocab_size() + i.
  std::unordered_map<std::uint32_t, std::int32_t> characters_;
  std::array<std::int32_t, 128> ascii_{};
  std::vector<std::uint32_t> tokenless_;
};

}  // namespace kvlink::inference
