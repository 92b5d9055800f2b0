// SPDX-License-Identifier: Apache-2.0
// Text to measure with: always the same, no sentence twice, as long as wanted.
#pragma once

#include <cstdint>
#include <string>

namespace kvlink::app {

/// At least `n_words` words of plain English; a longer text begins with the shorter one. Any
/// tokenizer makes at least one token of a word.
std::string bench_text(std::int64_t n_words);

}  // namespace kvlink::app
