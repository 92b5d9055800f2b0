// SPDX-License-Identifier: Apache-2.0
#include "kernels/kv.h"

#include <numeric>
#include <optional>

#include "kernels/base/kv_block.h"
#include "tests/cuda_host/device_arena.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using kernels::tests::expect_near;
using kernels::tests::random_rows;
using kernels::tests::Rows;

constexpr DType kBlockTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv};

kernels::Rope rope_of(std::int64_t n_rotated, kernels::RopePairing pairing, float magnitude) {
  kernels::Rope rope = kernels::tests::plain_rope(n_rotated, pairing);
  rope.magnitude = magnitude;
  return rope;
}

Tolerance rounding(DType arena) {
  switch (arena) {
    case DType::kF32:
      return kDeviceElement;
    case DType::kF16:
      return {5e-4, 1e-5};
    case DType::kBF16:
      return {4e-3, 1e-5};
    default:
      return {4e-3, 1e-5};  // of the head's largest: passed as the magnitude
  }
}

class DeviceKv : public DeviceArenaTest {
 protected:
  kernels::CpuBackend cpu_{kernels::CpuOptions{.n_threads = 1, .max_isa = kernels::Isa::kScalar}};

  KvBlock random_block(DType dtype, std::int32_t n_kv_heads, std::int32_t head_dim, std::int64_t n,
                       unsigned seed) {
    KvBlock block({.n_layers = 2, .n_kv_heads = n_kv_heads, .head_dim = head_dim, .dtype = dtype},
                  std::vector<std::int32_t>(static_cast<std::size_t>(n), 1));
    const Rows k = random_rows(n, std::int64_t{n_kv_heads} * head_dim, seed);
    const Rows v = random_rows(n, std::int64_t{n_kv_heads} * head_dim, seed + 1);
    kernels::kv_store(cpu_, k.view(), v.view(), 1, block);
    return block;
  }

  /// What the CPU writes for the same blocks, in f32.
  struct CpuArena {
    std::vector<float> keys, values;
    KvArenaView view;
    CpuArena(std::int64_t heads, std::int64_t capacity, std::int64_t dim)
        : keys(static_cast<std::size_t>(heads * capacity * dim)), values(keys.size()) {
      view = {reinterpret_cast<std::byte*>(keys.data()),
              reinterpret_cast<std::byte*>(values.data()),
              DType::kF32,
              heads,
              capacity,
              dim};
    }
  };

  static void compare(const ArenaImage& image, const CpuArena& expected, const std::string& where) {
    const cuda::Arena& a = image.arena;
    for (std::int64_t h = 0; h < a.n_kv_heads; ++h) {
      for (std::int64_t row = 0; row < a.capacity; ++row) {
        const std::int64_t at = (h * a.capacity + row) * a.head_dim;
        double largest_key = 0.0;
        double largest_value = 0.0;
        for (std::int64_t e = 0; e < a.head_dim; ++e) {
          const auto i = static_cast<std::size_t>(at + e);
          largest_key = std::max(largest_key, std::abs(double{expected.keys[i]}));
          largest_value = std::max(largest_value, std::abs(double{expected.values[i]}));
        }
        const bool quantised = a.dtype == DType::kQ8Kv;
        for (std::int64_t e = 0; e < a.head_dim; ++e) {
          const auto i = static_cast<std::size_t>(at + e);
          expect_near(image.key(h, row, e), expected.keys[i],
                      quantised ? largest_key : std::abs(expected.keys[i]), rounding(a.dtype),
                      where + " keys");
          expect_near(image.value(h, row, e), expected.values[i],
                      quantised ? largest_value : std::abs(expected.values[i]), rounding(a.dtype),
                      where + " values");
        }
      }
    }
  }

