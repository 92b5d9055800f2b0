// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/score_bpe.h"

#include <algorithm>

#include "inference/tokenizer/sentencepiece_spelling.h"
#include "inference/tokenizer/text_scan.h"
#include "inference/tokenizer/tokenizer_kinds.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

constexpr std::size_t kMaxMergedTokenBytes = 256;
constexpr std::size_t kMaxWordSymbols = std::size_t{1} << 22;

bool holds_space_inside(std::string_view token) {
  bool other_before = false;
  for (std::size_t pos = 0; pos < token.size();) {
    const bool is_mark = next_code_point(token, pos) == kSpaceMark;
    if (is_mark && other_before) return true;
    other_before = other_before || !is_mark;
  }
  return false;
}

}  // namespace

ScoreBpe::ScoreBpe(const TokenizerSource& source)
    : VocabularyTokenizer(source),
      user_tokens_(vocabulary()),
      merges_(source.tokens.size() * 4),
      add_space_prefix_(source.add_space_prefix) {
  if (source.scores.empty()) {
    fail(ErrorCode::kCorrupt,
         "tokenizer: a sentencepiece vocabulary without scores; the model file is damaged");
  }
  read_bytes();
  read_characters();
  read_merges();
}

// Control, unknown and byte tokens are never spelled by text, and user-defined ones are found
// before merging.
bool ScoreBpe::is_mergeable(std::int32_t id) const {
  return vocabulary().type(id) == TokenType::kNormal && !vocabulary().text(id).empty();
}

void ScoreBpe::read_bytes() {
  const Vocabulary& v = vocabulary();
  byte_ids_.fill(-1);
  for (std::int32_t id = 0; id < v.size(); ++id) {
    if (v.type(id) != TokenType::kByte) continue;
    const auto byte = byte_of_token(v.text(id));
    if (!byte) {
      fail(ErrorCode::kCorrupt, "tokenizer: token " + std::to_string(id) +
                                    " is marked as a byte but does not spell one like <0x1F>; "
                                    "the model file is damaged");
    }
    if (byte_ids_[*byte] < 0) byte_ids_[*byte] = id;
  }
}

void ScoreBpe::read_characters() {
  const Vocabulary& v = vocabulary();
  for (std::int32_t id = 0; id < v.size(); ++id) {
    if (!is_mergeable(id)) continue;
    const std::string& text = v.text(id);
    if (!is_valid_utf8(text)) continue;  // no text can spell it
    words_are_separate_ = words_are_separate_ && !holds_space_inside(text);
    if (utf8_length(text.front()) == text.size()) {
      if (v.find(text) == id) characters_[code_point_at(text, 0)] = id;
      continue;
    }
    if (text.size() > kMaxMergedTokenBytes) {
      fail(ErrorCode::kUnsupported, "tokenizer: token " + std::to_string(id) + " has " +
                                        std::to_string(text.size()) +
                                        " bytes; sentencepiece vocabularies are handled up to 256");
    }
    for (std::size_t pos = 0; pos < text.size(); pos += utf8_length(text[pos])) {
      const std::uint32_t c = code_point_at(text, pos);
      const auto next_symbol = static_cast<std::int32_t>(tokenless_.size()) + v.size();
      if (characters_.emplace(c, next_symbol).second) tokenless_.push_back(c);
    }
  }
  for (std::uint32_t c = 0; c < ascii_.size(); ++c) {
    const auto it = characters_.find(c);
    ascii_[c] = it == characters_.end() ? -1 : it->second;
  }
}

std::int32_t ScoreBpe::symbol_of(std::uint32_t code_point) const {
  if (code_point < ascii_.size()) return ascii_[code_point];
  const auto it = characters_.find(code_point);
  return it == characters_.end() ? -1 : it->second;
}

std::int32_t ScoreBpe::symbol_of_text(std::string_view text) const {
  if (utf8_length(text.front()) == text.size()) {
    const auto it = characters_.find(code_point_at(text, 0));
    return it == characters_.end() ? -1 : it->second;
  }
  const std::int32_t id = vocabulary().find(text);
  return id >= 0 && is_mergeable(id) ? id : -1;
}

