// SPDX-License-Identifier: Apache-2.0
// Numbers as a person reads them: the same words in every message, table and progress line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kvlink::app {

/// "512 B", "98.4 MB", "1.2 GB" (powers of 1,000).
std::string bytes_in_words(std::int64_t bytes);
/// "12,345"
std::string count_in_words(std::int64_t count);
/// "1 file", "2 files": the plural adds an s.
std::string counted(std::int64_t count, std::string_view noun);
/// "less than a second", "12 s", "3 min 20 s", "2 h 5 min"
std::string seconds_in_words(double seconds);

}  // namespace kvlink::app
