// SPDX-License-Identifier: Apache-2.0
// Random material for attention, and the formula in double precision over the same bytes.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <map>
#include <numeric>
#include <utility>

#include "kernels/attention.h"
#include "kernels/kv_arena.h"
#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {

/// Every instruction set in f32, and the widest with products of bf16 where this CPU has them.
inline std::vector<NamedBackend> ways(std::initializer_list<int> thread_counts) {
  std::vector<NamedBackend> all = backends(thread_counts);
  for (const int n : thread_counts) {
    auto backend = std::make_unique<CpuBackend>(CpuOptions{.n_threads = n});
    if (!backend->uses_bf16()) break;
    all.push_back({"bf16, " + std::to_string(n) + " threads", std::move(backend)});
  }
  return all;
}

inline Tolerance tolerance_of(const NamedBackend& b, DType dtype) {
  return b.backend->uses_bf16() && dtype != DType::kF32 ? kvlink::tests::kAttentionBf16Tolerance
                                                        : kvlink::tests::kAttentionTolerance;
}

inline constexpr DType kArenaTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv};

/// Random queries against a random arena.
struct Case {
  std::int64_t n, n_keys, n_heads, n_kv_heads, head_dim;
  DType dtype = DType::kF16;
};

struct Material {
  Case c;
  Rows q;
  std::vector<std::byte> keys, values;
  std::int64_t capacity;
  std::vector<std::int32_t> key_positions, query_positions;
  std::vector<float> key_biases;  // none: 0
  /// By row and head, once asked for: the same for every backend. Nothing may change after that.
  mutable std::map<std::pair<std::int64_t, std::int64_t>, std::vector<double>> expected;

  explicit Material(Case shape)
      : c(shape), q(random_rows(c.n, c.n_heads * c.head_dim, 11, 8, 2.0F)), capacity(c.n_keys + 5) {
    keys = random_plane(12);
    values = random_plane(13);
    key_positions.resize(static_cast<std::size_t>(c.n_keys));
    std::iota(key_positions.begin(), key_positions.end(), 0);
    for (std::int64_t i = 0; i < c.n; ++i) {
      query_positions.push_back(
          static_cast<std::int32_t>(std::max<std::int64_t>(0, c.n_keys - c.n + i)));
    }
  }

  KvArenaView arena() {
    return {keys.data(), values.data(), c.dtype, c.n_kv_heads, capacity, c.head_dim};
  }
  std::vector<std::byte> random_plane(unsigned seed) const {
    const std::int64_t n_rows = c.n_kv_heads * capacity;
    if (c.dtype != DType::kQ8Kv) return random_weights(c.dtype, n_rows, c.head_dim, seed).bytes;
    std::mt19937 random(seed);
    std::vector<std::byte> plane(
        static_cast<std::size_t>(arena_plane_bytes(c.dtype, n_rows, c.head_dim)));
    for (std::byte& b : plane) b = static_cast<std::byte>(random() % 255 - 127);
    std::uniform_real_distribution<float> scale(0.0F, 0.01F);
    for (std::int64_t row = 0; row < n_rows; ++row) {
      const float value = scale(random);
      std::memcpy(plane.data() + scale_at(row), &value, sizeof(value));
    }
    return plane;
  }
  std::int64_t scale_at(std::int64_t row) const {
    return arena_element_bytes(c.dtype, c.n_kv_heads * capacity, c.head_dim) + row * 4;
  }
  /// Whatever a row may hold that nobody wrote: NaN where the type has it.
  void spoil(std::int64_t head, std::int64_t key) {
    const std::int64_t row = head * capacity + key;
    const std::int64_t bytes = row_bytes(c.dtype, c.head_dim);
    for (std::vector<std::byte>* plane : {&keys, &values}) {
      std::memset(plane->data() + row * bytes, 0xFF, static_cast<std::size_t>(bytes));
      if (c.dtype == DType::kQ8Kv) std::memset(plane->data() + scale_at(row), 0xFF, 4);
    }
  }
  double element(const std::vector<std::byte>& plane, std::int64_t head, std::int64_t key,
                 std::int64_t e) const {
    const std::int64_t index = (head * capacity + key) * c.head_dim + e;
    if (c.dtype == DType::kQ8Kv) {
      float scale;
      std::memcpy(&scale, plane.data() + scale_at(head * capacity + key), sizeof(scale));
      return double{scale} *
             static_cast<double>(static_cast<std::int8_t>(plane[static_cast<std::size_t>(index)]));
    }
    if (c.dtype == DType::kF32) {
      float value;
      std::memcpy(&value, plane.data() + index * 4, 4);
      return value;
    }
    std::uint16_t bits;
    std::memcpy(&bits, plane.data() + index * 2, 2);
    return c.dtype == DType::kBF16 ? bf16_to_f32(bits) : f16_to_f32(bits);
  }
  bool sees(std::int64_t i, std::int64_t key) const {
    const std::int32_t position = key_positions[static_cast<std::size_t>(key)];
    return position >= 0 && position <= query_positions[static_cast<std::size_t>(i)];
  }
};

