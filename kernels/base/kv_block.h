// SPDX-License-Identifier: Apache-2.0
// The KV of one chunk as it is kept: geometry, and the bytes of every plane.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/base/buffer.h"
#include "kernels/base/dtype.h"

namespace kvlink {

enum class Plane : std::uint8_t { kKeys = 0, kValues = 1 };

/// Geometry of KV: keys without rotation (as projected, before RoPE), values as projected.
struct KvLayout {
  std::int32_t n_layers = 0;
  std::int32_t n_kv_heads = 0;
  std::int32_t head_dim = 0;
  DType dtype = DType::kF16;  ///< kF32, kF16, kBF16 or kQ8Kv

  std::int64_t kv_dim() const { return std::int64_t{n_kv_heads} * head_dim; }

  /// Bytes of one plane of n_tokens rows [n_tokens, kv_dim], token-major.
  /// kQ8Kv: first the f32 scales (K: kv_dim of them, V: n_tokens of them), then the int8 rows.
  std::int64_t plane_bytes(Plane plane, std::int64_t n_tokens) const;

  bool operator==(const KvLayout&) const = default;
};

/// One chunk's KV in memory. Planes are layer-major: layer 0 K, layer 0 V, layer 1 K, …; each
/// starts at a multiple of 4096 bytes of `bytes`. Move-only; immutable once shared.
class KvBlock {
 public:
  static constexpr std::int64_t kPlaneAlignment = 4096;

  /// Over zeroed memory of its own.
  KvBlock(KvLayout layout, std::vector<std::int32_t> token_ids);
  /// Over memory for total_bytes, aligned to kPlaneAlignment; every byte of it is to be written.
  KvBlock(KvLayout layout, std::vector<std::int32_t> token_ids, std::shared_ptr<std::byte> memory);
  KvBlock(KvBlock&&) noexcept = default;
  KvBlock& operator=(KvBlock&&) noexcept = default;

  const KvLayout& layout() const { return layout_; }
  std::int64_t n_tokens() const { return static_cast<std::int64_t>(token_ids_.size()); }
  std::span<const std::int32_t> token_ids() const { return token_ids_; }

  /// Offset and exact byte count of a plane inside bytes(); the rest up to the next plane is zero.
  std::int64_t plane_offset(std::int32_t layer, Plane plane) const;
  std::span<std::byte> plane(std::int32_t layer, Plane plane);
  std::span<const std::byte> plane(std::int32_t layer, Plane plane) const;

  std::span<std::byte> bytes() { return {memory_.get(), n_bytes_}; }
  std::span<const std::byte> bytes() const { return {memory_.get(), n_bytes_}; }

  /// Total bytes of all planes with their padding, for a block of n_tokens.
  static std::int64_t total_bytes(const KvLayout& layout, std::int64_t n_tokens);

 private:
  KvLayout layout_;
  std::vector<std::int32_t> token_ids_;
  std::shared_ptr<std::byte> memory_;
  std::size_t n_bytes_ = 0;
};

}  // namespace kvlink
