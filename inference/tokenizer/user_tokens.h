// SPDX-License-Identifier: Apache-2.0
// Tokens that a vocabulary wants found in text before anything else is cut or merged.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "inference/tokenizer/vocabulary.h"

namespace kvlink::inference {

/// How a tokenizer.json wants an added token found. A token without a rule is found anywhere.
struct AddedTokenRule {
  std::int32_t id = -1;
  bool single_word = false;    ///< only where no word character stands beside it
  bool left_space = false;     ///< takes the white space in front of it along ("lstrip")
  bool right_space = false;    ///< and behind it
  bool is_normalized = false;  ///< looked for after the text was brought into its normal form
};

/// A trie over the user-defined (not control) tokens. Immutable after construction.
class UserTokens {
 public:
  enum class Stage { kRaw, kNormalized };

  /// The tokens that are looked for at `stage`; without a rule that is kRaw. kUnsupported when a
  /// user-defined token is longer than 256 bytes: matching is bounded by that.
  explicit UserTokens(const Vocabulary& vocabulary, std::span<const AddedTokenRule> rules = {},
                      Stage stage = Stage::kRaw);

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
  void insert(const std::string& text, std::int32_t id);
  Match match_at(std::string_view text, std::size_t pos) const;
  bool stands_alone(std::string_view text, std::size_t pos, const Match& match) const;
  AddedTokenRule rule_of(std::int32_t id) const;

  std::unordered_map<std::uint64_t, std::uint32_t> edges_;  // node << 8 | byte -> node
  std::vector<std::int32_t> ids_ = {-1};                    // token that ends at a node
  std::unordered_map<std::int32_t, AddedTokenRule> rules_;
  std::array<bool, 256> starts_{};
  std::uint32_t n_nodes_ = 1;
};

}  // namespace kvlink::inference
