// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/wordpiece.h"

#include <algorithm>

#include "inference/tokenizer/bert_text.h"
#include "inference/tokenizer/tokenizer_json.h"
#include "inference/tokenizer/vocabulary.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

Result<WordPiece> WordPiece::from_tokens(std::vector<std::string> tokens,
                                         WordPieceOptions options) {
  return returning([&] {
    if (tokens.size() > kMaxVocabSize) {
      fail(ErrorCode::kUnsupported, "WordPiece: a vocabulary of " + std::to_string(tokens.size()) +
                                        " tokens is more than is handled");
    }
    WordPiece result;
    result.options_ = std::move(options);
    result.tokens_ = std::move(tokens);
    const std::string& mark = result.options_.continuation;
    for (std::int32_t id = 0; id < result.vocab_size(); ++id) {
      const std::string& token = result.tokens_[static_cast<std::size_t>(id)];
      if (token.size() > kMaxTokenBytes) {
        fail(ErrorCode::kCorrupt, "WordPiece: token " + std::to_string(id) + " has " +
                                      std::to_string(token.size()) +
                                      " bytes; the vocabulary is damaged");
      }
      if (token.empty()) continue;
      result.ids_.emplace(token, id);
      const bool continues = !mark.empty() && token.size() > mark.size() && token.starts_with(mark);
      if (continues) result.continuations_.emplace(token.substr(mark.size()), id);
      result.longest_piece_ = std::max(result.longest_piece_, token.size());
    }
    result.unk_id_ = result.find(result.options_.unk_token);
    result.cls_id_ = result.find(result.options_.cls_token);
    result.sep_id_ = result.find(result.options_.sep_token);
    result.pad_id_ = result.find(result.options_.pad_token);
    if (result.unk_id_ < 0) {
      fail(ErrorCode::kCorrupt, "WordPiece: the vocabulary has no unknown token \"" +
                                    result.options_.unk_token + "\"; it is damaged");
    }
    return result;
  });
}

Result<WordPiece> WordPiece::from_vocab_text(std::string_view text, WordPieceOptions options) {
  return from_tokens(lines_of(text), std::move(options));
}

Result<WordPiece> WordPiece::from_json(std::string_view json) {
  return returning([&] {
    WordPieceDescription description = read_wordpiece_json(json);
    return value_or_throw(
        from_tokens(std::move(description.tokens), std::move(description.options)));
  });
}

std::vector<std::int32_t> WordPiece::encode(std::string_view text) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 4 + 8);
  for_each_bert_word(text, options_, [&](std::string_view word, int n_chars) {
    if (n_chars > options_.max_word_chars) {
      ids.push_back(unk_id_);
    } else {
      append_word(word, ids);
    }
  });
  return ids;
}

void WordPiece::append_word(std::string_view word, std::vector<std::int32_t>& out) const {
  const std::size_t n_before = out.size();
  for (std::size_t begin = 0; begin < word.size();) {
    const Index& pieces = begin == 0 ? ids_ : continuations_;
    std::size_t length = std::min(word.size() - begin, longest_piece_);
    auto found = pieces.end();
    while (length > 0 && (found = pieces.find(word.substr(begin, length))) == pieces.end()) {
      --length;
    }
    if (found == pieces.end()) {
      out.resize(n_before);
      out.push_back(unk_id_);
      return;
    }
    out.push_back(found->second);
    begin += length;
  }
}

std::string_view WordPiece::token(std::int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return tokens_[static_cast<std::size_t>(id)];
}

std::int32_t WordPiece::find(std::string_view token) const {
  const auto it = ids_.find(token);
  return it == ids_.end() ? -1 : it->second;
}

bool WordPiece::is_special(std::int32_t id) const {
  return id >= 0 && (id == unk_id_ || id == cls_id_ || id == sep_id_ || id == pad_id_);
}

}  // namespace kvlink::inference
