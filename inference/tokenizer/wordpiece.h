// SPDX-License-Identifier: Apache-2.0
// WordPiece as BERT-class embedders use it: basic tokenisation, then longest-match pieces.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::inference {

/// What the tokenizer's file may state; the defaults are those of uncased BERT.
struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string cls_token = "[CLS]";
  std::string sep_token = "[SEP]";
  std::string pad_token = "[PAD]";
  std::string continuation = "##";  ///< marks a piece that continues a word
  bool lower_case = true;
  bool strip_accents = true;  ///< by canonical decomposition, dropping nonspacing marks
  bool split_cjk = true;      ///< every CJK ideograph is a word of its own
  bool clean_text = true;     ///< drops controls and U+FFFD
  int max_word_chars = 100;   ///< a longer word is one unknown token
};

/// Immutable and safe to use from any thread. Linear time in the text.
class WordPiece {
 public:
  /// tokens[i] is the text of id i. Of two equal tokens the first keeps its id. kCorrupt when the
  /// unknown token is missing or a size limit is passed.
  static Result<WordPiece> from_tokens(std::vector<std::string> tokens,
                                       WordPieceOptions options = {});
  /// The text of vocab.txt: one token a line, the line number is the id.
  static Result<WordPiece> from_vocab_text(std::string_view text, WordPieceOptions options = {});
  /// The text of a tokenizer.json whose model is WordPiece; kUnsupported names anything else.
  static Result<WordPiece> from_json(std::string_view json);

  /// Ids of plain text, without [CLS] and [SEP]. "[SEP]" in a text is text: brackets and letters.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// The token's text as it stands in the vocabulary ("##ing"); "" for an id out of range.
  std::string_view token(std::int32_t id) const;
  /// The id of a token by its exact text, -1 when there is none.
  std::int32_t find(std::string_view token) const;
  bool is_special(std::int32_t id) const;

  std::int32_t vocab_size() const { return static_cast<std::int32_t>(tokens_.size()); }
  std::int32_t unk_id() const { return unk_id_; }
  std::int32_t cls_id() const { return cls_id_; }  ///< -1 when the vocabulary has none
  std::int32_t sep_id() const { return sep_id_; }  ///< -1 when the vocabulary has none
  std::int32_t pad_id() const { return pad_id_; }  ///< -1 when the vocabulary has none
  const WordPieceOptions& options() const { return options_; }

 private:
  WordPiece() = default;
  void append_word(std::string_view word, std::vector<std::int32_t>& out) const;

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  using Index = std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>>;

  WordPieceOptions options_;
  std::vector<std::string> tokens_;
  Index ids_;            // whole texts; also the pieces that begin a word
  Index continuations_;  // pieces after the first, without their mark
  std::size_t longest_piece_ = 0;
  std::int32_t unk_id_ = -1;
  std::int32_t cls_id_ = -1;
  std::int32_t sep_id_ = -1;
  std::int32_t pad_id_ = -1;
};

}  // namespace kvlink::inference
