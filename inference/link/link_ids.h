// SPDX-License-Identifier: Apache-2.0
// Link tokens as ids of the vocabulary, other ones for every passage: how official KVLink
// checkpoints are made (a full fine-tune instead of an adapter).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "inference/model/model_config.h"
#include "kernels/base/result.h"

namespace kvlink::inference {

/// Passage number p (from 0) is followed by the ids first + per_passage * p + i. Published
/// checkpoints: 128011 + 5 p + i for 40 passages, 128254 and 128255 around all of them.
struct LinkIds {
  std::int32_t first = 0;
  std::int32_t per_passage = 0;
  std::int32_t max_passages = 0;
  std::int32_t memory_start = -1;  ///< before the first passage; -1: none
  std::int32_t memory_end = -1;    ///< after the last one's link tokens; -1: none

  bool operator==(const LinkIds&) const = default;
};

/// Reads {"format": "kvlink-link-ids-1", "first": …, "per_passage": …, "max_passages": …,
/// "memory_start": …, "memory_end": …}; the last two may be missing. Throws kNotFound, kIo,
/// kCorrupt (not this JSON, a field twice or unknown), kInvalidInput (ids outside the vocabulary).
LinkIds load_link_ids(const std::filesystem::path& file, const ModelConfig& config);

/// Where a model's scheme lies: `link_ids.json` in a model's folder, `NAME.gguf.link_ids.json`
/// beside a file. It need not exist.
std::filesystem::path link_ids_file(const std::filesystem::path& model);

}  // namespace kvlink::inference
