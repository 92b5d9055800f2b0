// SPDX-License-Identifier: Apache-2.0
// What a graph of bytes costs and saves beside one of floats: kvlink_vector_rounding ROWS
//
// Vectors near one of 500 topics in 64 of 384 dimensions, as in library_scale.cpp. Prints recall@10
// against comparing with every row, microseconds of a search, megabytes of the index, and how long
// the rounding takes.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "retrieval/vector_index.h"

namespace {

using kvlink::retrieval::VectorIndex;
using Clock = std::chrono::steady_clock;

constexpr std::int32_t kDim = 384;
constexpr int kFactors = 64, kTopics = 500, kQueries = 200, kStep = 1000;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Source {
 public:
  Source() : factors_(kFactors * kDim), topics_(kTopics * kFactors) {
    for (float& x : factors_) x = normal_(random_);
    for (float& x : topics_) x = normal_(random_);
  }
  std::vector<float> next(std::int64_t n) {
    std::vector<float> out(static_cast<std::size_t>(n) * kDim, 0.0F);
    for (std::size_t row = 0; row < static_cast<std::size_t>(n); ++row) {
      const std::size_t topic = random_() % kTopics;
      float* v = out.data() + row * kDim;
      for (std::size_t f = 0; f < kFactors; ++f) {
        const float weight = topics_[topic * kFactors + f] + normal_(random_);
        for (std::size_t i = 0; i < kDim; ++i) v[i] += weight * factors_[f * kDim + i];
      }
      const float length = std::sqrt(std::inner_product(v, v + kDim, v, 0.0F));
      for (std::size_t i = 0; i < kDim; ++i) v[i] /= length;
    }
    return out;
  }

 private:
  std::mt19937 random_{7};
  std::normal_distribution<float> normal_;
  std::vector<float> factors_, topics_;
};

void measure(const char* name, const VectorIndex& index, const VectorIndex& exact,
             const std::vector<float>& queries) {
  double hits = 0, seconds = 0;
  for (int q = 0; q < kQueries; ++q) {
    const auto query = std::span(queries).subspan(static_cast<std::size_t>(q) * kDim, kDim);
    std::set<std::int64_t> wanted;
    for (const auto& one : exact.search(query, 10)) wanted.insert(one.id);
    const auto begin = Clock::now();
    const auto found = index.search(query, 10);
    seconds += seconds_since(begin);
    for (const auto& one : found) hits += wanted.contains(one.id) ? 1 : 0;
  }
  std::size_t bytes = 0;
  index.write([&](std::span<const std::byte> part) { bytes += part.size(); });
  std::printf("%-8s recall@10 %.3f   %7.0f us a search   %7.1f MB\n", name, hits / kQueries / 10,
              1e6 * seconds / kQueries, static_cast<double>(bytes) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t n_rows = argc > 1 ? std::atoll(argv[1]) : 50'000;
  const std::int64_t never = n_rows + 1;
  VectorIndex exact(kDim, {never, 0, never});
  VectorIndex graph(kDim, {0, 0, n_rows - 1});
  Source source;
  double build = 0;
  for (std::int64_t first = 0; first < n_rows; first += kStep) {
    const std::int64_t n = std::min<std::int64_t>(kStep, n_rows - first);
    std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
    std::iota(ids.begin(), ids.end(), first);
    const auto vectors = source.next(n);
    exact.add(ids, vectors);
    graph.add(ids, vectors);
    const auto begin = Clock::now();
    graph.absorb(n);
    build += seconds_since(begin);
  }
  std::printf("%lld rows of %d numbers; graph built in %.1f s\n", static_cast<long long>(n_rows),
              kDim, build);
  const auto queries = source.next(kQueries);
  measure("scan", exact, exact, queries);
  measure("floats", graph, exact, queries);
  const auto begin = Clock::now();
  graph.absorb(1);
  std::printf("rounded to bytes in %.2f s: %s\n", seconds_since(begin),
              graph.has_bytes() ? "yes" : "no");
  measure("bytes", graph, exact, queries);
  return graph.has_bytes() ? 0 : 1;
}
