// SPDX-License-Identifier: Apache-2.0
// The user's words, and FTS5 queries from them that cannot be wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvlink::retrieval {

struct LexicalQuery {
  std::vector<std::string> words;  ///< lower case, each once; letters and digits only
  bool content_words = false;      ///< they are not only function words ("who is it")
};

/// The different words of a text; function words are left out unless there is nothing else. At most
/// 64 of the first 8 KiB count. Any bytes are allowed.
LexicalQuery lexical_query(std::string_view text);

/// An FTS5 expression that matches any of the words; empty for none.
std::string match_any(const std::vector<std::string>& words);

/// An FTS5 query for whole phrases, joined by `connective`; phrases without a word are left out.
std::string match_phrases(const std::vector<std::string>& phrases, std::string_view connective);

}  // namespace kvlink::retrieval