  /// other_type: of the block in the middle.
  void check_load(DType block_type, DType arena_type, std::int32_t head_dim,
                  const kernels::Rope& rope, std::optional<DType> other_type = {}) {
    // Three blocks of one layer, one after the other at `base`, as the ring holds them.
    const std::int64_t lengths[] = {5, 1, 33};
    std::vector<KvBlock> blocks;
    std::vector<cuda::KvSource> sources;
    std::vector<std::byte> staged(64);  // planes need not begin at the start
    std::vector<std::int32_t> positions;
    std::vector<std::int32_t> rows;
    CpuArena expected(2, 50, head_dim);
    for (const std::int64_t n : lengths) {
      const DType own_type = blocks.size() == 1 ? other_type.value_or(block_type) : block_type;
      blocks.push_back(random_block(own_type, 2, head_dim, n, static_cast<unsigned>(n)));
      const auto first = static_cast<std::int64_t>(positions.size());
      std::vector<std::int32_t> own(static_cast<std::size_t>(n));
      std::iota(own.begin(), own.end(), static_cast<std::int32_t>(100 + 3 * n));
      const std::int64_t row = first + 2;
      kernels::kv_load(cpu_, blocks.back(), 1, rope, own, row, expected.view);
      cuda::KvSource source{0, 0, n, first, own_type};
      for (const Plane plane : {Plane::kKeys, Plane::kValues}) {
        const auto bytes = std::as_const(blocks.back()).plane(1, plane);
        (plane == Plane::kKeys ? source.keys_at : source.values_at) = std::ssize(staged);
        staged.insert(staged.end(), bytes.begin(), bytes.end());
        staged.resize((staged.size() + 15) / 16 * 16);
      }
      sources.push_back(source);
      positions.insert(positions.end(), own.begin(), own.end());
      for (std::int64_t i = 0; i < n; ++i) rows.push_back(static_cast<std::int32_t>(row + i));
    }
    const cuda::Arena arena = make_arena(arena_type, 2, 50, head_dim);
    const cuda::KvLoadCall call{Lane::kCompute,        upload(staged),
                                upload(sources),       3,
                                std::ssize(positions), make_rope(rope, positions),
                                upload(rows),          arena};
    const ArenaImage result = in_every_order([&] {
      backend_->run(&Api::kv_load, &call);
      backend_->run(&Api::synchronize);
      return image(arena);
    });
    compare(result, expected,
            std::string("block ") + dtype_name(block_type) + ", arena " + dtype_name(arena_type) +
                ", head " + std::to_string(head_dim));
  }
};

TEST_F(DeviceKv, LoadsEveryBlockTypeIntoEveryArena) {
  const auto rope = rope_of(24, kernels::RopePairing::kHalves, 1.0F);
  for (const DType block : kBlockTypes) {
    for (const DType arena : kBlockTypes) check_load(block, arena, 24, rope);
  }
}

TEST_F(DeviceKv, LoadsBlocksOfSeveralTypesAtOnce) {
  const kernels::Rope rope = rope_of(64, kernels::RopePairing::kHalves, 1.0F);
  check_load(DType::kF16, DType::kF32, 64, rope, DType::kQ8Kv);
  check_load(DType::kQ8Kv, DType::kF16, 64, rope, DType::kF32);
}

TEST_F(DeviceKv, RotatesEveryPairingPartOfAHeadAndLargeHeads) {
  using enum kernels::RopePairing;
  check_load(DType::kF32, DType::kF32, 64, rope_of(64, kInterleaved, 1.0F));
  check_load(DType::kF32, DType::kF32, 64, rope_of(32, kHalves, 1.2F));
  check_load(DType::kF32, DType::kF32, 64, rope_of(32, kInterleaved, 0.8F));
  check_load(DType::kF16, DType::kF16, 256, rope_of(256, kHalves, 1.0F));
  check_load(DType::kQ8Kv, DType::kF16, 8, rope_of(8, kInterleaved, 1.0F));
}

TEST_F(DeviceKv, AnglesOfFarPositionsAreExact) {
  const kernels::Rope rope = rope_of(64, kernels::RopePairing::kHalves, 1.0F);
  const std::vector<std::int32_t> positions = {0, 1, 131071, -5};
  const cuda::RopeTable table = make_rope(rope, positions);
  const auto pairs = download<float>(table.pairs, 4 * 32 * 2);
  for (std::size_t p = 0; p < positions.size(); ++p) {
    for (std::size_t j = 0; j < 32; ++j) {
      const double angle = double{rope.frequencies[j]} * positions[p];
      EXPECT_NEAR(pairs[(p * 32 + j) * 2], std::cos(angle), 1e-7);
      EXPECT_NEAR(pairs[(p * 32 + j) * 2 + 1], std::sin(angle), 1e-7);
    }
  }
}

