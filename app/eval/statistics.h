// SPDX-License-Identifier: Apache-2.0
// Figures over many questions: means, intervals by bootstrap, quantiles, ranking quality.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace kvlink::app {

/// All runs of one question: they are drawn together, because they are not independent.
struct Cluster {
  double sum = 0;
  std::int64_t n = 0;
};

/// Sum of sums over sum of counts; 0 for nothing.
double mean_of(std::span<const Cluster> clusters);

struct Interval {
  double low = 0;
  double high = 0;
};

/// 95 % percentile interval of mean_of, drawing whole clusters with replacement (Efron 1979). The
/// same on every platform for the same seed. Nothing gives {0, 0}.
Interval bootstrap_interval(std::span<const Cluster> clusters, std::int32_t n_resamples = 10'000,
                            std::uint64_t seed = 1);

/// Linear between the two nearest values; q from 0 to 1. 0 for nothing.
double quantile(std::vector<double> values, double q);

/// Normalised discounted cumulative gain of the first k, every relevant one worth 1. 0 when nothing
/// is relevant.
double ndcg_at(std::int64_t k, std::span<const std::string> ranked,
               const std::set<std::string>& relevant);
/// Share of the relevant ones among the first k.
double recall_at(std::int64_t k, std::span<const std::string> ranked,
                 const std::set<std::string>& relevant);
/// 1 / rank of the first relevant one; 0 when there is none.
double reciprocal_rank(std::span<const std::string> ranked, const std::set<std::string>& relevant);

/// KL(p ‖ q) in nats of the distributions that two rows of logits stand for. Rows of equal length;
/// kInvalidInput otherwise (throws).
double kl_divergence(std::span<const float> p_logits, std::span<const float> q_logits);

}  // namespace kvlink::app
