// SPDX-License-Identifier: Apache-2.0
// The settings of a decoder from the keys of a GGUF file.
#pragma once

#include "inference/model/architecture.h"
#include "inference/model/gguf_file.h"
#include "inference/model/model_config.h"

namespace kvlink::inference {

/// The family that general.architecture names. Throws kUnsupported with the reason.
const Architecture& gguf_architecture(const GgufFile& file);

/// Everything but the vocabulary's size. Throws kCorrupt for impossible values, kUnsupported for
/// keys that change the computation in a way that is not supported.
ModelConfig read_gguf_config(const GgufFile& file);

/// A whole number of 1 to max under `key`; kCorrupt when it is something else, or absent without a
/// fallback.
std::int32_t read_gguf_count(const GgufFile& file, const std::string& key, std::uint64_t max,
                             std::optional<std::uint64_t> fallback = std::nullopt);

}  // namespace kvlink::inference
