// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/byte_level_bpe.h"

#include "inference/tokenizer/byte_level.h"
#include "inference/tokenizer/nfc.h"
#include "inference/tokenizer/text_scan.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

constexpr std::size_t kMaxWordBytes = std::size_t{1} << 22;

}  // namespace

ByteLevelBpe::ByteLevelBpe(const TokenizerSource& source, ByteLevelOptions options,
                           std::span<const AddedTokenRule> rules)
    : VocabularyTokenizer(source),
      options_(options),
      raw_tokens_(vocabulary(), rules, UserTokens::Stage::kRaw),
      normalized_tokens_(vocabulary(), rules, UserTokens::Stage::kNormalized),
      merges_(source.merges.size()) {
  read_pieces();
  read_merges(source.merges);
  if (options_.whole_words_first) index_whole_words();
}

void ByteLevelBpe::read_pieces() {
  const Vocabulary& v = vocabulary();
  pieces_.resize(static_cast<std::size_t>(v.size()));
  for (std::int32_t id = 0; id < v.size(); ++id) {
    if (v.is_control(id)) continue;
    const bool verbatim = v.type(id) == TokenType::kUserDefined;
    pieces_[static_cast<std::size_t>(id)] = verbatim ? v.text(id) : bytes_of_spelling(v.text(id));
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::int32_t id = v.find(spelling_of_byte(static_cast<unsigned char>(byte)));
    byte_ids_[byte] = v.is_control(id) ? -1 : id;
  }
}

void ByteLevelBpe::read_merges(const std::vector<std::string>& merges) {
  const Vocabulary& v = vocabulary();
  std::string joined;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::string_view merge = merges[i];
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      fail(ErrorCode::kCorrupt, "tokenizer: merge " + std::to_string(i) +
                                    " is not two texts with a space between; the model file is "
                                    "damaged");
    }
    if (merge.size() > kMaxTokenBytes) continue;  // no token is that long
    const std::int32_t left = v.find(merge.substr(0, space));
    const std::int32_t right = v.find(merge.substr(space + 1));
    joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
    const std::int32_t result = v.find(joined);
    if (left < 0 || right < 0 || result < 0 || v.is_control(result)) continue;
    merges_.insert(left, right, {static_cast<std::uint32_t>(i), result});
  }
}

void ByteLevelBpe::index_whole_words() {
  const Vocabulary& v = vocabulary();
  whole_words_.reserve(pieces_.size());
  for (std::int32_t id = 0; id < v.size(); ++id) {
    const std::string& bytes = pieces_[static_cast<std::size_t>(id)];
    const bool is_word = v.type(id) == TokenType::kNormal && !v.is_control(id);
    if (bytes.empty() || !is_word) continue;
    whole_words_.emplace(bytes, id);
  }
}

std::vector<std::int32_t> ByteLevelBpe::encode(std::string_view text) const {
  expect_character_data(text);
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 4 + 8);
  Workspace workspace;
  raw_tokens_.split(
      text, [&](std::string_view plain) { append_raw(plain, workspace, ids); },
      [&](std::int32_t id) { ids.push_back(id); });
  return ids;
}

void ByteLevelBpe::append_raw(std::string_view text, Workspace& workspace,
                              std::vector<std::int32_t>& out) const {
  std::string composed;
  if (options_.nfc) {
    composed = to_nfc(text);
    text = composed;
  }
  normalized_tokens_.split(
      text, [&](std::string_view plain) { append_text(plain, workspace, out); },
      [&](std::int32_t id) { out.push_back(id); });
}

void ByteLevelBpe::append_text(std::string_view text, Workspace& workspace,
                               std::vector<std::int32_t>& out) const {
  std::string prefixed;
  if (options_.add_prefix_space && text.front() != ' ') {
    prefixed.reserve(text.size() + 1);
    prefixed.append(1, ' ').append(text);
    text = prefixed;
  }
  for (std::size_t pos = 0; pos < text.size();) {
    std::size_t end = next_word(options_.pre_tokenizer, text, pos);
    while (end - pos > kMaxWordBytes) {
      append_word(text.substr(pos, kMaxWordBytes), workspace, out);
      pos += kMaxWordBytes;
    }
    append_word(text.substr(pos, end - pos), workspace, out);
    pos = end;
  }
}

void ByteLevelBpe::append_word(std::string_view word, Workspace& workspace,
                               std::vector<std::int32_t>& out) const {
  if (options_.whole_words_first) {
    const auto it = whole_words_.find(word);
    if (it != whole_words_.end()) {
      out.push_back(it->second);
      return;
    }
  }
  workspace.symbols.clear();
  for (const char byte : word) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(byte)];
    if (id >= 0) workspace.symbols.push_back(id);
  }
  merge_symbols(merges_, workspace.symbols, workspace.merge);
  out.insert(out.end(), workspace.symbols.begin(), workspace.symbols.end());
}

std::string ByteLevelBpe::piece(std::int32_t id) const {
  return vocabulary().contains(id) ? pieces_[static_cast<std::size_t>(id)] : std::string();
}

std::string ByteLevelBpe::describe() const {
  return std::string("byte-level BPE (") + pre_tokenizer_name(options_.pre_tokenizer) + ")";
}

}  // namespace kvlink::inference
