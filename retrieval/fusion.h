// SPDX-License-Identifier: Apache-2.0
// Two rankings of passages become one.
#pragma once

#include <cstdint>
#include <vector>

namespace kvlink::retrieval {

/// A passage that words or vectors have put forward.
struct Candidate {
  std::int64_t id = 0;
  double bm25 = 0;                ///< larger is better; 0: shares no word
  double cosine = 0;              ///< known for every candidate that has a vector
  bool has_vector = false;        ///< and the question has one too
  std::int32_t lexical_rank = 0;  ///< 1-based; 0: not found by words
  std::int32_t dense_rank = 0;    ///< 1-based; 0: not found by vector
  double score = 0;
};

/// Sets the scores and sorts, best first, ties by id. Both measures are scaled to [0, 1] over the
/// candidates before they are mixed: `dense_weight` of the cosine, the rest of bm25. With one
/// ranking only, its own order stays.
void fuse(std::vector<Candidate>& candidates, double dense_weight);

}  // namespace kvlink::retrieval
