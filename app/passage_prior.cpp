// SPDX-License-Identifier: Apache-2.0
#include "app/passage_prior.h"

#include <algorithm>

namespace kvlink::app {

std::vector<float> passage_priors(std::span<const double> cosines, double weight) {
  std::vector<float> priors;
  if (cosines.empty()) return priors;
  const double highest = *std::max_element(cosines.begin(), cosines.end());
  for (const double cosine : cosines) {
    const bool known = cosine != 0.0;
    priors.push_back(known ? static_cast<float>(weight * (cosine - highest)) : 0.0F);
  }
  return priors;
}

}  // namespace kvlink::app
