// SPDX-License-Identifier: Apache-2.0
// Tokens that a vocabulary wants found in text before anything else is cut or merged.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "inference/tokenizer/vocabulary.h"

namespace kvlink::inference {

/// A trie over the user-defined (not control) tokens. Immutable after construction.
class UserTokens {
 public:
  /// kUnsupported when a user-defined token is longer than 256 bytes: matching is bounded by that.
  explicit UserTokens(const Vocabulary& vocabulary);

  bool empty() const { return n_nodes_ == 1; }

  /// Calls `plain(piece)` for text between user-defined tokens and `token(id)` for each of them,
  /// leftmost and longest first.
  void split(std::string_view text, const std::function<void(std::string_view)>& plain,
             const std::function<void(std::int32_t)>& token) const;

 private:
  struct Match {
    std::int32_t id = -1;
    std::size_t length = 0;
  };
  Match match_at(std::string_view text, std::size_t pos) const;

  std::unordered_map<std::uint64_t, std::uint32_t> edges_;  // node << 8 | byte -> node
  std::vector<std::int32_t> ids_ = {-1};                    // token that ends at a node
  std::array<bool, 256> starts_{};
  std::uint32_t n_nodes_ = 1;
};

}  // namespace kvlink::inference
