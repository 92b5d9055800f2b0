// SPDX-License-Identifier: Apache-2.0
#include "kernels/kv.h"

#include <limits>
#include <numeric>

#include "kernels/kv_arena.h"
#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

using kvlink::tests::kBF16Tolerance;
using kvlink::tests::kDecodeTolerance;
using kvlink::tests::kElementTolerance;
using kvlink::tests::kF16Tolerance;
using kvlink::tests::kQ8Tolerance;

constexpr DType kBlockTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv};

std::vector<std::int32_t> counting(std::int64_t n, std::int32_t first = 0) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), first);
  return values;
}

/// An arena with its own memory.
struct Arena {
  std::vector<std::byte> keys, values;
  KvArenaView view;

  Arena(DType dtype, std::int64_t n_kv_heads, std::int64_t capacity, std::int64_t head_dim) {
    const auto bytes =
        static_cast<std::size_t>(arena_plane_bytes(dtype, n_kv_heads * capacity, head_dim));
    keys.assign(bytes, std::byte{0x5A});
    values.assign(bytes, std::byte{0x5A});
    view = {keys.data(), values.data(), dtype, n_kv_heads, capacity, head_dim};
  }
  double at(const std::vector<std::byte>& plane, std::int64_t head, std::int64_t row,
            std::int64_t e) const {
    const std::int64_t index = (head * view.capacity + row) * view.head_dim + e;
    if (view.dtype == DType::kF32) {
      float value;
      std::memcpy(&value, plane.data() + index * 4, 4);
      return value;
    }
    if (view.dtype == DType::kQ8Kv) {
      float scale;
      std::memcpy(&scale, plane.data() + scale_at(head, row), sizeof(scale));
      return double{scale} *
             static_cast<double>(static_cast<std::int8_t>(plane[static_cast<std::size_t>(index)]));
    }
    std::uint16_t bits;
    std::memcpy(&bits, plane.data() + index * 2, 2);
    return view.dtype == DType::kBF16 ? bf16_to_f32(bits) : f16_to_f32(bits);
  }
  std::int64_t scale_at(std::int64_t head, std::int64_t row) const {
    return arena_element_bytes(view.dtype, view.n_kv_heads * view.capacity, view.head_dim) +
           (head * view.capacity + row) * 4;
  }
  /// |what stands here - value| within what the type rounds, where `largest` shares its scale.
  void expect_holds(const std::vector<std::byte>& plane, std::int64_t head, std::int64_t row,
                    std::int64_t e, double value, double largest, const std::string& where) const {
    const bool is_q8 = view.dtype == DType::kQ8Kv;
    const Tolerance allowed = is_q8                        ? kQ8Tolerance
                              : view.dtype == DType::kBF16 ? kBF16Tolerance
                                                           : kF16Tolerance;
    expect_near(at(plane, head, row, e), value, is_q8 ? largest : value, allowed,
                where + " in " + dtype_name(view.dtype));
  }
};

/// Columns [first, first + n) of a row as an arena keeps them: keys of q8 are mixed.
std::vector<double> as_kept(const Rows& x, std::int64_t r, std::int64_t first, std::int64_t n,
                            bool is_mixed) {
  std::vector<double> row;
  for (std::int64_t c = first; c < first + n; ++c) row.push_back(x.at(r, c));
  return is_mixed ? reference_mix(row) : row;
}
double largest_of(const std::vector<double>& row) {
  double largest = 0;
  for (const double value : row) largest = std::max(largest, std::abs(value));
  return largest;
}

KvBlock block_for(DType dtype, std::int32_t n_kv_heads, std::int32_t head_dim, std::int64_t n) {
  return KvBlock({.n_layers = 2, .n_kv_heads = n_kv_heads, .head_dim = head_dim, .dtype = dtype},
                 counting(n));
}

double largest_in_column(const Rows& x, std::int64_t c) {
  double largest = 0;
  for (std::int64_t r = 0; r < x.view().rows; ++r)
    largest = std::max(largest, std::abs(double{x.at(r, c)}));
  return largest;
}
double largest_in_row(const Rows& x, std::int64_t r) {
  double largest = 0;
  for (std::int64_t c = 0; c < x.view().cols; ++c)
    largest = std::max(largest, std::abs(double{x.at(r, c)}));
  return largest;
}

void expect_stored(DType dtype, Plane plane, const Rows& x, const Rows& y,
                   const std::string& where) {
  for (std::int64_t r = 0; r < x.view().rows; ++r) {
    for (std::int64_t c = 0; c < x.view().cols; ++c) {
      const double value = x.at(r, c);
      if (dtype == DType::kF32) {
        EXPECT_EQ(y.at(r, c), x.at(r, c));
      } else if (dtype == DType::kQ8Kv) {
        const double largest =
            plane == Plane::kKeys ? largest_in_column(x, c) : largest_in_row(x, r);
        expect_near(y.at(r, c), value, largest, kQ8Tolerance, where);
      } else {
        expect_near(y.at(r, c), value, value, dtype == DType::kF16 ? kF16Tolerance : kBF16Tolerance,
                    where);
      }
    }
  }
}

