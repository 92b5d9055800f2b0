// SPDX-License-Identifier: Apache-2.0
// How sentencepiece vocabularies write spaces and bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvlink::inference {

inline constexpr std::uint32_t kSpaceMark = 0x2581;
inline constexpr std::string_view kSpaceMarkText = "\xE2\x96\x81";

/// "<0x1F>" is 31; nothing for any other text.
std::optional<unsigned char> byte_of_token(std::string_view token);

/// The token with its space marks turned into spaces.
std::string text_of_token(std::string_view token);

}  // namespace kvlink::inference
