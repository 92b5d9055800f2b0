// SPDX-License-Identifier: Apache-2.0
// The user's words as an FTS5 query that cannot be wrong.
#pragma once

#include <string>
#include <string_view>

namespace kvlink::retrieval {

struct LexicalQuery {
  std::string match;           ///< FTS5 expression; empty: nothing to look for
  bool content_words = false;  ///< the words are not only function words ("who is it")
};

/// Every word quoted, joined by OR. Function words are left out unless there is nothing else. At
/// most 64 different words of the first 8 KiB count. Any bytes are allowed.
LexicalQuery lexical_query(std::string_view text);

}  // namespace kvlink::retrieval
