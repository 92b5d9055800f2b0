// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numeric>

#include "tests/cuda_host/device_arena.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using kernels::tests::expect_near;
using kernels::tests::random_rows;
using kernels::tests::Rows;

struct Shape {
  std::int64_t n_queries, n_keys, n_kv_heads, group, head_dim;
};

class DeviceAttention : public DeviceArenaTest {
 protected:
  /// An arena with random rows in it, written by the projection op without rotation.
  cuda::Arena filled(DType dtype, const Shape& s, std::int64_t capacity) {
    const cuda::Arena arena = make_arena(dtype, s.n_kv_heads, capacity, s.head_dim);
    const std::int64_t dim = s.n_kv_heads * s.head_dim;
    const Rows qkv = random_rows(s.n_keys, 3 * dim, 5);
    std::vector<std::int32_t> rows(static_cast<std::size_t>(s.n_keys));
    std::iota(rows.begin(), rows.end(), 0);
    cuda::ProjectionCall call = {};
    call.qkv = upload(qkv);
    call.n_heads = s.n_kv_heads;
    call.rows = upload(rows);
    call.arena = arena;
    call.q = fresh(s.n_keys, dim);
    backend_->run(&Api::finish_projection, &call);
    return arena;
  }

  void check(const Shape& s, DType arena_type, DType half,
             const std::vector<std::int32_t>& key_positions,
             const std::vector<std::int32_t>& query_positions, bool positions_given = true,
             const std::vector<float>& key_biases = {}) {
    const std::string where =
        std::to_string(s.n_queries) + " queries, " + std::to_string(s.n_keys) + " keys, head " +
        std::to_string(s.head_dim) + ", " + dtype_name(arena_type) + ", " + dtype_name(half);
    const cuda::Arena arena = filled(arena_type, s, s.n_keys + 3);
    const Rows q = random_rows(s.n_queries, s.n_kv_heads * s.group * s.head_dim, 6, 4, 2.0F);
    const Matrix q_device = upload(q);
    const std::vector<std::int32_t> n_keys = {static_cast<std::int32_t>(s.n_keys)};
    const std::int32_t* n_keys_device = upload(n_keys);
    const std::int32_t* keys_at = positions_given ? upload(key_positions) : nullptr;
    const std::int32_t* queries_at = positions_given ? upload(query_positions) : nullptr;
    const float* biases = key_biases.empty() ? nullptr : upload(key_biases);
    const Rows y = in_every_order([&] {
      const Matrix out = fresh(q.view().rows, q.view().cols, DType::kF32, 2);
      const cuda::AttentionCall call{q_device,      arena,        keys_at, queries_at, biases,
                                     n_keys_device, s.n_keys + 3, half,    out};
      backend_->run(&Api::attention, &call);
      backend_->run(&Api::synchronize);
      return download(out);
    });
    compare(s, image(arena), q, key_positions, query_positions, y,
            half == DType::kF16 && arena_type != DType::kBF16 ? kDeviceAttentionF16
                                                              : kDeviceAttentionBf16,
            where, key_biases);
  }

  static void compare(const Shape& s, const ArenaImage& arena, const Rows& q,
                      const std::vector<std::int32_t>& key_positions,
                      const std::vector<std::int32_t>& query_positions, const Rows& y,
                      Tolerance tolerance, const std::string& where,
                      const std::vector<float>& key_biases) {
    for (std::int64_t r = 0; r < s.n_queries; ++r) {
      for (std::int64_t h = 0; h < s.n_kv_heads * s.group; ++h) {
        std::vector<double> weights;
        double largest = -INFINITY;
        for (std::int64_t k = 0; k < s.n_keys; ++k) {
          const std::int32_t at = key_positions[static_cast<std::size_t>(k)];
          double score = -INFINITY;
          if (at >= 0 && at <= query_positions[static_cast<std::size_t>(r)]) {
            score = 0.0;
            for (std::int64_t e = 0; e < s.head_dim; ++e) {
              score += q.at(r, h * s.head_dim + e) * arena.key(h / s.group, k, e);
            }
            score /= std::sqrt(static_cast<double>(s.head_dim));
            if (!key_biases.empty()) score += key_biases[static_cast<std::size_t>(k)];
          }
          weights.push_back(score);
          largest = std::max(largest, score);
        }
        double total = 0.0;
        for (double& w : weights) total += w = largest == -INFINITY ? 0.0 : std::exp(w - largest);
        for (std::int64_t e = 0; e < s.head_dim; ++e) {
          double sum = 0.0;
          for (std::int64_t k = 0; k < s.n_keys; ++k) {
            sum += weights[static_cast<std::size_t>(k)] * arena.value(h / s.group, k, e);
          }
          expect_near(y.at(r, h * s.head_dim + e), total > 0 ? sum / total : 0.0, 3.0, tolerance,
                      where);
        }
      }
    }
  }

