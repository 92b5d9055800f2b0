// SPDX-License-Identifier: Apache-2.0
// The objects that --json prints, one place for each.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/answer_pipeline.h"
#include "app/block_encoder.h"
#include "app/file_scan.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// Indented; malformed UTF-8 (file names may hold any bytes) becomes U+FFFD.
std::string to_text(const nlohmann::json& value);

nlohmann::json json_of(const retrieval::Document& document);
nlohmann::json json_of(const retrieval::StoredChunk& chunk, const std::string& path, double score);
nlohmann::json json_of(const FileProblem& problem);
nlohmann::json json_of(const EncodeReport& report);
nlohmann::json json_of(const Answer& answer);

}  // namespace kvlink::app
