// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "tests/kernels/attention_case.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kAttentionTolerance;

TEST(Attention, MatchesTheFormulaForEveryHeadSize) {
  for (const DType dtype : kArenaTypes) {
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
  for (const DType dtype : kArenaTypes) {
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
  for (const DType dtype : kArenaTypes) {
    for (const std::int64_t group : {1, 2, 3, 4, 5, 7, 8, 9}) {
      for (const std::int64_t dim : {32, 64, 128, 256}) {
        Material m({.n = 1 + group % 2,
                    .n_keys = 600 + group,
                    .n_heads = 2 * group,
                    .n_kv_heads = 2,
                    .head_dim = dim,
                    .dtype = dtype});
        for (std::int64_t key = 3; key < m.c.n_keys; key += 1 + key % 7) {
          m.key_positions[static_cast<std::size_t>(key)] = -1;
          for (const std::int64_t head : {0, 1}) m.spoil(head, key);
        }
        for (const NamedBackend& b : ways({1})) {
          expect_reference(run(*b.backend, m), m, b,
                           " group " + std::to_string(group) + " dims " + std::to_string(dim));
        }
      }
    }
  }
}

/// Decode, link tokens with a question, prefill; whole and cut by keys; positions in no order.
TEST(Attention, EveryTypeMatchesTheFormulaFromOneRowToFiveHundred) {
  for (const DType dtype : kArenaTypes) {
    for (const std::int64_t n : {1, 16, 40, 64, 512}) {
      for (const std::int64_t n_keys : {n + 37, n + 1300}) {
        Material m({.n = n,
                    .n_keys = n_keys,
                    .n_heads = 6,
                    .n_kv_heads = 2,
                    .head_dim = 64,
                    .dtype = dtype});
        std::mt19937 random(7);
        std::shuffle(m.key_positions.begin(), m.key_positions.end(), random);
        for (std::int64_t key = 5; key < n_keys; key += 11) {
          if (m.key_positions[static_cast<std::size_t>(key)] == 0) continue;
          m.key_positions[static_cast<std::size_t>(key)] = -1;
          for (const std::int64_t head : {0, 1}) m.spoil(head, key);
        }
        for (const NamedBackend& b : ways({2})) {
          expect_reference(run(*b.backend, m), m, b, std::string(" ") + dtype_name(dtype));
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
  for (const DType dtype : kArenaTypes) {
    Material m(
        {.n = 10, .n_keys = 333, .n_heads = 3, .n_kv_heads = 1, .head_dim = 24, .dtype = dtype});
    for (std::size_t key = 0; key < 333; ++key) {
      if (key % 3 != 1 && key / 64 != 2) continue;
      m.key_positions[key] = -1 - static_cast<std::int32_t>(key);
      m.spoil(0, static_cast<std::int64_t>(key));
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
