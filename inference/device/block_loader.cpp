// SPDX-License-Identifier: Apache-2.0
#include "inference/device/block_loader.h"

#include <algorithm>
#include <cstring>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;

constexpr std::int64_t kAlignment = 256;
std::int64_t aligned(std::int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

/// Bytes of one layer of a block in the ring.
std::int64_t layer_bytes(const KvBlock& block) {
  return aligned(block.layout().plane_bytes(Plane::kKeys, block.n_tokens())) +
         aligned(block.layout().plane_bytes(Plane::kValues, block.n_tokens()));
}

}  // namespace

BlockLoader::BlockLoader(const ModelConfig& config, const float* rope_frequencies,
                         cuda::CudaBackend& backend, std::int64_t budget_bytes, DeviceTrace& trace)
    : config_(config),
      rope_frequencies_(rope_frequencies),
      backend_(backend),
      resident_(backend, budget_bytes),
      trace_(trace) {
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    loaded_.push_back(cuda::make_event(backend));
  }
  for (Slot& slot : slots_) slot.copied = cuda::make_event(backend);
}

BlockLoader::Place BlockLoader::place(const KvLoad& load) {
  Place place;
  place.block = load.block;
  place.resident = resident_.place(load);
  place.is_there = place.resident != nullptr && place.resident->is_filled;
  std::int32_t pinned = 0;
  backend_.run(&Api::is_pinned, static_cast<const void*>(load.block->bytes().data()), &pinned);
  place.is_pinned = pinned != 0;
  return place;
}

void BlockLoader::prepare_ring(std::int64_t bytes) {
  for (Slot& slot : slots_) {
    slot.in_use = false;
    // One of the two may be missing, when the other could not be had.
    if (slot.host.size() < bytes) {
      slot.host = {};
      slot.host = cuda::PinnedBuffer(backend_, bytes);
    }
    if (slot.device.size() < bytes) {
      slot.device = {};
      slot.device = cuda::DeviceBuffer(backend_, bytes);
    }
  }
}

std::int64_t BlockLoader::address(const Place& place, std::int32_t layer, Plane plane,
                                  const Slot& slot) const {
  if (place.resident != nullptr) {
    return reinterpret_cast<std::int64_t>(place.resident->bytes.data()) +
           place.block->plane_offset(layer, plane);
  }
  const std::int64_t behind_keys =
      plane == Plane::kKeys
          ? 0
          : aligned(place.block->layout().plane_bytes(Plane::kKeys, place.block->n_tokens()));
  return reinterpret_cast<std::int64_t>(slot.device.data()) + place.ring_offset + behind_keys;
}

void BlockLoader::queue_tables(std::span<const KvLoad> loads, std::span<const Place> places) {
  n_sources_ = std::ssize(loads);
  n_tokens_ = 0;
  for (const KvLoad& load : loads) n_tokens_ += load.block->n_tokens();
  const std::int64_t source_bytes =
      aligned(config_.n_layers * n_sources_ * static_cast<std::int64_t>(sizeof(cuda::KvSource)));
  const std::int64_t bytes = source_bytes + 2 * n_tokens_ * 4;
  if (tables_.size() < bytes || tables_host_.size() < bytes) {
    tables_ = {};
    tables_host_ = {};
    tables_host_ = cuda::PinnedBuffer(backend_, 2 * bytes);
    tables_ = cuda::DeviceBuffer(backend_, 2 * bytes);
  }
  const std::int64_t pair_bytes =
      std::max<std::int64_t>(n_tokens_ * config_.rope.n_rotated() * 4, kAlignment);
  if (pairs_.size() < pair_bytes) {
    pairs_ = {};
    pairs_ = cuda::DeviceBuffer(backend_, 2 * pair_bytes);
  }
  auto* sources = tables_host_.as<cuda::KvSource>();
  auto* rows = reinterpret_cast<std::int32_t*>(tables_host_.as<std::byte>() + source_bytes);
  std::int32_t* positions = rows + n_tokens_;
  for (std::int32_t layer = 0; layer < config_.n_layers; ++layer) {
    const Slot& slot = slots_[static_cast<std::size_t>(layer) % kSlots];
    std::int64_t first = 0;
    for (const Place& place : places) {
      *sources++ = {address(place, layer, Plane::kKeys, slot),
                    address(place, layer, Plane::kValues, slot), place.block->n_tokens(), first,
                    place.block->layout().dtype};
      first += place.block->n_tokens();
    }
  }
  for (const KvLoad& load : loads) {
    for (std::int64_t i = 0; i < load.block->n_tokens(); ++i) {
      *rows++ = static_cast<std::int32_t>(load.first_row + i);
      *positions++ = load.positions[static_cast<std::size_t>(i)];
    }
  }
  backend_.run(&Api::upload, Lane::kCopy, tables_.data(),
               static_cast<const void*>(tables_host_.as<std::byte>()), bytes);
  const auto* device_rows =
      reinterpret_cast<const std::int32_t*>(tables_.as<std::byte>() + source_bytes);
  const cuda::RopeTableCall call{.lane = Lane::kCopy,
                                 .positions = device_rows + n_tokens_,
                                 .frequencies = rope_frequencies_,
                                 .rows = nullptr,
                                 .arena_positions = nullptr,
                                 .magnitude = config_.rope.magnitude,
                                 .n = n_tokens_,
                                 .n_frequencies = std::ssize(config_.rope.frequencies),
                                 .pairs = pairs_.as<float>()};
  backend_.run(&Api::rope_table, &call);
}

