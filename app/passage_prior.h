// SPDX-License-Identifier: Apache-2.0
// What retrieval knows about passages, told to the model while it reads them.
#pragma once

#include <span>
#include <vector>

namespace kvlink::app {

/// For each passage weight * (its cosine to the question - the highest one): 0 for the nearest
/// passage, less for the others, and 0 for one whose cosine is not known (given as 0). Added to
/// attention scores (inference::PlannedChunk::log_prior), so that a small model, which chooses
/// among passages worse than the embedder does, need not choose alone. weight >= 0; 0: passages
/// count alike.
std::vector<float> passage_priors(std::span<const double> cosines, double weight);

}  // namespace kvlink::app
