// SPDX-License-Identifier: Apache-2.0
// A collection's passages in a library, embedded once and kept in a folder.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/eval/collection.h"
#include "app/eval/eval_run.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// Rows of vectors for texts. Throws.
using EmbedTexts = std::function<std::vector<float>(const std::vector<std::string>&)>;

/// Adds what is missing: one document of one chunk for each passage, its id as the path. A run that
/// was stopped goes on. Throws kInvalidInput for a library that holds other documents, and
/// kCancelled.
void fill_library(retrieval::Library& library, const Collection& collection,
                  const EmbedTexts& embed, const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
