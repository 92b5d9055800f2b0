// SPDX-License-Identifier: Apache-2.0
#include "kernels/logits.h"

#include <cmath>

#include "kernels/base/result.h"

namespace kvlink::kernels {

std::int32_t argmax(std::span<const float> logits) {
  KVLINK_CHECK(!logits.empty());
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  return static_cast<std::int32_t>(best);
}

void log_softmax(std::span<const float> logits, std::span<float> y) {
  KVLINK_CHECK(!logits.empty() && y.size() == logits.size());
  const double highest = logits[static_cast<std::size_t>(argmax(logits))];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - highest);
  const double log_sum = highest + std::log(sum);
  for (std::size_t i = 0; i < logits.size(); ++i) y[i] = static_cast<float>(logits[i] - log_sum);
}

}  // namespace kvlink::kernels
