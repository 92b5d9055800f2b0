// SPDX-License-Identifier: Apache-2.0
#include "app/passage_prior.h"

#include <algorithm>

namespace kvlink::app {

std::vector<float> passage_priors(std::span<const double> cosines, double weight) {
  std::vector<float> priors;
  const auto is_known = [](double cosine) { return cosine != 0.0; };
  double highest = -1.0;
  for (const double cosine : cosines) {
    if (is_known(cosine)) highest = std::max(highest, cosine);
  }
  for (const double cosine : cosines) {
    priors.push_back(is_known(cosine) ? static_cast<float>(weight * (cosine - highest)) : 0.0F);
  }
  return priors;
}

}  // namespace kvlink::app
