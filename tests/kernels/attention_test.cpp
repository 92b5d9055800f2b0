// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kAttentionBf16Tolerance;
using kvlink::tests::kAttentionTolerance;

/// Every instruction set in f32, and the widest with products of bf16 where this CPU has them.
std::vector<NamedBackend> ways(std::initializer_list<int> thread_counts) {
  std::vector<NamedBackend> all = backends(thread_counts);
  for (const int n : thread_counts) {
    auto backend = std::make_unique<CpuBackend>(CpuOptions{.n_threads = n});
    if (!backend->uses_bf16()) break;
    all.push_back({"bf16, " + std::to_string(n) + " threads", std::move(backend)});
  }
  return all;
}

Tolerance tolerance_of(const NamedBackend& b, DType dtype) {
  return b.backend->uses_bf16() && dtype == DType::kF16 ? kAttentionBf16Tolerance
                                                        : kAttentionTolerance;
}

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

  explicit Material(Case shape)
      : c(shape), q(random_rows(c.n, c.n_heads * c.head_dim, 11, 8, 2.0F)), capacity(c.n_keys + 5) {
    const Weights k = random_weights(c.dtype, c.n_kv_heads * capacity, c.head_dim, 12);
    const Weights v = random_weights(c.dtype, c.n_kv_heads * capacity, c.head_dim, 13);
    keys = k.bytes;
    values = v.bytes;
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
  double element(const std::vector<std::byte>& plane, std::int64_t head, std::int64_t key,
                 std::int64_t e) const {
    const std::int64_t index = (head * capacity + key) * c.head_dim + e;
    if (c.dtype == DType::kF32) {
      float value;
      std::memcpy(&value, plane.data() + index * 4, 4);
      return value;
    }
    std::uint16_t bits;
    std::memcpy(&bits, plane.data() + index * 2, 2);
    return f16_to_f32(bits);
  }
  bool sees(std::int64_t i, std::int64_t key) const {
    const std::int32_t position = key_positions[static_cast<std::size_t>(key)];
    return position >= 0 && position <= query_positions[static_cast<std::size_t>(i)];
  }
};

