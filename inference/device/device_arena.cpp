// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_arena.h"

#include <algorithm>
#include <atomic>

#include "kernels/base/byte_reader.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;

constexpr std::int64_t kAlignment = 256;
constexpr std::int32_t kHidden = -1;

std::int64_t aligned(std::int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

std::int64_t rows_of(const ModelConfig& config, std::int64_t capacity) {
  if (capacity < 1) fail(ErrorCode::kInvalidInput, "a context needs at least one token");
  return static_cast<std::int64_t>(checked_mul(static_cast<std::uint64_t>(config.n_kv_heads),
                                               static_cast<std::uint64_t>(capacity), "KV arena"));
}

std::int64_t plane_size(const ModelConfig& config, std::int64_t capacity, DType dtype) {
  return aligned(rows_of(config, capacity) * config.head_dim * block_bytes(dtype));
}

std::int64_t scale_size(const ModelConfig& config, std::int64_t capacity, DType dtype) {
  return dtype == DType::kQ8Kv ? aligned(rows_of(config, capacity) * 4) : 0;
}

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

std::int64_t DeviceArena::size_bytes(const ModelConfig& config, std::int64_t capacity,
                                     DType dtype) {
  return 2 * config.n_layers *
         (plane_size(config, capacity, dtype) + scale_size(config, capacity, dtype));
}

DeviceArena::DeviceArena(const ModelConfig& config, std::int64_t capacity, DType dtype,
                         cuda::CudaBackend& backend)
    : backend_(backend),
      n_kv_heads_(config.n_kv_heads),
      head_dim_(config.head_dim),
      capacity_(capacity),
      plane_bytes_(plane_size(config, capacity, dtype)),
      scale_bytes_(scale_size(config, capacity, dtype)),
      dtype_(dtype),
      serial_(next_serial()),
      buffer_(backend, size_bytes(config, capacity, dtype)),
      positions_(backend, capacity * 4),
      biases_(backend, capacity * 4),
      known_positions_(backend, capacity * 4),
      known_biases_(backend, capacity * 4) {
  std::fill_n(known_positions_.as<std::int32_t>(), capacity, kHidden);
  std::fill_n(known_biases_.as<float>(), capacity, 0.0F);
  // Rows that nobody has written yet take part in products with weight zero; NaN would not stay
  // out of them.
  backend_.run(&Api::clear, buffer_.data(), buffer_.size());
  backend_.run(&Api::clear, biases_.data(), biases_.size());
  backend_.run(&Api::upload, Lane::kCompute, positions_.data(),
               static_cast<const void*>(known_positions_.as<std::byte>()), capacity * 4);
  backend_.run(&Api::synchronize);
}

cuda::Arena DeviceArena::layer(std::int32_t layer) const {
  std::byte* keys = buffer_.as<std::byte>() + 2 * layer * (plane_bytes_ + scale_bytes_);
  std::byte* values = keys + plane_bytes_;
  std::byte* scales = values + plane_bytes_;
  const bool quantised = dtype_ == DType::kQ8Kv;
  return {.keys = keys,
          .values = values,
          .key_scales = quantised ? reinterpret_cast<float*>(scales) : nullptr,
          .value_scales = quantised ? reinterpret_cast<float*>(scales + scale_bytes_) : nullptr,
          .n_kv_heads = n_kv_heads_,
          .capacity = capacity_,
          .head_dim = head_dim_,
          .dtype = dtype_};
}

template <typename T, typename Wanted>
void DeviceArena::upload_changes(const cuda::PinnedBuffer& known, std::size_t n,
                                 const cuda::DeviceBuffer& buffer, Wanted wanted) {
  T* values = known.as<T>();
  std::size_t first = n;
  std::size_t end = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const T value = wanted(i);
    if (values[i] == value) continue;
    first = std::min(first, i);
    end = i + 1;
    values[i] = value;
  }
  if (first >= end) return;
  backend_.run(&Api::upload, Lane::kCompute, static_cast<void*>(buffer.as<T>() + first),
               static_cast<const void*>(values + first),
               static_cast<std::int64_t>((end - first) * sizeof(T)));
}

void DeviceArena::bring_up(std::span<const std::int32_t> positions, std::span<const float> biases,
                           std::span<const std::int32_t> written) {
  for (const std::int32_t row : written) {
    const auto at = static_cast<std::size_t>(row);
    if (row >= 0) known_positions_.as<std::int32_t>()[at] = positions[at];
  }
  upload_changes<std::int32_t>(known_positions_, positions.size(), positions_,
                               [&](std::size_t i) { return positions[i]; });
  upload_changes<float>(known_biases_, positions.size(), biases_,
                        [&](std::size_t i) { return biases.empty() ? 0.0F : biases[i]; });
}

}  // namespace kvlink::inference
