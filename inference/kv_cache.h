// SPDX-License-Identifier: Apache-2.0
// KV in memory: one arena per conversation, rows addressed by index, visibility by position.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "inference/device_kv.h"
#include "inference/model/model_config.h"
#include "kernels/base/buffer.h"
#include "kernels/base/view.h"

namespace kvlink::inference {

/// Bytes of one token in a cache of this type.
std::int64_t kv_bytes_of_token(const ModelConfig& config, DType dtype);

/// Memory of a cache that is gone, for the next one: its pages have been touched, which costs
/// several times what writing into them does. Keeps the largest one. Thread-safe.
class IdleKvMemory {
 public:
  /// Of exactly this size; holds anything. Throws kOutOfMemory.
  HostBuffer take(std::int64_t n_bytes);
  void keep(HostBuffer memory) noexcept;

 private:
  std::mutex mutex_;
  HostBuffer idle_;  // guarded by mutex_
};

/// Keys are stored rotated; a row's position may differ from its index. Owns one buffer of
/// layers * 2 planes (kernels/kv_arena.h), allocated once (the system commits its pages as rows
/// are written). One user at a time.
class KvCache {
 public:
  /// capacity >= 1 rows; dtype kF32, kF16, kBF16 or kQ8Kv. `idle` gives the memory and gets it
  /// back; null: the system does. Throws kOutOfMemory, kInvalidInput.
  KvCache(const ModelConfig& config, std::int64_t capacity, DType dtype,
          std::shared_ptr<IdleKvMemory> idle = nullptr);
  /// Positions only: keys and values lie on a device, which has room for `capacity` rows.
  KvCache(const ModelConfig& config, std::int64_t capacity, std::unique_ptr<DeviceKv> device);

  KvCache(KvCache&&) noexcept = default;
  KvCache& operator=(KvCache&&) noexcept = default;
  ~KvCache();

  /// Null: keys and values are here.
  DeviceKv* device() const { return device_.get(); }
  std::int64_t capacity() const { return capacity_; }
  std::int64_t n_rows() const { return static_cast<std::int64_t>(positions_.size()); }
  DType dtype() const { return dtype_; }
  /// Positions of rows 0..n_rows; the key at a row is visible to queries at or after its position.
  std::span<const std::int32_t> positions() const { return positions_; }
  /// What is added to attention scores with rows 0..n_rows; empty while that is 0 for all of them.
  std::span<const float> biases() const { return biases_; }
  /// Of a cache whose keys and values are here.
  KvArenaView layer(std::int32_t layer);
  std::int64_t size_bytes() const { return buffer_.size(); }

  /// Adds rows with these positions (their contents still to be written) and returns the first
  /// row's index. Their biases are 0. Throws kOutOfMemory when the capacity is exhausted; nothing
  /// is added then.
  std::int64_t append_rows(std::span<const std::int32_t> positions);
  /// What is added from now on to attention scores with rows [first_row, first_row + |biases|).
  void weigh_rows(std::int64_t first_row, std::span<const float> biases);
  /// Forgets every row from n_rows on.
  void truncate(std::int64_t n_rows);

 private:
  std::shared_ptr<IdleKvMemory> idle_;  // null where buffer_ is empty: on a device, or moved from
  HostBuffer buffer_;
  std::unique_ptr<DeviceKv> device_;
  std::vector<std::int32_t> positions_;
  std::vector<float> biases_;  // as many, or none
  std::int32_t n_layers_ = 0;
  std::int64_t n_kv_heads_ = 0;
  std::int64_t head_dim_ = 0;
  std::int64_t capacity_ = 0;
  DType dtype_ = DType::kF16;
};

}  // namespace kvlink::inference
