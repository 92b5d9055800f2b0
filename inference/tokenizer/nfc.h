// SPDX-License-Identifier: Apache-2.0
// Unicode normalisation form C, which some vocabularies expect.
#pragma once

#include <string>
#include <string_view>

namespace kvlink::inference {

/// `text`, which is valid UTF-8, in form C. Linear time: runs of more than some thousand bytes of
/// combining characters, which no writing system has, are normalised in parts. Throws kUnsupported
/// in a build without ICU.
std::string to_nfc(std::string_view text);

}  // namespace kvlink::inference
