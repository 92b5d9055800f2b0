// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/user_tokens.h"

#include "inference/tokenizer/text_scan.h"

namespace kvlink::inference {
namespace {

constexpr std::size_t kMaxUserTokenBytes = 256;

std::uint64_t edge(std::uint32_t node, char byte) {
  return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
}

std::size_t previous_character(std::string_view text, std::size_t pos) {
  do --pos;
  while (pos > 0 && (static_cast<unsigned char>(text[pos]) & 0xC0) == 0x80);
  return pos;
}

std::uint32_t code_point_before(std::string_view text, std::size_t pos) {
  return code_point_at(text, previous_character(text, pos));
}

bool is_space_before(std::string_view text, std::size_t pos) {
  return is_space(classify(code_point_before(text, pos)));
}

}  // namespace

UserTokens::UserTokens(const Vocabulary& vocabulary, std::span<const AddedTokenRule> rules,
                       Stage stage) {
  for (const AddedTokenRule& rule : rules) rules_.emplace(rule.id, rule);
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& text = vocabulary.text(id);
    if (vocabulary.type(id) != TokenType::kUserDefined || text.empty()) continue;
    if (rule_of(id).is_normalized != (stage == Stage::kNormalized)) continue;
    if (text.size() > kMaxUserTokenBytes) {
      fail(ErrorCode::kUnsupported, "tokenizer: user-defined token " + std::to_string(id) +
                                        " has " + std::to_string(text.size()) +
                                        " bytes; at most 256 are handled");
    }
    insert(text, id);
  }
}

void UserTokens::insert(const std::string& text, std::int32_t id) {
  starts_[static_cast<unsigned char>(text.front())] = true;
  std::uint32_t node = 0;
  for (const char byte : text) {
    const auto [it, added] = edges_.emplace(edge(node, byte), n_nodes_);
    if (added) {
      ++n_nodes_;
      ids_.push_back(-1);
    }
    node = it->second;
  }
  if (ids_[node] < 0) ids_[node] = id;
}

AddedTokenRule UserTokens::rule_of(std::int32_t id) const {
  const auto found = rules_.find(id);
  return found == rules_.end() ? AddedTokenRule{.id = id} : found->second;
}

bool UserTokens::stands_alone(std::string_view text, std::size_t pos, const Match& match) const {
  const std::size_t end = pos + match.length;
  const bool word_before = pos > 0 && is_word_character(code_point_before(text, pos));
  const bool word_after = end < text.size() && is_word_character(code_point_at(text, end));
  return !word_before && !word_after;
}

UserTokens::Match UserTokens::match_at(std::string_view text, std::size_t pos) const {
  Match longest;
  if (!starts_[static_cast<unsigned char>(text[pos])]) return longest;
  std::uint32_t node = 0;
  for (std::size_t i = pos; i < text.size(); ++i) {
    const auto it = edges_.find(edge(node, text[i]));
    if (it == edges_.end()) break;
    node = it->second;
    if (ids_[node] >= 0) longest = {ids_[node], i + 1 - pos};
  }
  return longest;
}

void UserTokens::split(std::string_view text, const std::function<void(std::string_view)>& plain,
                       const std::function<void(std::int32_t)>& token) const {
  std::size_t begin = 0;
  for (std::size_t pos = 0; !empty() && pos < text.size();) {
    const Match match = match_at(text, pos);
    if (match.id < 0) {
      ++pos;
      continue;
    }
    const AddedTokenRule rule = rule_of(match.id);
    const std::size_t end = pos + match.length;
    const bool is_taken = pos < begin;  // by a token that took the spaces behind it along
    if (is_taken || (rule.single_word && !stands_alone(text, pos, match))) {
      pos = end;
      continue;
    }
    std::size_t first = pos;
    while (rule.left_space && first > begin && is_space_before(text, first)) {
      first = previous_character(text, first);
    }
    if (first > begin) plain(text.substr(begin, first - begin));
    token(match.id);
    begin = end;
    while (rule.right_space && begin < text.size() &&
           is_space(classify(code_point_at(text, begin)))) {
      begin += utf8_length(text[begin]);
    }
    pos = end;
  }
  if (begin < text.size()) plain(text.substr(begin));
}

}  // namespace kvlink::inference
