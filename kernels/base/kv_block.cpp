// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/kv_block.h"

#include <utility>

#include "kernels/base/result.h"

namespace kvlink {

namespace {

std::int64_t padded(std::int64_t n) {
  return (n + KvBlock::kPlaneAlignment - 1) / KvBlock::kPlaneAlignment * KvBlock::kPlaneAlignment;
}

std::shared_ptr<std::byte> own_memory(std::int64_t n_bytes) {
  const auto owner = std::make_shared<HostBuffer>(n_bytes);
  return {owner, owner->as<std::byte>()};
}

}  // namespace

std::int64_t KvLayout::plane_bytes(Plane plane, std::int64_t n_tokens) const {
  const std::int64_t rows = n_tokens * row_bytes(dtype, kv_dim());
  if (dtype != DType::kQ8Kv) return rows;
  const std::int64_t n_scales = plane == Plane::kKeys ? kv_dim() : n_tokens;
  return rows + n_scales * static_cast<std::int64_t>(sizeof(float));
}

std::int64_t KvBlock::total_bytes(const KvLayout& layout, std::int64_t n_tokens) {
  return layout.n_layers * (padded(layout.plane_bytes(Plane::kKeys, n_tokens)) +
                            padded(layout.plane_bytes(Plane::kValues, n_tokens)));
}

KvBlock::KvBlock(KvLayout layout, std::vector<std::int32_t> token_ids)
    : KvBlock(layout, std::move(token_ids), nullptr) {
  memory_ = own_memory(static_cast<std::int64_t>(n_bytes_));
}

KvBlock::KvBlock(KvLayout layout, std::vector<std::int32_t> token_ids,
                 std::shared_ptr<std::byte> memory)
    : layout_(layout),
      token_ids_(std::move(token_ids)),
      memory_(std::move(memory)),
      n_bytes_(static_cast<std::size_t>(total_bytes(layout, n_tokens()))) {
  KVLINK_CHECK(layout.n_layers > 0 && layout.n_kv_heads > 0 && layout.head_dim > 0);
}

std::int64_t KvBlock::plane_offset(std::int32_t layer, Plane plane) const {
  KVLINK_CHECK(layer >= 0 && layer < layout_.n_layers);
  const std::int64_t keys = padded(layout_.plane_bytes(Plane::kKeys, n_tokens()));
  const std::int64_t values = padded(layout_.plane_bytes(Plane::kValues, n_tokens()));
  return layer * (keys + values) + (plane == Plane::kValues ? keys : 0);
}

std::span<std::byte> KvBlock::plane(std::int32_t layer, Plane plane) {
  return bytes().subspan(static_cast<std::size_t>(plane_offset(layer, plane)),
                         static_cast<std::size_t>(layout_.plane_bytes(plane, n_tokens())));
}

std::span<const std::byte> KvBlock::plane(std::int32_t layer, Plane plane) const {
  return bytes().subspan(static_cast<std::size_t>(plane_offset(layer, plane)),
                         static_cast<std::size_t>(layout_.plane_bytes(plane, n_tokens())));
}

}  // namespace kvlink
