// SPDX-License-Identifier: Apache-2.0
// Text from a file inside a message.
#pragma once

#include <string>
#include <string_view>

namespace kvlink::inference {

/// At most max_bytes of `text` with everything but printable ASCII as '?', so that a file can
/// neither flood a message nor send control sequences to a terminal.
inline std::string printable(std::string_view text, std::size_t max_bytes = 64) {
  std::string safe(text.substr(0, max_bytes));
  for (char& c : safe) c = c >= ' ' && c <= '~' ? c : '?';
  return safe;
}

}  // namespace kvlink::inference
