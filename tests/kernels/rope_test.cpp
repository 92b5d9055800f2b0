// SPDX-License-Identifier: Apache-2.0
#include "kernels/rope.h"

#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kElementTolerance;

constexpr RopePairing kPairings[] = {RopePairing::kInterleaved, RopePairing::kHalves};

/// Runs of successors, jumps, repeats, undoing, and far positions.
std::vector<std::int32_t> mixed_positions(std::int64_t n) {
  std::vector<std::int32_t> positions;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto p = static_cast<std::int32_t>(i);
    positions.push_back(i < n / 2 ? 37 + p : i % 5 == 0 ? -p : i % 7 == 0 ? 130000 + p : 3 * p);
  }
  return positions;
}

TEST(Rope, MatchesTheFormulaForBothPairings) {
  for (const RopePairing pairing : kPairings) {
    for (const std::int64_t head_dim : {8, 24, 32, 64, 72, 128}) {
      for (const std::int64_t n_rotated : {head_dim, head_dim / 2}) {
        Rope rope = plain_rope(n_rotated, pairing);
        rope.magnitude = 1.25F;
        const Rows x = random_rows(300, 3 * head_dim, 1, 5);
        const std::vector<std::int32_t> positions = mixed_positions(300);
        for (const NamedBackend& b : backends({1, 3})) {
          Rows y = x;
          kernels::rope(*b.backend, rope, head_dim, positions, y.view());
          for (std::int64_t r = 0; r < 300; ++r) {
            for (std::int64_t head = 0; head < 3; ++head) {
              std::vector<double> expected;
              for (std::int64_t e = 0; e < head_dim; ++e) {
                expected.push_back(x.at(r, head * head_dim + e));
              }
              reference_rotate(rope, positions[static_cast<std::size_t>(r)], expected.data());
              for (std::int64_t e = 0; e < head_dim; ++e) {
                expect_near(y.at(r, head * head_dim + e), expected[static_cast<std::size_t>(e)],
                            1.0, kElementTolerance, b.name);
              }
            }
          }
          EXPECT_TRUE(y.gaps_are_untouched());
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(Rope, RotatingThereAndBackIsTheIdentity) {
  for (const RopePairing pairing : kPairings) {
    const Rope rope = plain_rope(64, pairing);
    const Rows x = random_rows(200, 192, 2);
    std::vector<std::int32_t> there;
    std::vector<std::int32_t> back;
    for (std::int32_t i = 0; i < 200; ++i) {
      there.push_back(i * 41);
      back.push_back(-i * 41);
    }
    for (const NamedBackend& b : backends({2})) {
      Rows y = x;
      kernels::rope(*b.backend, rope, 64, there, y.view());
      kernels::rope(*b.backend, rope, 64, back, y.view());
      for (std::int64_t r = 0; r < 200; ++r) {
        for (std::int64_t e = 0; e < 192; ++e) {
          expect_near(y.at(r, e), x.at(r, e), 1.0, kElementTolerance, b.name);
        }
      }
    }
  }
}

TEST(Rope, DoesNotDependOnThreadCount) {
  const Rope rope = plain_rope(64, RopePairing::kInterleaved);
  const std::vector<std::int32_t> positions = mixed_positions(400);
  for (const Isa isa : isas()) {
    CpuBackend one(options(isa, 1));
    Rows expected = random_rows(400, 576, 3);
    kernels::rope(one, rope, 64, positions, expected.view());
    CpuBackend three(options(isa, 3));
    Rows y = random_rows(400, 576, 3);
    kernels::rope(three, rope, 64, positions, y.view());
    EXPECT_TRUE(y == expected) << isa_name(isa);
  }
}

}  // namespace
}  // namespace kvlink::kernels::tests