/// softmax(q k / sqrt(d) + bias) v over the visible keys.
inline std::vector<double> reference_row(const Material& m, std::int64_t i, std::int64_t head) {
  const std::int64_t dim = m.c.head_dim;
  const std::int64_t kv_head = head / (m.c.n_heads / m.c.n_kv_heads);
  std::vector<double> q;
  for (std::int64_t e = 0; e < dim; ++e) q.push_back(m.q.at(i, head * dim + e));
  if (m.c.dtype == DType::kQ8Kv) q = reference_mix(q);  // as the keys of such an arena are
  std::vector<double> scores;
  std::vector<std::int64_t> seen;
  for (std::int64_t key = 0; key < m.c.n_keys; ++key) {
    if (!m.sees(i, key)) continue;
    double score = 0;
    for (std::int64_t e = 0; e < dim; ++e) {
      score += q[static_cast<std::size_t>(e)] * m.element(m.keys, kv_head, key, e);
    }
    const double bias = m.key_biases.empty()
                            ? 0.0
                            : static_cast<double>(m.key_biases[static_cast<std::size_t>(key)]);
    scores.push_back(score / std::sqrt(static_cast<double>(dim)) + bias);
    seen.push_back(key);
  }
  const double highest = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  std::vector<double> y(static_cast<std::size_t>(dim));
  for (std::size_t s = 0; s < seen.size(); ++s) {
    const double weight = std::exp(scores[s] - highest);
    total += weight;
    for (std::int64_t e = 0; e < dim; ++e) {
      y[static_cast<std::size_t>(e)] += weight * m.element(m.values, kv_head, seen[s], e);
    }
  }
  for (double& value : y) value /= total;
  return y;
}

inline void expect_reference(const Rows& y, const Material& m, const NamedBackend& b,
                             const std::string& what) {
  const std::string where = b.name + what;
  // Large cases compare every few rows only.
  const std::int64_t step = std::max<std::int64_t>(1, m.c.n * m.c.n_keys * m.c.n_heads / 200000);
  for (std::int64_t i = 0; i < m.c.n; i += step) {
    for (std::int64_t head = 0; head < m.c.n_heads; ++head) {
      std::vector<double>& expected = m.expected[{i, head}];
      if (expected.empty()) expected = reference_row(m, i, head);
      for (std::int64_t e = 0; e < m.c.head_dim; ++e) {
        expect_near(y.at(i, head * m.c.head_dim + e), expected[static_cast<std::size_t>(e)], 2.0,
                    tolerance_of(b, m.c.dtype),
                    where + " row " + std::to_string(i) + " head " + std::to_string(head));
      }
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_TRUE(y.gaps_are_untouched()) << where;
}

inline Rows run(CpuBackend& backend, Material& m) {
  Rows y(m.c.n, m.c.n_heads * m.c.head_dim, 3);
  attention(backend, m.q.view(), m.arena(), m.key_positions, m.query_positions, y.view(),
            m.key_biases);
  return y;
}

inline void check(Case c, std::initializer_list<int> threads = {1, 3}) {
  Material m(c);
  for (const NamedBackend& b : ways(threads)) {
    expect_reference(run(*b.backend, m), m, b,
                     " " + std::to_string(c.n) + " queries " + std::to_string(c.n_keys) + " keys " +
                         std::to_string(c.head_dim) + " dims " + dtype_name(c.dtype));
  }
}

}  // namespace kvlink::kernels::tests