/// One plane over the bus, through pinned memory where the block's own is not.
void BlockLoader::copy_plane(const Place& place, std::int32_t layer, Plane plane, Slot& slot) {
  const auto bytes = place.block->plane(layer, plane);
  const void* from = bytes.data();
  auto* to = reinterpret_cast<std::byte*>(address(place, layer, plane, slot));
  if (!place.is_pinned) {
    const std::int64_t behind_keys =
        plane == Plane::kKeys
            ? 0
            : aligned(place.block->layout().plane_bytes(Plane::kKeys, place.block->n_tokens()));
    std::byte* staged = slot.host.as<std::byte>() + place.ring_offset + behind_keys;
    std::memcpy(staged, bytes.data(), bytes.size());
    from = staged;
    report_.bytes_from_pageable += std::ssize(bytes);
  }
  backend_.run(&Api::upload, Lane::kCopy, static_cast<void*>(to), from, std::ssize(bytes));
  report_.bytes_from_host += std::ssize(bytes);
}

void BlockLoader::queue_copies(std::int32_t layer, std::span<const Place> places) {
  Slot& slot = slots_[static_cast<std::size_t>(layer) % kSlots];
  // The copy lane keeps the order on the device; the host's part of the slot is free once the
  // device has copied it.
  if (slot.in_use) backend_.run(&Api::wait_event_on_host, slot.copied.get());
  for (const Place& place : places) {
    if (place.is_there) {
      report_.bytes_from_device += std::ssize(place.block->plane(layer, Plane::kKeys)) +
                                   std::ssize(place.block->plane(layer, Plane::kValues));
      continue;
    }
    copy_plane(place, layer, Plane::kKeys, slot);
    copy_plane(place, layer, Plane::kValues, slot);
  }
  backend_.run(&Api::record_event, Lane::kCopy, slot.copied.get());
  slot.in_use = true;
}

void BlockLoader::queue_rotation(std::int32_t layer, DeviceArena& arena) {
  const std::int64_t source_bytes =
      aligned(config_.n_layers * n_sources_ * static_cast<std::int64_t>(sizeof(cuda::KvSource)));
  const cuda::KvLoadCall call{
      .lane = Lane::kCopy,
      .base = nullptr,
      .sources = tables_.as<cuda::KvSource>() + layer * n_sources_,
      .n_sources = n_sources_,
      .n_tokens = n_tokens_,
      .rope = {pairs_.as<float>(), std::ssize(config_.rope.frequencies),
               config_.rope.pairing == kernels::RopePairing::kInterleaved ? 1 : 0},
      .rows = reinterpret_cast<const std::int32_t*>(tables_.as<std::byte>() + source_bytes),
      .arena = arena.layer(layer)};
  backend_.run(&Api::kv_load, &call);
}

void BlockLoader::load(std::span<const KvLoad> loads, DeviceArena& arena,
                       const std::function<void()>& between_layers) {
  if (loads.empty()) return;
  finish();
  try {
    queue(loads, arena, between_layers);
  } catch (...) {
    // Copies are under way out of buffers that the next load writes.
    backend_.api().synchronize(backend_.context());
    under_way_ = false;
    throw;
  }
}

void BlockLoader::queue(std::span<const KvLoad> loads, DeviceArena& arena,
                        const std::function<void()>& between_layers) {
  report_ = {};
  resident_.begin_load();
  std::vector<Place> places;
  std::int64_t ring_bytes = 0;
  layer_bytes_ = 0;
  for (const KvLoad& load : loads) {
    Place own = place(load);
    own.ring_offset = ring_bytes;
    if (!own.is_there) ring_bytes += layer_bytes(*load.block);
    layer_bytes_ += std::ssize(load.block->plane(0, Plane::kKeys)) +
                    std::ssize(load.block->plane(0, Plane::kValues));
    places.push_back(own);
  }
  prepare_ring(ring_bytes);
  queue_tables(loads, places);
  under_way_ = true;
  for (std::int32_t layer = 0; layer < config_.n_layers; ++layer) {
    if (between_layers) between_layers();
    const std::int64_t before = report_.bytes_from_host;
    const std::size_t begun = trace_.is_on() ? trace_.mark(Lane::kCopy) : 0;
    queue_copies(layer, places);
    const std::size_t copied = trace_.is_on() ? trace_.mark(Lane::kCopy) : 0;
    queue_rotation(layer, arena);
    backend_.run(&Api::record_event, Lane::kCopy, loaded_[static_cast<std::size_t>(layer)].get());
    if (!trace_.is_on()) continue;
    const std::int64_t n_copied = report_.bytes_from_host - before;
    if (n_copied > 0) trace_.add(DeviceSpan::Work::kCopy, begun, copied, n_copied);
    trace_.add(DeviceSpan::Work::kRotate, copied, trace_.mark(Lane::kCopy), layer_bytes_);
  }
  resident_.end_load();
}

void BlockLoader::wait_for_layer(std::int32_t layer) {
  if (!under_way_) return;
  backend_.run(&Api::wait_event, Lane::kCompute, loaded_[static_cast<std::size_t>(layer)].get());
}

void BlockLoader::finish() {
  if (!under_way_) return;
  backend_.run(&Api::wait_event_on_host, loaded_.back().get());
  under_way_ = false;
}

}  // namespace kvlink::inference
