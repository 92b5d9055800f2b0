// SPDX-License-Identifier: Apache-2.0
// What a tokenizer.model must fulfil before the sentencepiece library may see it.
#pragma once

#include <string_view>

namespace kvlink::inference {

/// Walks the protobuf with our own bounded reader: lengths, nesting, piece texts, types and scores,
/// the model type, and the character map's trie, in which every step must stay inside the map.
/// (Version 0.1.97 of the library follows a crafted map past its end.) Throws kCorrupt, and
/// kUnsupported for limits: 64 MiB, 4 Mi pieces, 256 bytes a piece.
void check_sentencepiece_model(std::string_view bytes);

}  // namespace kvlink::inference