  static std::vector<std::int32_t> counting(std::int64_t n, std::int32_t first = 0) {
    std::vector<std::int32_t> values(static_cast<std::size_t>(n));
    std::iota(values.begin(), values.end(), first);
    return values;
  }
};

TEST_F(DeviceAttention, ReadsEveryArenaTypeInBothPrecisions) {
  const Shape s{5, 70, 2, 3, 64};
  for (const DType arena : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv}) {
    for (const DType half : {DType::kF16, DType::kBF16}) {
      check(s, arena, half, counting(70), counting(5, 65));
    }
  }
}

TEST_F(DeviceAttention, TakesHeadsOfEverySize) {
  for (const std::int64_t head_dim : {8, 24, 48, 64, 80, 128, 136, 256}) {
    check({3, 40, 1, 2, head_dim}, DType::kF16, DType::kF16, counting(40), counting(3, 37));
    check({33, 40, 1, 1, head_dim}, DType::kF16, DType::kF16, counting(40), counting(33, 7));
  }
}

TEST_F(DeviceAttention, DecodesOneQueryOverManyKeysInSplits) {
  for (const std::int64_t n_keys : {1, 63, 64, 65, 700}) {
    check({1, n_keys, 2, 4, 64}, DType::kF16, DType::kF16, counting(n_keys),
          counting(1, static_cast<std::int32_t>(n_keys) - 1));
  }
}

TEST_F(DeviceAttention, PrefillsCausally) {
  check({130, 130, 1, 2, 64}, DType::kF16, DType::kF16, counting(130), counting(130));
  check({90, 600, 1, 3, 64}, DType::kF16, DType::kBF16, counting(600), counting(90, 510));
}

TEST_F(DeviceAttention, SeesByPositionNotByRow) {
  // Rows out of order, hidden ones, and a query that sees nothing at all.
  std::vector<std::int32_t> keys = counting(150);
  std::reverse(keys.begin(), keys.end());
  for (std::size_t i = 0; i < keys.size(); i += 7) keys[i] = -1;
  check({4, 150, 2, 2, 64}, DType::kF16, DType::kF16, keys, {149, 10, 60, -1});
  // A whole tile that no query sees lies between two that they do.
  std::vector<std::int32_t> gap = counting(192);
  for (std::size_t i = 64; i < 128; ++i) gap[i] = 10000;
  check({20, 192, 1, 1, 64}, DType::kF16, DType::kF16, gap, counting(20, 150));
}

TEST_F(DeviceAttention, SeesEveryKeyWithoutPositions) {
  check({10, 37, 2, 1, 32}, DType::kF32, DType::kF16, std::vector<std::int32_t>(37, 0),
        std::vector<std::int32_t>(10, 0), false);
}

TEST_F(DeviceAttention, AddsTheBiasesOfKeys) {
  std::vector<float> biases(700);
  for (std::size_t k = 0; k < biases.size(); ++k) {
    biases[k] = -0.9F * static_cast<float>(k / 60 % 4);
  }
  check({1, 700, 2, 3, 64}, DType::kF16, DType::kF16, counting(700), counting(1, 699), true,
        biases);
  biases.resize(130);
  check({40, 130, 1, 2, 64}, DType::kF16, DType::kF16, counting(130), counting(40, 90), true,
        biases);
}

TEST_F(DeviceAttention, AddsUpAttentionOfEveryQueryAndHead) {
  const Shape s{3, 70, 2, 2, 24};
  const cuda::Arena arena = filled(DType::kF16, s, 80);
  const Rows q = random_rows(3, 4 * 24, 8);
  std::vector<std::int32_t> keys = counting(70);
  keys[5] = -1;
  const std::vector<std::int32_t> queries = {69, 20, 40};
  float* mass = upload(std::vector<float>(70));
  const cuda::AttentionMassCall call{upload(q), arena, upload(keys), upload(queries), 70, mass};
  backend_->run(&Api::attention_mass, &call);
  const auto result = download<float>(mass, 70);
  const ArenaImage copy = image(arena);
  std::vector<double> expected(70);
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::int64_t h = 0; h < 4; ++h) {
      std::vector<double> weights(70);
      double total = 0.0;
      for (std::size_t k = 0; k < 70; ++k) {
        if (keys[k] < 0 || keys[k] > queries[r]) continue;
        double score = 0.0;
        for (std::int64_t e = 0; e < 24; ++e) {
          score += q.at(static_cast<std::int64_t>(r), h * 24 + e) *
                   copy.key(h / 2, static_cast<std::int64_t>(k), e);
        }
        total += weights[k] = std::exp(score / std::sqrt(24.0));
      }
      for (std::size_t k = 0; k < 70; ++k) expected[k] += weights[k] / total;
    }
  }
  for (std::size_t k = 0; k < 70; ++k)
    expect_near(result[k], expected[k], 1.0, {1e-5, 1e-6}, "mass");
}

}  // namespace
}  // namespace kvlink::tests
