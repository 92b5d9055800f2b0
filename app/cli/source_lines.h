// SPDX-License-Identifier: Apache-2.0
// A passage on a terminal: where it stands, and how it begins.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "retrieval/library.h"

namespace kvlink::app {

/// "[1] /home/me/notes.md:12-20  Notes › Heating  (0.031)", printable.
std::string source_line(std::int64_t number, const retrieval::StoredChunk& chunk,
                        const std::string& path, double score);
/// The first characters of a text on one line, printable.
std::string excerpt(std::string_view text, std::size_t limit);

}  // namespace kvlink::app