/// softmax(q k / sqrt(d) + bias) v over the visible keys.
std::vector<double> reference_row(const Material& m, std::int64_t i, std::int64_t head) {
  const std::int64_t dim = m.c.head_dim;
  const std::int64_t kv_head = head / (m.c.n_heads / m.c.n_kv_heads);
  std::vector<double> scores;
  std::vector<std::int64_t> seen;
  for (std::int64_t key = 0; key < m.c.n_keys; ++key) {
    if (!m.sees(i, key)) continue;
    double score = 0;
    for (std::int64_t e = 0; e < dim; ++e) {
      score += m.q.at(i, head * dim + e) * m.element(m.keys, kv_head, key, e);
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

void expect_reference(const Rows& y, const Material& m, const NamedBackend& b,
                      const std::string& what) {
  const std::string where = b.name + what;
  // Large cases compare every few rows only.
  const std::int64_t step = std::max<std::int64_t>(1, m.c.n * m.c.n_keys * m.c.n_heads / 200000);
  for (std::int64_t i = 0; i < m.c.n; i += step) {
    for (std::int64_t head = 0; head < m.c.n_heads; ++head) {
      const std::vector<double> expected = reference_row(m, i, head);
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

Rows run(CpuBackend& backend, Material& m) {
  Rows y(m.c.n, m.c.n_heads * m.c.head_dim, 3);
  attention(backend, m.q.view(), m.arena(), m.key_positions, m.query_positions, y.view(),
            m.key_biases);
  return y;
}

void check(Case c, std::initializer_list<int> threads = {1, 3}) {
  Material m(c);
  for (const NamedBackend& b : ways(threads)) {
    expect_reference(run(*b.backend, m), m, b,
                     " " + std::to_string(c.n) + " queries " + std::to_string(c.n_keys) + " keys " +
                         std::to_string(c.head_dim) + " dims " + dtype_name(c.dtype));
  }
}

TEST(Attention, MatchesTheFormulaForEveryHeadSize) {
  for (const DType dtype : {DType::kF16, DType::kF32}) {
    for (const std::int64_t dim : {8, 16, 24, 32, 40, 64, 72, 128, 256}) {
      check({.n = 5, .n_keys = 70, .n_heads = 6, .n_kv_heads = 2, .head_dim = dim, .dtype = dtype});
    }
  }
}

TEST(Attention, MatchesTheFormulaForOddCounts) {
  for (const std::int64_t n : {1, 2, 31, 33, 127}) {
    for (const std::int64_t n_keys : {1, 31, 33, 64, 65, 127, 300}) {
      check({.n = n, .n_keys = n_keys, .n_heads = 3, .n_kv_heads = 1, .head_dim = 16});
    }
  }
}

TEST(Attention, MatchesTheFormulaWhenKeysAreSplit) {
  check({.n = 1, .n_keys = 3001, .n_heads = 9, .n_kv_heads = 3, .head_dim = 64});
  check({.n = 17, .n_keys = 2100, .n_heads = 4, .n_kv_heads = 2, .head_dim = 32});
  check({.n = 300, .n_keys = 1400, .n_heads = 2, .n_kv_heads = 1, .head_dim = 16});
}

TEST(Attention, BiasesAreAddedToTheScoresOfTheirKeys) {
  for (const DType dtype : {DType::kF16, DType::kF32}) {
    for (const std::int64_t n : {1, 40}) {
      for (const std::int64_t n_keys : {70, 1500}) {
        Material m({.n = n,
                    .n_keys = n_keys,
                    .n_heads = 3,
                    .n_kv_heads = 1,
                    .head_dim = 64,
                    .dtype = dtype});
        for (std::int64_t key = 0; key < n_keys; ++key) {
          m.key_biases.push_back(-0.7F * static_cast<float>(key / 50 % 4));
        }
        for (const NamedBackend& b : ways({1, 2})) {
          expect_reference(run(*b.backend, m), m, b, " biased");
        }
      }
    }
  }
}

/// Decode: rows up to kFewAttentionRows take a path of their own, and one more does not.
TEST(Attention, AFewRowsMatchTheFormulaWithHiddenRowsAmongTheKeys) {
  for (const DType dtype : {DType::kF16, DType::kF32}) {
    for (const std::int64_t group : {1, 2, 3, 4, 5, 7, 8, 9}) {
      for (const std::int64_t dim : {32, 64, 128, 256}) {
        Material m({.n = 1 + group % 2,
                    .n_keys = 600 + group,
                    .n_heads = 2 * group,
                    .n_kv_heads = 2,
                    .head_dim = dim,
                    .dtype = dtype});
        const auto bytes = static_cast<std::size_t>(row_bytes(dtype, dim));
        for (std::int64_t key = 3; key < m.c.n_keys; key += 1 + key % 7) {
          m.key_positions[static_cast<std::size_t>(key)] = -1;
          for (std::int64_t head = 0; head < 2; ++head) {
            const auto at = static_cast<std::size_t>(head * m.capacity + key) * bytes;
            std::memset(m.keys.data() + at, 0xFF, bytes);
            std::memset(m.values.data() + at, 0xFF, bytes);
          }
        }
        for (const NamedBackend& b : ways({1})) {
          expect_reference(run(*b.backend, m), m, b,
                           " group " + std::to_string(group) + " dims " + std::to_string(dim));
        }
      }
    }
  }
}

TEST(Attention, EveryHeadOnItsOwnIsAGroupOfOne) {
  check({.n = 9, .n_keys = 90, .n_heads = 4, .n_kv_heads = 4, .head_dim = 48});
}

TEST(Attention, RowsMayLieInAnyOrder) {
  Material m({.n = 20, .n_keys = 700, .n_heads = 4, .n_kv_heads = 2, .head_dim = 32});
  std::mt19937 random(5);
  std::shuffle(m.key_positions.begin(), m.key_positions.end(), random);
  std::shuffle(m.query_positions.begin(), m.query_positions.end(), random);
  for (const NamedBackend& b : ways({1, 2})) {
    expect_reference(run(*b.backend, m), m, b, " shuffled");
  }
}

TEST(Attention, ShufflingRowsWithTheirPositionsChangesNothing) {
  const Case c{
      .n = 7, .n_keys = 400, .n_heads = 2, .n_kv_heads = 1, .head_dim = 16, .dtype = DType::kF32};
  Material sorted(c);
  Material shuffled(c);
  std::vector<std::size_t> order(static_cast<std::size_t>(c.n_keys));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(6);
  std::shuffle(order.begin(), order.end(), random);
  const auto bytes = static_cast<std::size_t>(row_bytes(c.dtype, c.head_dim));
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::memcpy(shuffled.keys.data() + i * bytes, sorted.keys.data() + order[i] * bytes, bytes);
    std::memcpy(shuffled.values.data() + i * bytes, sorted.values.data() + order[i] * bytes, bytes);
    shuffled.key_positions[i] = static_cast<std::int32_t>(order[i]);
  }
  for (const NamedBackend& b : ways({2})) {
    const Rows expected = run(*b.backend, sorted);
    const Rows y = run(*b.backend, shuffled);
    for (std::int64_t r = 0; r < c.n; ++r) {
      for (std::int64_t e = 0; e < c.n_heads * c.head_dim; ++e) {
        expect_near(y.at(r, e), expected.at(r, e), 2.0, kAttentionTolerance, b.name);
      }
    }
  }
}

/// Rows that nobody may see hold NaN: what they hold must not matter.
TEST(Attention, HiddenRowsDoNotMatterWhateverTheyHold) {
  for (const DType dtype : {DType::kF16, DType::kF32}) {
    Material m(
        {.n = 10, .n_keys = 333, .n_heads = 3, .n_kv_heads = 1, .head_dim = 24, .dtype = dtype});
    const auto bytes = static_cast<std::size_t>(row_bytes(dtype, m.c.head_dim));
    for (std::size_t key = 0; key < 333; ++key) {
      if (key % 3 != 1 && key / 64 != 2) continue;
      m.key_positions[key] = -1 - static_cast<std::int32_t>(key);
      std::memset(m.keys.data() + key * bytes, 0xFF, bytes);
      std::memset(m.values.data() + key * bytes, 0xFF, bytes);
    }
    for (const NamedBackend& b : ways({1, 2})) {
      expect_reference(run(*b.backend, m), m, b, " with hidden rows");
    }
  }
}

TEST(Attention, AKeyIsVisibleAtItsOwnPositionAndNotBefore) {
  Material m({.n = 3, .n_keys = 130, .n_heads = 1, .n_kv_heads = 1, .head_dim = 8});
  m.query_positions = {0, 64, 129};
  for (const NamedBackend& b : ways({1})) {
    const Rows y = run(*b.backend, m);
    expect_reference(y, m, b, "");
    for (std::int64_t e = 0; e < 8; ++e)
      expect_near(y.at(0, e), m.element(m.values, 0, 0, e), 2.0, tolerance_of(b, m.c.dtype),
                  b.name);
  }
}

TEST(Attention, SurvivesLargeScores) {
  Material m(
      {.n = 4, .n_keys = 200, .n_heads = 2, .n_kv_heads = 1, .head_dim = 64, .dtype = DType::kF32});
  for (std::int64_t r = 0; r < 4; ++r) {
    for (std::int64_t e = 0; e < 128; ++e) m.q.view().row(r)[e] *= 100.0F;
  }
  for (const NamedBackend& b : ways({1})) {
    const Rows y = run(*b.backend, m);
    for (std::int64_t r = 0; r < 4; ++r) {
      for (std::int64_t e = 0; e < 128; ++e) ASSERT_TRUE(std::isfinite(y.at(r, e))) << b.name;
    }
  }
}

/// A model file may hold NaN: that must come out as NaN, for the caller to notice, and not abort.
TEST(Attention, NonFiniteScoresComeOutAsNan) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    for (const std::int64_t n_keys : {5, 1500}) {
      Material m({.n = 3,
                  .n_keys = n_keys,
                  .n_heads = 1,
                  .n_kv_heads = 1,
                  .head_dim = 16,
                  .dtype = DType::kF32});
      for (std::int64_t e = 0; e < 16; ++e) m.q.view().row(1)[e] = bad;
      for (const NamedBackend& b : ways({2})) {
        const Rows y = run(*b.backend, m);
        for (std::int64_t e = 0; e < 16; ++e) {
          EXPECT_TRUE(std::isfinite(y.at(0, e))) << b.name;
          EXPECT_TRUE(std::isnan(y.at(1, e))) << b.name << " " << bad;
          EXPECT_TRUE(std::isfinite(y.at(2, e))) << b.name;
        }
      }
    }
  }
}

TEST(Attention, DoesNotDependOnThreadCount) {
  for (const Isa isa : isas()) {
    for (const std::int64_t n : {1, 40, 200}) {
      Material m({.n = n, .n_keys = 2000, .n_heads = 3, .n_kv_heads = 1, .head_dim = 16});
      CpuBackend one(options(isa, 1));
      const Rows expected = run(one, m);
      for (const int threads : {2, 3}) {
        CpuBackend many(options(isa, threads));
        EXPECT_TRUE(run(many, m) == expected) << isa_name(isa) << ", " << threads << " threads";
      }
    }
  }
}

TEST(AttentionDeathTest, AQueryThatSeesNothingIsABug) {
  Material m({.n = 2, .n_keys = 5, .n_heads = 1, .n_kv_heads = 1, .head_dim = 8});
  std::fill(m.key_positions.begin(), m.key_positions.end(), -1);
  CpuBackend backend(options(Isa::kAvx512, 1));
  EXPECT_DEATH(run(backend, m), "every_row_sees_a_key");
}

TEST(BidirectionalAttention, SeesEveryKey) {
  for (const std::int64_t n : {1, 7, 65, 130}) {
    const Rows q = random_rows(n, 96, 1, 4);
    const Rows k = random_rows(n, 96, 2, 4);
    const Rows v = random_rows(n, 96, 3, 4);
    for (const NamedBackend& b : backends({1, 3})) {
      Rows y(n, 96, 2);
      attention_bidirectional(*b.backend, q.view(), k.view(), v.view(), 3, y.view());
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t head = 0; head < 3; ++head) {
          std::vector<double> weights;
          double total = 0;
          for (std::int64_t j = 0; j < n; ++j) {
            double score = 0;
            for (std::int64_t e = head * 32; e < head * 32 + 32; ++e) {
              score += static_cast<double>(q.at(i, e)) * k.at(j, e);
            }
            weights.push_back(std::exp(score / std::sqrt(32.0)));
            total += weights.back();
          }
          for (std::int64_t e = head * 32; e < head * 32 + 32; ++e) {
            double expected = 0;
            for (std::int64_t j = 0; j < n; ++j) {
              expected += weights[static_cast<std::size_t>(j)] / total * v.at(j, e);
            }
            expect_near(y.at(i, e), expected, 3.0, kAttentionTolerance, b.name);
          }
        }
      }
      EXPECT_TRUE(y.gaps_are_untouched());
    }
  }
}

}  // namespace
}  // namespace kvlink::kernels::tests
