// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/user_tokens.h"

namespace kvlink::inference {
namespace {

constexpr std::size_t kMaxUserTokenBytes = 256;

std::uint64_t edge(std::uint32_t node, char byte) {
  return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
}

}  // namespace

UserTokens::UserTokens(const Vocabulary& vocabulary) {
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& text = vocabulary.text(id);
    if (vocabulary.type(id) != TokenType::kUserDefined || text.empty()) continue;
    if (text.size() > kMaxUserTokenBytes) {
      fail(ErrorCode::kUnsupported, "tokenizer: user-defined token " + std::to_string(id) +
                                        " has " + std::to_string(text.size()) +
                                        " bytes; at most 256 are handled");
    }
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
    if (pos > begin) plain(text.substr(begin, pos - begin));
    token(match.id);
    pos += match.length;
    begin = pos;
  }
  if (begin < text.size()) plain(text.substr(begin));
}

}  // namespace kvlink::inference
