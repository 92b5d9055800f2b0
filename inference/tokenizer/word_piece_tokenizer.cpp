// SPDX-License-Identifier: Apache-2.0
// WordPiece behind the Tokenizer interface.
#include <algorithm>

#include "inference/tokenizer/tokenizer_kinds.h"
#include "inference/tokenizer/vocabulary.h"
#include "inference/tokenizer/wordpiece.h"

namespace kvlink::inference {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

class WordPieceTokenizer final : public Tokenizer {
 public:
  explicit WordPieceTokenizer(WordPiece pieces) : pieces_(std::move(pieces)) {}

  std::vector<std::int32_t> encode(std::string_view text) const override {
    return pieces_.encode(text);
  }

  /// Words are separated again by one space in front of each.
  std::string piece(std::int32_t id) const override {
    const std::string_view token = pieces_.token(id);
    if (token.empty() || is_control(id)) return {};
    const std::string& mark = pieces_.options().continuation;
    if (!mark.empty() && token.starts_with(mark)) return std::string(token.substr(mark.size()));
    return " " + std::string(token);
  }

  std::int32_t vocab_size() const override { return pieces_.vocab_size(); }
  std::int32_t bos_id() const override { return pieces_.cls_id(); }
  std::int32_t eos_id() const override { return pieces_.sep_id(); }
  bool add_bos() const override { return pieces_.cls_id() >= 0; }
  bool is_control(std::int32_t id) const override { return pieces_.is_special(id); }
  std::optional<std::int32_t> control_id(std::string_view text) const override {
    const std::int32_t id = pieces_.find(text);
    if (!is_control(id)) return std::nullopt;
    return id;
  }
  std::string describe() const override { return "WordPiece"; }

 private:
  WordPiece pieces_;
};

/// GGUF spells the beginning of a word as a mark and a continuation bare; vocab.txt the other way
/// round. Tokens in brackets are the same in both.
std::string vocabulary_spelling(const std::string& token) {
  if (token.starts_with('[') && token.ends_with(']')) return token;
  if (token.starts_with(kSpaceMark)) return token.substr(kSpaceMark.size());
  return token.empty() ? token : "##" + token;
}

}  // namespace

std::unique_ptr<Tokenizer> make_word_piece(const TokenizerSource& source) {
  const Vocabulary checked(source);
  std::vector<std::string> tokens;
  tokens.reserve(source.tokens.size());
  for (const std::string& token : source.tokens) tokens.push_back(vocabulary_spelling(token));
  return make_word_piece_tokenizer(value_or_throw(WordPiece::from_tokens(std::move(tokens))));
}

std::unique_ptr<Tokenizer> make_word_piece_tokenizer(WordPiece pieces) {
  return std::make_unique<WordPieceTokenizer>(std::move(pieces));
}

}  // namespace kvlink::inference
