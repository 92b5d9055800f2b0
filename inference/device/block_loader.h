// SPDX-License-Identifier: Apache-2.0
// Blocks into a device's arena: through a ring of pinned memory, or from the device itself.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "inference/device/device_arena.h"
#include "inference/device_kv.h"

namespace kvlink::inference {

/// What one load did. Times are the device's own, by events.
struct LoadReport {
  std::int64_t bytes_from_host = 0;      ///< copied over the bus
  std::int64_t bytes_from_pageable = 0;  ///< of them, copied into pinned memory first
  std::int64_t bytes_from_device = 0;    ///< of blocks that were there already
};

/// The copy lane carries everything; an event per layer tells the compute lane when a layer's rows
/// are there, so that layer l computes while layer l + 1 is on its way. Keeps blocks on the device
/// inside a byte budget, the longest unused one makes room. One user at a time.
class BlockLoader {
 public:
  BlockLoader(const ModelConfig& config, const float* rope_frequencies, cuda::CudaBackend& backend,
              std::int64_t budget_bytes);

  /// Queues the loads of all layers; blocks are of one geometry and type. Call wait_for_layer
  /// before a layer's rows are read. Throws kOutOfMemory, kDevice.
  void load(std::span<const KvLoad> loads, DeviceArena& arena,
            const std::function<void()>& between_layers);
  /// Makes the compute lane wait until a layer's rows are in the arena; nothing when no load is
  /// under way.
  void wait_for_layer(std::int32_t layer);
  /// Until the last load is done, on the host.
  void finish();
  bool is_under_way() const { return under_way_; }

  const LoadReport& last() const { return report_; }
  std::int64_t resident_bytes() const { return resident_bytes_; }
  std::int64_t n_resident() const { return std::ssize(resident_); }
  /// Forgets every block on the device.
  void drop_resident();

 private:
  struct Resident {
    std::weak_ptr<const KvBlock> owner;
    const KvBlock* block = nullptr;
    cuda::DeviceBuffer bytes;
    bool is_filled = false;
  };
  /// Where a block's planes are taken from.
  struct Place {
    const KvBlock* block = nullptr;
    std::list<Resident>::iterator resident;
    bool stays = false;      // has a place of its own on the device
    bool is_there = false;   // and its bytes already
    bool is_pinned = false;  // its host memory can be copied from without waiting
    std::int64_t ring_offset = 0;
  };
  struct Slot {
    cuda::PinnedBuffer host;
    cuda::DeviceBuffer device;
    cuda::EventHandle copied, used;
    bool in_use = false;
  };
  static constexpr std::size_t kSlots = 3;

  void queue(std::span<const KvLoad> loads, DeviceArena& arena,
             const std::function<void()>& between_layers);
  Place place(const KvLoad& load);
  std::list<Resident>::iterator keep(const KvLoad& load);
  bool make_room(std::int64_t bytes);
  void prepare_ring(std::int64_t bytes);
  void queue_tables(std::span<const KvLoad> loads, std::span<const Place> places);
  void queue_layer(std::int32_t layer, std::span<const Place> places);
  void copy_plane(const Place& place, std::int32_t layer, Plane plane, Slot& slot);
  std::int64_t address(const Place& place, std::int32_t layer, Plane plane, const Slot& slot) const;

  const ModelConfig& config_;
  const float* rope_frequencies_;
  cuda::CudaBackend& backend_;
  std::int64_t budget_bytes_;
  std::int64_t resident_bytes_ = 0;
  std::list<Resident> resident_;  // the longest unused last
  Slot slots_[kSlots];
  std::vector<cuda::EventHandle> loaded_;  // one per layer
  bool under_way_ = false;
  LoadReport report_;
  // Tables of the load under way: sources of every layer, rows, positions, rotation.
  cuda::DeviceBuffer tables_;
  cuda::PinnedBuffer tables_host_;
  cuda::DeviceBuffer pairs_;
  std::int64_t n_tokens_ = 0;
  std::int64_t n_sources_ = 0;
  DType dtype_ = DType::kF16;
};

}  // namespace kvlink::inference