TEST(KvStoreOp, StoresAndReturnsEveryTypeWithinItsRounding) {
  for (const DType dtype : kBlockTypes) {
    for (const std::int64_t n : {1, 33, 127}) {
      const Rows k = random_rows(n, 3 * 24, 1, 4, 3.0F);
      const Rows v = random_rows(n, 3 * 24, 2, 2, 3.0F);
      for (const NamedBackend& b : backends({1, 3})) {
        KvBlock block = block_for(dtype, 3, 24, n);
        kv_store(*b.backend, k.view(), v.view(), 1, block);
        Rows keys(n, 72, 1);
        Rows values(n, 72);
        kv_dequantize(block, 1, Plane::kKeys, keys.view());
        kv_dequantize(block, 1, Plane::kValues, values.view());
        expect_stored(dtype, Plane::kKeys, k, keys, b.name + dtype_name(dtype) + " keys");
        expect_stored(dtype, Plane::kValues, v, values, b.name + dtype_name(dtype) + " values");
        EXPECT_TRUE(keys.gaps_are_untouched());
        for (const std::byte byte : block.plane(0, Plane::kKeys)) ASSERT_EQ(byte, std::byte{0});
      }
    }
  }
}

TEST(KvStoreOp, WritesTheSameBytesWithEveryInstructionSet) {
  const Rows k = random_rows(77, 64, 1, 0, 3.0F);
  const Rows v = random_rows(77, 64, 2, 0, 3.0F);
  for (const DType dtype : kBlockTypes) {
    CpuBackend scalar(options(Isa::kScalar, 1));
    KvBlock expected = block_for(dtype, 2, 32, 77);
    kv_store(scalar, k.view(), v.view(), 0, expected);
    for (const NamedBackend& b : backends({1, 2})) {
      KvBlock block = block_for(dtype, 2, 32, 77);
      kv_store(*b.backend, k.view(), v.view(), 0, block);
      EXPECT_TRUE(std::equal(block.bytes().begin(), block.bytes().end(), expected.bytes().begin()))
          << b.name << dtype_name(dtype);
    }
  }
}

/// A broken model may produce anything; int8 must come out bounded and the scales finite.
TEST(KvStoreOp, Int8OfNonFiniteValuesIsBounded) {
  Rows k = random_rows(20, 40, 1);
  Rows v = random_rows(20, 40, 2);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (Rows* x : {&k, &v}) {
    x->view().row(1)[1] = kInfinity;
    x->view().row(2)[2] = -kInfinity;
    x->view().row(3)[3] = std::numeric_limits<float>::quiet_NaN();
    x->view().row(4)[4] = std::numeric_limits<float>::max();
    x->view().row(5)[5] = std::numeric_limits<float>::denorm_min();
    for (std::int64_t c = 0; c < 40; ++c) x->view().row(6)[c] = 0.0F;
    for (std::int64_t r = 0; r < 20; ++r) x->view().row(r)[7] = 0.0F;
  }
  for (const NamedBackend& b : backends({1, 2})) {
    KvBlock block = block_for(DType::kQ8Kv, 5, 8, 20);
    kv_store(*b.backend, k.view(), v.view(), 0, block);
    for (const Plane plane : {Plane::kKeys, Plane::kValues}) {
      Rows y(20, 40);
      kv_dequantize(block, 0, plane, y.view());
      for (std::int64_t r = 0; r < 20; ++r) {
        for (std::int64_t c = 0; c < 40; ++c) ASSERT_TRUE(std::isfinite(y.at(r, c))) << b.name;
      }
      EXPECT_EQ(y.at(3, 3), 0.0F);
      EXPECT_EQ(y.at(9, 7), 0.0F);
      EXPECT_GT(y.at(1, 1), 3e38F);
      EXPECT_LT(y.at(2, 2), -3e38F);
    }
  }
}