TEST_F(DeviceKv, ProjectionAddsBiasesNormsRotatesCapturesAndScatters) {
  constexpr std::int64_t kHeads = 6;
  constexpr std::int64_t kKvHeads = 2;
  constexpr std::int64_t kDim = 40;
  constexpr std::int64_t kN = 5;
  const Rows qkv = random_rows(kN, (kHeads + 2 * kKvHeads) * kDim, 1, 8);
  const Rows bias = random_rows(1, (kHeads + 2 * kKvHeads) * kDim, 2);
  const Rows norms = random_rows(2, kDim, 3);
  const kernels::Rope rope = rope_of(32, kernels::RopePairing::kHalves, 1.0F);
  const std::vector<std::int32_t> positions = {7, 8, 9, 30, 31};
  const std::vector<std::int32_t> rows = {4, 2, 9, -1, 0};
  for (const DType type : {DType::kF32, DType::kBF16}) {
    const Matrix input = upload(qkv, type);
    const Rows rounded = download(input);
    const cuda::Arena arena = make_arena(DType::kF32, kKvHeads, 12, kDim);
    const Matrix captured = fresh(2 * 3, kKvHeads * kDim);
    const auto* biases = static_cast<const float*>(upload(bias).data);
    const auto* weights = static_cast<const float*>(upload(norms).data);
    cuda::ProjectionCall call = {};
    call.qkv = input;
    call.q_bias = biases;
    call.k_bias = biases + kHeads * kDim;
    call.v_bias = biases + (kHeads + kKvHeads) * kDim;
    call.q_norm = weights;
    call.k_norm = weights + kDim;
    call.eps = 1e-6F;
    call.n_heads = kHeads;
    call.rope = make_rope(rope, positions);
    call.rows = upload(rows);
    call.arena = arena;
    call.captured_keys = static_cast<float*>(captured.data);
    call.captured_values = call.captured_keys + 3 * kKvHeads * kDim;
    call.capture_from = 2;
    call.q = fresh(kN, kHeads * kDim);
    backend_->run(&Api::finish_projection, &call);
    const Rows q = download(call.q);
    const Rows kept = download(captured);
    const ArenaImage copy = image(arena);
    for (std::int64_t r = 0; r < kN; ++r) {
      for (std::int64_t h = 0; h < kHeads + 2 * kKvHeads; ++h) {
        const bool is_query = h < kHeads;
        const bool is_value = h >= kHeads + kKvHeads;
        std::vector<double> head(kDim);
        double squares = 0.0;
        for (std::int64_t e = 0; e < kDim; ++e) {
          double& v = head[static_cast<std::size_t>(e)];
          v = double{rounded.at(r, h * kDim + e)} + bias.at(0, h * kDim + e);
          squares += v * v;
        }
        if (!is_value) {
          for (std::int64_t e = 0; e < kDim; ++e) {
            head[static_cast<std::size_t>(e)] *=
                norms.at(is_query ? 0 : 1, e) / std::sqrt(squares / kDim + 1e-6);
          }
        }
        const std::int64_t own = is_query ? h : (h - kHeads) % kKvHeads;
        const auto unrotated = head;
        if (!is_value) {
          kernels::tests::reference_rotate(rope, positions[static_cast<std::size_t>(r)],
                                           head.data());
        }
        for (std::int64_t e = 0; e < kDim; ++e) {
          const double v = head[static_cast<std::size_t>(e)];
          const std::int32_t row = rows[static_cast<std::size_t>(r)];
          if (is_query) {
            expect_near(q.at(r, own * kDim + e), v, 2.0, kDeviceElement, "query");
          } else if (row >= 0) {
            expect_near(is_value ? copy.value(own, row, e) : copy.key(own, row, e), v, 2.0,
                        kDeviceElement, "arena");
          }
          if (!is_query && r >= 2) {
            expect_near(kept.at((is_value ? 3 : 0) + r - 2, own * kDim + e),
                        unrotated[static_cast<std::size_t>(e)], 2.0, kDeviceElement, "captured");
          }
        }
      }
    }
    for (std::int64_t e = 0; e < kDim; ++e) EXPECT_EQ(copy.key(0, 1, e), 0.0);  // untouched rows
  }
}

TEST_F(DeviceKv, StoresBlocksAsTheCpuDoes) {
  for (const DType type : kBlockTypes) {
    for (const std::int64_t n : {1, 33}) {
      const Rows k = random_rows(n, 72, 1, 0, 3.0F);
      const Rows v = random_rows(n, 72, 2, 0, 3.0F);
      KvBlock expected({.n_layers = 2, .n_kv_heads = 3, .head_dim = 24, .dtype = type},
                       std::vector<std::int32_t>(static_cast<std::size_t>(n), 1));
      kernels::kv_store(cpu_, k.view(), v.view(), 1, expected);
      const auto keys = std::as_const(expected).plane(1, Plane::kKeys);
      const auto values = std::as_const(expected).plane(1, Plane::kValues);
      std::byte* key_plane = upload(std::vector<std::byte>(keys.size()));
      std::byte* value_plane = upload(std::vector<std::byte>(values.size()));
      const cuda::KvStoreCall call{static_cast<const float*>(upload(k).data),
                                   static_cast<const float*>(upload(v).data),
                                   n,
                                   72,
                                   type,
                                   key_plane,
                                   value_plane};
      backend_->run(&Api::kv_store, &call);
      EXPECT_EQ(download<std::byte>(key_plane, std::ssize(keys)),
                std::vector<std::byte>(keys.begin(), keys.end()))
          << dtype_name(type);
      EXPECT_EQ(download<std::byte>(value_plane, std::ssize(values)),
                std::vector<std::byte>(values.begin(), values.end()))
          << dtype_name(type);
    }
  }
}

}  // namespace
}  // namespace kvlink::tests
