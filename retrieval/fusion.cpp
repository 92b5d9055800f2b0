// SPDX-License-Identifier: Apache-2.0
#include "retrieval/fusion.h"

#include <algorithm>

namespace kvlink::retrieval {

void fuse(std::vector<Candidate>& candidates, double dense_weight) {
  double max_bm25 = 0, max_cosine = 0;
  for (const Candidate& c : candidates) {
    max_bm25 = std::max(max_bm25, c.bm25);
    max_cosine = std::max(max_cosine, c.cosine);
  }
  for (Candidate& c : candidates) {
    const double words = max_bm25 > 0 ? c.bm25 / max_bm25 : 0;
    const double vector = max_cosine > 0 ? std::max(0.0, c.cosine) / max_cosine : 0;
    c.score = dense_weight * vector + (1 - dense_weight) * words;
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
}

}  // namespace kvlink::retrieval