TEST(KvScatter, PutsRowsWhereTheyBelongAndTouchesNothingElse) {
  for (const DType dtype : kBlockTypes) {
    for (const std::int64_t head_dim : {8, 24, 64}) {
      const Rows k = random_rows(5, 3 * head_dim, 1, 2);
      const Rows v = random_rows(5, 3 * head_dim, 2, 7);
      const std::vector<std::int32_t> rows{9, 0, 4, 5, 2};
      for (const NamedBackend& b : backends({1, 2})) {
        Arena arena(dtype, 3, 10, head_dim);
        const Arena before(dtype, 3, 10, head_dim);
        kv_scatter(*b.backend, k.view(), v.view(), rows, arena.view);
        for (std::int64_t head = 0; head < 3; ++head) {
          for (std::int64_t row = 0; row < 10; ++row) {
            const auto found = std::find(rows.begin(), rows.end(), row);
            for (std::int64_t e = 0; e < head_dim; ++e) {
              if (found == rows.end()) {
                EXPECT_EQ(arena.at(arena.keys, head, row, e), before.at(before.keys, head, row, e));
                continue;
              }
              const std::int64_t r = found - rows.begin();
              const auto at = static_cast<std::size_t>(e);
              const auto key = as_kept(k, r, head * head_dim, head_dim, dtype == DType::kQ8Kv);
              const auto value = as_kept(v, r, head * head_dim, head_dim, false);
              arena.expect_holds(arena.keys, head, row, e, key[at], largest_of(key), b.name);
              arena.expect_holds(arena.values, head, row, e, value[at], largest_of(value), b.name);
            }
          }
        }
      }
    }
  }
}

/// Keys and values as stored, against an f32 arena that kv_load filled from row 7 on.
void expect_loaded(const Arena& arena, const Rows& keys, const Rows& values, const Rope& rope,
                   std::span<const std::int32_t> positions, const std::string& where) {
  const std::int64_t dim = arena.view.head_dim;
  for (std::int64_t t = 0; t < keys.view().rows; ++t) {
    for (std::int64_t head = 0; head < arena.view.n_kv_heads; ++head) {
      std::vector<double> key;
      for (std::int64_t e = 0; e < dim; ++e) key.push_back(keys.at(t, head * dim + e));
      reference_rotate(rope, positions[static_cast<std::size_t>(t)], key.data());
      for (std::int64_t e = 0; e < dim; ++e) {
        expect_near(arena.at(arena.keys, head, 7 + t, e), key[static_cast<std::size_t>(e)], 1.0,
                    kElementTolerance, where);
        EXPECT_EQ(arena.at(arena.values, head, 7 + t, e), values.at(t, head * dim + e));
      }
    }
  }
}

/// Rows 7 to 7 + n of an arena against the same in f32. Values of a block of the arena's own type
/// are not rounded again.
void expect_rounded_once(const Arena& rounded, const Arena& exact, DType stored, std::int64_t n,
                         const std::string& where) {
  const std::int64_t dim = exact.view.head_dim;
  for (std::int64_t head = 0; head < exact.view.n_kv_heads; ++head) {
    for (std::int64_t row = 7; row < 7 + n; ++row) {
      std::vector<double> key;
      std::vector<double> values;
      for (std::int64_t e = 0; e < dim; ++e) {
        key.push_back(exact.at(exact.keys, head, row, e));
        values.push_back(exact.at(exact.values, head, row, e));
      }
      if (rounded.view.dtype == DType::kQ8Kv) key = reference_mix(key);
      for (std::int64_t e = 0; e < dim; ++e) {
        const double value = values[static_cast<std::size_t>(e)];
        rounded.expect_holds(rounded.keys, head, row, e, key[static_cast<std::size_t>(e)],
                             largest_of(key), where);
        if (stored == rounded.view.dtype) {
          expect_near(rounded.at(rounded.values, head, row, e), value, value, kDecodeTolerance,
                      where);
        } else {
          rounded.expect_holds(rounded.values, head, row, e, value, largest_of(values), where);
        }
      }
    }
  }
}

TEST(KvLoad, DequantisesRotatesAndScatters) {
  const std::int64_t n = 133;
  for (const DType stored : kBlockTypes) {
    for (const RopePairing pairing : {RopePairing::kInterleaved, RopePairing::kHalves}) {
      const Rope rope = plain_rope(24, pairing);
      CpuBackend scalar(options(Isa::kScalar, 1));
      KvBlock block = block_for(stored, 2, 24, n);
      kv_store(scalar, random_rows(n, 48, 1).view(), random_rows(n, 48, 2).view(), 1, block);
      Rows keys(n, 48);
      Rows values(n, 48);
      kv_dequantize(block, 1, Plane::kKeys, keys.view());
      kv_dequantize(block, 1, Plane::kValues, values.view());
      const std::vector<std::int32_t> positions = counting(n, 1000);
      for (const NamedBackend& b : backends({1, 3})) {
        Arena arena(DType::kF32, 2, n + 20, 24);
        kv_load(*b.backend, block, 1, rope, positions, 7, arena.view);
        expect_loaded(arena, keys, values, rope, positions, b.name + dtype_name(stored));
        for (const DType kept : {DType::kF16, DType::kBF16, DType::kQ8Kv}) {
          Arena rounded(kept, 2, n + 20, 24);
          kv_load(*b.backend, block, 1, rope, positions, 7, rounded.view);
          expect_rounded_once(rounded, arena, stored, n, b.name + dtype_name(stored));
        }
        if (HasFailure()) return;
      }
    }
  }
}

