// SPDX-License-Identifier: Apache-2.0
#include "app/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

/// Log of the sum of exponentials.
double log_total(std::span<const float> logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - top);
  return top + std::log(sum);
}

std::size_t n_first(std::int64_t k, std::span<const std::string> ranked) {
  return std::min(static_cast<std::size_t>(std::max<std::int64_t>(k, 0)), ranked.size());
}

}  // namespace

double mean_of(std::span<const Cluster> clusters) {
  double sum = 0;
  double n = 0;
  for (const auto& cluster : clusters) {
    sum += cluster.sum;
    n += static_cast<double>(cluster.n);
  }
  return n == 0 ? 0 : sum / n;
}

Interval bootstrap_interval(std::span<const Cluster> clusters, std::int32_t n_resamples,
                            std::uint64_t seed) {
  if (clusters.empty() || n_resamples < 1) return {};
  std::mt19937_64 random(seed);
  std::vector<double> means;
  std::vector<Cluster> drawn(clusters.size());
  for (std::int32_t i = 0; i < n_resamples; ++i) {
    // The remainder's bias is below 2^-50; std::uniform_int_distribution differs by platform.
    for (auto& cluster : drawn) cluster = clusters[random() % clusters.size()];
    means.push_back(mean_of(drawn));
  }
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

double ndcg_at(std::int64_t k, std::span<const std::string> ranked,
               const std::set<std::string>& relevant) {
  double gain = 0;
  double ideal = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max<std::int64_t>(k, 0)); ++i) {
    const double weight = 1 / std::log2(static_cast<double>(i) + 2);
    if (i < relevant.size()) ideal += weight;
    if (i < ranked.size() && relevant.contains(ranked[i])) gain += weight;
  }
  return ideal == 0 ? 0 : gain / ideal;
}

double recall_at(std::int64_t k, std::span<const std::string> ranked,
                 const std::set<std::string>& relevant) {
  if (relevant.empty()) return 0;
  const auto first = ranked.first(n_first(k, ranked));
  const auto found = std::count_if(first.begin(), first.end(),
                                   [&](const auto& id) { return relevant.contains(id); });
  return static_cast<double>(found) / static_cast<double>(relevant.size());
}

double reciprocal_rank(std::span<const std::string> ranked, const std::set<std::string>& relevant) {
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    if (relevant.contains(ranked[i])) return 1 / static_cast<double>(i + 1);
  }
  return 0;
}

double kl_divergence(std::span<const float> p_logits, std::span<const float> q_logits) {
  if (p_logits.size() != q_logits.size() || p_logits.empty()) {
    fail(ErrorCode::kInvalidInput, "Two distributions over " + std::to_string(p_logits.size()) +
                                       " and " + std::to_string(q_logits.size()) +
                                       " tokens cannot be compared.");
  }
  const double p_total = log_total(p_logits);
  const double q_total = log_total(q_logits);
  double sum = 0;
  for (std::size_t i = 0; i < p_logits.size(); ++i) {
    const double p = static_cast<double>(p_logits[i]) - p_total;
    const double q = static_cast<double>(q_logits[i]) - q_total;
    if (std::exp(p) > 0) sum += std::exp(p) * (p - q);
  }
  return std::max(sum, 0.0);  // rounding can leave a trace below zero
}

}  // namespace kvlink::app
