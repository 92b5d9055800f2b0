// SPDX-License-Identifier: Apache-2.0
// The settings of a decoder from a Hugging Face config.json.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "inference/model/architecture.h"
#include "inference/model/model_config.h"
#include "inference/model/rope_frequencies.h"

namespace kvlink::inference {

/// The family that model_type names. Throws kUnsupported with the reason.
const Architecture& hf_architecture(const nlohmann::json& config, const std::string& source);

/// How positions become angles, before it is worked out.
struct RopeStatement {
  double base = 10'000.0;
  RopeScaling scaling;
};

/// Throws kCorrupt, kUnsupported for a kind of scaling that is not computed.
RopeStatement read_hf_rope(const nlohmann::json& config, const std::string& source);

/// Throws kCorrupt for impossible values, kUnsupported for settings that change the computation in
/// a way that is not supported.
ModelConfig read_hf_config(const nlohmann::json& config, const std::string& source);

}  // namespace kvlink::inference