TEST(KvReadKeys, GivesBackWhatWasWrittenInEveryType) {
  for (const DType dtype : kBlockTypes) {
    for (const std::int64_t head_dim : {8, 24, 64, 96, 256}) {
      const Rows k = random_rows(9, 2 * head_dim, 1);
      for (const NamedBackend& b : backends({2})) {
        Arena arena(dtype, 2, 12, head_dim);
        kv_scatter(*b.backend, k.view(), k.view(), counting(9), arena.view);
        Rows keys(9, head_dim);
        kv_read_keys(*b.backend, arena.view, 1, keys.view());
        for (std::int64_t r = 0; r < 9; ++r) {
          const auto written = as_kept(k, r, head_dim, head_dim, false);
          for (std::int64_t e = 0; e < head_dim; ++e) {
            // Errors of a mixed row add up like those of independent numbers: a few times half a
            // step.
            const double value = written[static_cast<std::size_t>(e)];
            const double magnitude = dtype == DType::kQ8Kv ? 4 * largest_of(written) : value;
            expect_near(keys.at(r, e), value, magnitude,
                        dtype == DType::kF16 || dtype == DType::kF32 ? kF16Tolerance : kQ8Tolerance,
                        b.name + dtype_name(dtype));
          }
        }
      }
    }
  }
}

TEST(KvLoad, OfManyLayersGivesWhatEachGivesAlone) {
  constexpr std::int32_t kLayers = 7;
  const Rope rope = plain_rope(24, RopePairing::kHalves);
  for (const std::int64_t n : {1, 64, 150}) {
    for (const DType stored : kBlockTypes) {
      CpuBackend scalar(options(Isa::kScalar, 1));
      KvBlock block({.n_layers = kLayers, .n_kv_heads = 2, .head_dim = 24, .dtype = stored},
                    counting(n));
      for (std::int32_t layer = 0; layer < kLayers; ++layer) {
        const auto seed = static_cast<unsigned>(layer);
        kv_store(scalar, random_rows(n, 48, seed).view(), random_rows(n, 48, seed + 50).view(),
                 layer, block);
      }
      const std::vector<std::int32_t> positions = counting(n, 1000);
      for (const NamedBackend& b : backends({1, 3})) {
        std::vector<Arena> alone;
        std::vector<Arena> together;
        std::vector<KvArenaView> views;
        for (std::int32_t layer = 1; layer < kLayers; ++layer) {
          const DType kept = layer % 2 == 0 ? DType::kF16 : DType::kQ8Kv;
          alone.emplace_back(kept, 2, n + 5, 24);
          together.emplace_back(kept, 2, n + 5, 24);
          kv_load(*b.backend, block, layer, rope, positions, 3, alone.back().view);
        }
        for (Arena& arena : together) views.push_back(arena.view);
        kv_load(*b.backend, block, 1, rope, positions, 3, views);
        for (std::size_t i = 0; i < alone.size(); ++i) {
          EXPECT_TRUE(together[i].keys == alone[i].keys) << b.name << dtype_name(stored) << n;
          EXPECT_TRUE(together[i].values == alone[i].values) << b.name << dtype_name(stored) << n;
        }
      }
    }
  }
}

TEST(KvLoad, GivesTheSameAsScatteringRotatedKeys) {
  const Rope rope = plain_rope(64, RopePairing::kInterleaved, 100000.0);
  const Rows k = random_rows(100, 192, 1);
  const Rows v = random_rows(100, 192, 2);
  const std::vector<std::int32_t> positions = counting(100, 517);
  for (const NamedBackend& b : backends({2})) {
    KvBlock block = block_for(DType::kF32, 3, 64, 100);
    kv_store(*b.backend, k.view(), v.view(), 0, block);
    Arena loaded(DType::kF32, 3, 100, 64);
    kv_load(*b.backend, block, 0, rope, positions, 0, loaded.view);
    Rows rotated = k;
    kernels::rope(*b.backend, rope, 64, positions, rotated.view());
    Arena scattered(DType::kF32, 3, 100, 64);
    kv_scatter(*b.backend, rotated.view(), v.view(), counting(100), scattered.view);
    EXPECT_TRUE(loaded.values == scattered.values) << b.name;
    for (std::int64_t t = 0; t < 100; ++t) {
      for (std::int64_t e = 0; e < 64; ++e) {
        expect_near(loaded.at(loaded.keys, 2, t, e), scattered.at(scattered.keys, 2, t, e), 1.0,
                    kElementTolerance, b.name);
      }
    }
  }
}

}  // namespace
}  // namespace kvlink::kernels::tests
