// SPDX-License-Identifier: Apache-2.0
#include "cache/eviction.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace kvlink::cache {
namespace {

/// Whether `a` is worth less than `b`; ties fall to the one unused for longest.
bool worth_less(Eviction policy, const BlockUse& a, const BlockUse& b) {
  switch (policy) {
    case Eviction::kGdsf:
      return std::tie(a.gdsf_priority, a.last_use) < std::tie(b.gdsf_priority, b.last_use);
    case Eviction::kLfu:
      return std::tie(a.n_uses, a.last_use) < std::tie(b.n_uses, b.last_use);
    case Eviction::kLru:
      break;
  }
  return a.last_use < b.last_use;
}

}  // namespace

double gdsf_priority(const BlockUse& use, double clock) {
  return clock + use.cost_ms * static_cast<double>(use.n_uses) /
                     static_cast<double>(std::max<std::int64_t>(use.bytes, 1));
}

std::optional<std::vector<Candidate>> choose_victims(Eviction policy,
                                                     std::vector<Candidate> candidates,
                                                     std::int64_t needed_bytes) {
  // A heap, because usually a few of very many leave.
  const auto later = [policy](const Candidate& a, const Candidate& b) {
    return worth_less(policy, b.use, a.use);
  };
  std::make_heap(candidates.begin(), candidates.end(), later);
  std::vector<Candidate> victims;
  std::int64_t freed = 0;
  while (freed < needed_bytes) {
    if (candidates.empty()) return std::nullopt;
    std::pop_heap(candidates.begin(), candidates.end(), later);
    freed += candidates.back().use.bytes;
    victims.push_back(std::move(candidates.back()));
    candidates.pop_back();
  }
  // A large block chosen last may make smaller, more valuable ones unnecessary to remove.
  for (std::size_t i = victims.size(); i-- > 0;) {
    if (freed - victims[i].use.bytes < needed_bytes) continue;
    freed -= victims[i].use.bytes;
    victims.erase(victims.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return victims;
}

}  // namespace kvlink::cache