void ScoreBpe::read_merges() {
  const Vocabulary& v = vocabulary();
  std::vector<std::int32_t> by_score;
  for (std::int32_t id = 0; id < v.size(); ++id) {
    const std::string& text = v.text(id);
    const bool is_merged = is_mergeable(id) && is_valid_utf8(text) &&
                           utf8_length(text.front()) < text.size() && v.find(text) == id;
    if (is_merged) by_score.push_back(id);
  }
  std::stable_sort(by_score.begin(), by_score.end(),
                   [&](std::int32_t a, std::int32_t b) { return v.score(a) > v.score(b); });
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < by_score.size(); ++i) {
    const std::int32_t id = by_score[i];
    // Equal scores share a rank: among them the leftmost joins first.
    if (i > 0 && v.score(id) < v.score(by_score[i - 1])) ++rank;
    const std::string_view text = v.text(id);
    for (std::size_t cut = utf8_length(text[0]); cut < text.size(); cut += utf8_length(text[cut])) {
      const std::int32_t left = symbol_of_text(text.substr(0, cut));
      const std::int32_t right = symbol_of_text(text.substr(cut));
      if (left >= 0 && right >= 0) merges_.insert(left, right, {rank, id});
    }
  }
}

std::vector<std::int32_t> ScoreBpe::encode(std::string_view text) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  Workspace workspace;
  bool at_start = true;
  user_tokens_.split(
      text,
      [&](std::string_view plain) {
        if (add_space_prefix_ && at_start) workspace.symbols.push_back(symbol_of(kSpaceMark));
        if (add_space_prefix_ && at_start && workspace.symbols.back() < 0) {
          workspace.symbols.clear();
          append_character(kSpaceMark, ids);
        }
        append_text(plain, workspace, ids);
        at_start = false;
      },
      [&](std::int32_t id) {
        ids.push_back(id);
        at_start = true;
      });
  return ids;
}

void ScoreBpe::append_text(std::string_view text, Workspace& workspace,
                           std::vector<std::int32_t>& out) const {
  bool after_space = true;
  for (std::size_t pos = 0; pos < text.size(); pos += utf8_length(text[pos])) {
    std::uint32_t c = code_point_at(text, pos);
    if (c == ' ') c = kSpaceMark;
    const bool is_mark = c == kSpaceMark;
    const bool may_cut = words_are_separate_ && is_mark && !after_space;
    if (may_cut || workspace.symbols.size() >= kMaxWordSymbols) flush(workspace, out);
    after_space = is_mark;
    const std::int32_t symbol = symbol_of(c);
    if (symbol >= 0) {
      workspace.symbols.push_back(symbol);
      continue;
    }
    flush(workspace, out);  // nothing joins with a character that no token holds
    append_character(c, out);
  }
  flush(workspace, out);
}

void ScoreBpe::flush(Workspace& workspace, std::vector<std::int32_t>& out) const {
  merge_symbols(merges_, workspace.symbols, workspace.merge);
  for (const std::int32_t symbol : workspace.symbols) {
    if (symbol < vocab_size()) {
      out.push_back(symbol);
    } else {
      append_character(tokenless_[static_cast<std::size_t>(symbol - vocab_size())], out);
    }
  }
  workspace.symbols.clear();
}

void ScoreBpe::append_character(std::uint32_t code_point, std::vector<std::int32_t>& out) const {
  std::string bytes;
  append_utf8(bytes, code_point);
  const bool spelled = std::all_of(bytes.begin(), bytes.end(), [&](char byte) {
    return byte_ids_[static_cast<unsigned char>(byte)] >= 0;
  });
  if (!spelled) {
    if (vocabulary().unk_id() >= 0) out.push_back(vocabulary().unk_id());
    return;
  }
  for (const char byte : bytes) out.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
}

std::string ScoreBpe::piece(std::int32_t id) const {
  const Vocabulary& v = vocabulary();
  if (!v.contains(id)) return {};
  switch (v.type(id)) {
    case TokenType::kControl:
      return {};
    case TokenType::kUnknown:
      return "\xEF\xBF\xBD";
    case TokenType::kByte:
      return std::string(1, static_cast<char>(byte_of_token(v.text(id)).value_or(0)));
    default:
      return text_of_token(v.text(id));
  }
}

std::unique_ptr<Tokenizer> make_score_bpe(const TokenizerSource& source) {
  return std::make_unique<ScoreBpe>(source);
}

}  // namespace kvlink::inference
