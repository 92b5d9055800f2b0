// SPDX-License-Identifier: Apache-2.0
// Blocks into a device's arena: through a ring of pinned memory, or from the device itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "inference/device/device_arena.h"
#include "inference/device/device_memory.h"
#include "inference/device/device_trace.h"
#include "inference/device/resident_blocks.h"
#include "inference/device_kv.h"
#include "kernels/cpu/thread_pool.h"

namespace kvlink::inference {

/// What one load did. Times are the device's own, by events.
struct LoadReport {
  std::int64_t bytes_from_host = 0;      ///< copied over the bus
  std::int64_t bytes_from_pageable = 0;  ///< of them, copied into pinned memory first
  std::int64_t bytes_from_device = 0;    ///< of blocks that were there already
};

/// The copy lane carries everything; an event per layer tells the compute lane when a layer's rows
/// are there, so that layer l computes while layer l + 1 is on its way. One user at a time.
class BlockLoader {
 public:
  /// Takes all memory that loads use, on the device and pinned, at once. Throws kOutOfMemory with
  /// what was wanted, and kDevice.
  BlockLoader(const ModelConfig& config, const float* rope_frequencies, cuda::CudaBackend& backend,
              const LoadRoom& room, std::int64_t budget_bytes, DeviceTrace& trace);

  /// Threads that bring blocks which are not pinned into the ring; null: the caller's alone. They
  /// must be free whenever load() is called.
  void stage_with(kernels::ThreadPool* threads) { threads_ = threads; }

  /// Queues the loads of all layers; blocks are of one geometry. Call wait_for_layer before a
  /// layer's rows are read. Throws kUnsupported for more than there is room for, and kDevice.
  void load(std::span<const KvLoad> loads, DeviceArena& arena,
            const std::function<void()>& between_layers);
  /// Makes the compute lane wait until a layer's rows are in the arena; nothing when no load is
  /// under way.
  void wait_for_layer(std::int32_t layer);
  /// Until the last load is done, on the host.
  void finish();
  /// Of the blocks that stay; waits for the load under way.
  void set_budget(std::int64_t bytes) {
    finish();
    resident_.set_budget(bytes);
  }
  bool is_under_way() const { return under_way_; }

  const LoadReport& last() const { return report_; }
  ResidentBlocks& resident() { return resident_; }
  const ResidentBlocks& resident() const { return resident_; }

 private:
  /// Where a block's planes are taken from.
  struct Place {
    const KvBlock* block = nullptr;
    ResidentBlocks::Block* resident = nullptr;  // null: through the ring
    bool is_there = false;                      // its bytes are on the device already
    bool is_pinned = false;  // its host memory can be copied from without waiting
    std::int64_t ring_offset = 0;
    std::int64_t first_token = 0;  // of its piece
    std::size_t piece = 0;
  };
  /// Blocks whose layer fits into a slot.
  struct Piece {
    std::size_t first = 0, n = 0;  // places
    std::int64_t first_token = 0, n_tokens = 0;
    std::int64_t bytes = 0;        // in the slot
    std::int64_t plane_bytes = 0;  // of one layer
  };
  struct Slot {
    cuda::PinnedBuffer host;
    cuda::DeviceBuffer device;
    cuda::EventHandle copied;
    bool in_use = false;
  };
  void queue(std::span<const KvLoad> loads, DeviceArena& arena,
             const std::function<void()>& between_layers);
  void take_room();
  Place place(const KvLoad& load);
  void place_all(std::span<const KvLoad> loads);
  Slot& slot_of(std::int32_t layer, std::size_t piece);
  void queue_tables(std::span<const KvLoad> loads);
  void queue_piece(std::int32_t layer, std::size_t piece, DeviceArena& arena);
  void stage(std::int32_t layer, const Piece& piece, Slot& slot);
  void queue_copies(std::int32_t layer, const Piece& piece, Slot& slot);
  void queue_rotation(std::int32_t layer, const Piece& piece, DeviceArena& arena);
  void copy_layer(const Place& place, std::int32_t layer, Slot& slot);
  std::int64_t address(const Place& place, std::int32_t layer, Plane plane, const Slot& slot) const;

  const ModelConfig& config_;
  const float* rope_frequencies_;
  cuda::CudaBackend& backend_;
  const LoadRoom room_;
  ResidentBlocks resident_;
  DeviceTrace& trace_;
  kernels::ThreadPool* threads_ = nullptr;
  Slot slots_[LoadRoom::kSlots];
  std::vector<cuda::EventHandle> loaded_;  // one per layer
  bool under_way_ = false;
  LoadReport report_;
  // The load under way: its blocks, and tables of them on the device: sources of every layer, rows,
  // positions, rotation.
  std::vector<Place> places_;
  struct HostCopy {
    std::byte* to;
    std::span<const std::byte> from;
  };
  std::vector<HostCopy> staged_;  // of one piece
  std::vector<Piece> pieces_;
  cuda::DeviceBuffer tables_;
  cuda::PinnedBuffer tables_host_;
  cuda::DeviceBuffer pairs_;
};

}  // namespace kvlink::inference
