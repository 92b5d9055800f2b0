// SPDX-License-Identifier: Apache-2.0
// An arena on the device for tests, and what stands in it.
#pragma once

#include "tests/cuda_host/device_fixture.h"

namespace kvlink::tests {

/// Bytes of one plane and its element.
inline double arena_element(const std::vector<std::byte>& plane, const std::vector<float>& scales,
                            const cuda::Arena& arena, std::int64_t head, std::int64_t row,
                            std::int64_t e) {
  const std::int64_t at = head * arena.capacity + row;
  const std::byte* p = plane.data() + (at * arena.head_dim + e) * block_bytes(arena.dtype);
  std::uint16_t bits = 0;
  float value = 0;
  switch (arena.dtype) {
    case DType::kF32:
      std::memcpy(&value, p, 4);
      return value;
    case DType::kF16:
      std::memcpy(&bits, p, 2);
      return f16_to_f32(bits);
    case DType::kBF16:
      std::memcpy(&bits, p, 2);
      return bf16_to_f32(bits);
    default:
      return double{static_cast<float>(static_cast<std::int8_t>(*p))} *
             double{scales[static_cast<std::size_t>(at)]};
  }
}

/// A copy of a device arena on the host.
struct ArenaImage {
  cuda::Arena arena;
  std::vector<std::byte> keys, values;
  std::vector<float> key_scales, value_scales;
  double key(std::int64_t head, std::int64_t row, std::int64_t e) const {
    return arena_element(keys, key_scales, arena, head, row, e);
  }
  double value(std::int64_t head, std::int64_t row, std::int64_t e) const {
    return arena_element(values, value_scales, arena, head, row, e);
  }
  bool operator==(const ArenaImage& other) const {
    return keys == other.keys && values == other.values && key_scales == other.key_scales &&
           value_scales == other.value_scales;
  }
};

class DeviceArenaTest : public DeviceTest {
 protected:
  /// Cleared, as the decoder's is.
  cuda::Arena make_arena(DType dtype, std::int64_t n_kv_heads, std::int64_t capacity,
                         std::int64_t head_dim) {
    const std::int64_t rows = n_kv_heads * capacity;
    const auto zeros = [&](std::int64_t bytes) {
      return upload(std::vector<std::byte>(static_cast<std::size_t>(bytes)));
    };
    const bool quantised = dtype == DType::kQ8Kv;
    return {zeros(rows * head_dim * block_bytes(dtype)),
            zeros(rows * head_dim * block_bytes(dtype)),
            quantised ? reinterpret_cast<float*>(zeros(rows * 4)) : nullptr,
            quantised ? reinterpret_cast<float*>(zeros(rows * 4)) : nullptr,
            n_kv_heads,
            capacity,
            head_dim,
            dtype};
  }
  ArenaImage image(const cuda::Arena& arena) {
    const std::int64_t rows = arena.n_kv_heads * arena.capacity;
    const std::int64_t bytes = rows * arena.head_dim * block_bytes(arena.dtype);
    ArenaImage copy{arena,
                    download<std::byte>(arena.keys, bytes),
                    download<std::byte>(arena.values, bytes),
                    {},
                    {}};
    if (arena.dtype == DType::kQ8Kv) {
      copy.key_scales = download<float>(arena.key_scales, rows);
      copy.value_scales = download<float>(arena.value_scales, rows);
    }
    return copy;
  }

  /// The table of a rotation at these positions.
  cuda::RopeTable make_rope(const kernels::Rope& rope, const std::vector<std::int32_t>& positions) {
    const auto n = std::ssize(positions);
    const auto n_frequencies = std::ssize(rope.frequencies);
    float* pairs = upload(std::vector<float>(static_cast<std::size_t>(2 * n * n_frequencies)));
    const cuda::RopeTableCall call{Lane::kCompute,
                                   upload(positions),
                                   upload(rope.frequencies),
                                   nullptr,
                                   nullptr,
                                   rope.magnitude,
                                   n,
                                   n_frequencies,
                                   pairs};
    if (n_frequencies > 0) backend_->run(&Api::rope_table, &call);
    return {pairs, n_frequencies, rope.pairing == kernels::RopePairing::kInterleaved ? 1 : 0};
  }
};

}  // namespace kvlink::tests
