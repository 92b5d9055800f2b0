// SPDX-License-Identifier: Apache-2.0
#include "inference/kv_cache.h"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/base/byte_reader.h"
#include "kernels/base/result.h"
#include "kernels/kv_arena.h"

namespace kvlink::inference {
namespace {

std::int64_t arena_bytes(const ModelConfig& config, std::int64_t capacity, DType dtype) {
  if (!kernels::is_arena_dtype(dtype)) {
    fail(ErrorCode::kInvalidInput,
         std::string("KV in memory is kept as f32, f16, bf16 or q8, not as ") + dtype_name(dtype));
  }
  if (capacity < 1) {
    fail(ErrorCode::kInvalidInput,
         "a context needs at least one token, not " + std::to_string(capacity));
  }
  // The most that any type needs, and what pads a plane, must not overflow either.
  const auto planes = static_cast<std::uint64_t>(config.n_layers) * 2;
  std::uint64_t n = checked_mul(planes, static_cast<std::uint64_t>(config.kv_dim()), "KV arena");
  n = checked_mul(n, static_cast<std::uint64_t>(capacity), "KV arena");
  n = checked_mul(n, 2 * sizeof(float), "KV arena");
  if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail(ErrorCode::kOutOfMemory, "a context of " + std::to_string(capacity) +
                                      " tokens is larger than any memory; choose a smaller one");
  }
  return static_cast<std::int64_t>(planes) *
         kernels::arena_plane_bytes(dtype, config.n_kv_heads * capacity, config.head_dim);
}

}  // namespace

std::int64_t kv_bytes_of_token(const ModelConfig& config, DType dtype) {
  return std::int64_t{2} * config.n_layers * config.n_kv_heads *
         kernels::arena_row_bytes(dtype, config.head_dim);
}

HostBuffer IdleKvMemory::take(std::int64_t n_bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (idle_.size() == n_bytes) return std::exchange(idle_, HostBuffer());
  }
  // The first rows of every head lie `capacity` rows apart: huge pages would have the system
  // clear the whole arena for a short conversation.
  return HostBuffer(n_bytes, Pages::kSmall);
}

void IdleKvMemory::keep(HostBuffer memory) noexcept {
  const std::lock_guard lock(mutex_);
  if (memory.size() >= idle_.size()) std::swap(idle_, memory);
}

KvCache::KvCache(const ModelConfig& config, std::int64_t capacity, DType dtype,
                 std::shared_ptr<IdleKvMemory> idle)
    : idle_(idle != nullptr ? std::move(idle) : std::make_shared<IdleKvMemory>()),
      buffer_(idle_->take(arena_bytes(config, capacity, dtype))),
      n_layers_(config.n_layers),
      n_kv_heads_(config.n_kv_heads),
      head_dim_(config.head_dim),
      capacity_(capacity),
      dtype_(dtype) {}

KvCache::KvCache(const ModelConfig& config, std::int64_t capacity, std::unique_ptr<DeviceKv> device)
    : device_(std::move(device)),
      n_layers_(config.n_layers),
      n_kv_heads_(config.n_kv_heads),
      head_dim_(config.head_dim),
      capacity_(capacity) {
  KVLINK_CHECK(device_ != nullptr);
}

KvCache::~KvCache() {
  if (buffer_.size() > 0 && idle_ != nullptr) idle_->keep(std::move(buffer_));
}

KvArenaView KvCache::layer(std::int32_t layer) {
  KVLINK_CHECK(device_ == nullptr);
  KVLINK_CHECK(layer >= 0 && layer < n_layers_);
  const std::int64_t plane = kernels::arena_plane_bytes(dtype_, n_kv_heads_ * capacity_, head_dim_);
  std::byte* keys = buffer_.as<std::byte>() + std::int64_t{layer} * 2 * plane;
  return {.keys = keys,
          .values = keys + plane,
          .dtype = dtype_,
          .n_kv_heads = n_kv_heads_,
          .capacity = capacity_,
          .head_dim = head_dim_};
}

std::int64_t KvCache::append_rows(std::span<const std::int32_t> positions) {
  const std::int64_t first = n_rows();
  const auto n = static_cast<std::int64_t>(positions.size());
  if (n > capacity_ - first) {
    fail(ErrorCode::kOutOfMemory, "the context holds " + std::to_string(capacity_) + " tokens, " +
                                      std::to_string(first) + " are used, and " +
                                      std::to_string(n) +
                                      " more do not fit; start a new conversation or use fewer "
                                      "passages");
  }
  positions_.insert(positions_.end(), positions.begin(), positions.end());
  if (!biases_.empty()) biases_.resize(positions_.size());
  return first;
}

void KvCache::weigh_rows(std::int64_t first_row, std::span<const float> biases) {
  KVLINK_CHECK(first_row >= 0 && first_row + std::ssize(biases) <= n_rows());
  biases_.resize(positions_.size());
  std::copy(biases.begin(), biases.end(), biases_.begin() + first_row);
}

void KvCache::truncate(std::int64_t n_rows) {
  KVLINK_CHECK(n_rows >= 0 && n_rows <= this->n_rows());
  positions_.resize(static_cast<std::size_t>(n_rows));
  if (!biases_.empty()) biases_.resize(positions_.size());
}

}  // namespace kvlink::inference
