// SPDX-License-Identifier: Apache-2.0
// GPT-2's spelling of bytes as printable characters, in which byte-level vocabularies are written.
#pragma once

#include <string>
#include <string_view>

namespace kvlink::inference {

/// The bytes that a vocabulary entry stands for ("Ġthe" is " the"). Characters that spell no byte
/// stay as they are.
std::string bytes_of_spelling(std::string_view spelled);

/// How one byte is spelled: one character in UTF-8.
std::string spelling_of_byte(unsigned char byte);

}  // namespace kvlink::inference
