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
                         cuda::CudaBackend& backend, std::int64_t budget_bytes)
    : config_(config),
      rope_frequencies_(rope_frequencies),
      backend_(backend),
      budget_bytes_(budget_bytes) {
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    loaded_.push_back(cuda::make_event(backend));
  }
  for (Slot& slot : slots_) {
    slot.copied = cuda::make_event(backend);
    slot.used = cuda::make_event(backend);
  }
}

void BlockLoader::drop_resident() {
  resident_.clear();
  resident_bytes_ = 0;
}

/// Evicts until `bytes` fit into the budget; false when they never will.
bool BlockLoader::make_room(std::int64_t bytes) {
  if (bytes > budget_bytes_) return false;
  // Blocks that nobody has any more go first.
  std::erase_if(resident_, [&](const Resident& r) {
    if (!r.owner.expired()) return false;
    resident_bytes_ -= r.bytes.size();
    return true;
  });
  while (resident_bytes_ + bytes > budget_bytes_ && !resident_.empty()) {
    resident_bytes_ -= resident_.back().bytes.size();
    resident_.pop_back();
  }
  return true;
}

std::list<BlockLoader::Resident>::iterator BlockLoader::keep(const KvLoad& load) {
  const auto found = std::find_if(resident_.begin(), resident_.end(), [&](const Resident& r) {
    return r.block == load.block && !r.owner.expired();
  });
  if (found != resident_.end()) {
    resident_.splice(resident_.begin(), resident_, found);
    return found;
  }
  const std::int64_t bytes = std::ssize(load.block->bytes());
  if (load.owner == nullptr || !make_room(bytes)) return resident_.end();
  try {
    resident_.push_front({load.owner, load.block, cuda::DeviceBuffer(backend_, bytes), false});
  } catch (const Exception& error) {
    // The budget promised more than the device has: this block goes through the ring.
    if (error.error().code != ErrorCode::kOutOfMemory) throw;
    return resident_.end();
  }
  resident_bytes_ += bytes;
  return resident_.begin();
}

BlockLoader::Place BlockLoader::place(const KvLoad& load) {
  Place place;
  place.block = load.block;
  place.resident = keep(load);
  place.stays = place.resident != resident_.end();
  place.is_there = place.stays && place.resident->is_filled;
  std::int32_t pinned = 0;
  backend_.run(&Api::is_pinned, static_cast<const void*>(load.block->bytes().data()), &pinned);
  place.is_pinned = pinned != 0;
  return place;
}

void BlockLoader::prepare_ring(std::int64_t bytes) {
  for (Slot& slot : slots_) {
    slot.in_use = false;
    if (slot.device.size() >= bytes) continue;
    slot.device = {};
    slot.device = cuda::DeviceBuffer(backend_, bytes);
    slot.host = cuda::PinnedBuffer(backend_, bytes);
  }
}

std::int64_t BlockLoader::address(const Place& place, std::int32_t layer, Plane plane,
                                  const Slot& slot) const {
  if (place.stays) {
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
  if (tables_.size() < bytes) {
    tables_ = {};
    tables_ = cuda::DeviceBuffer(backend_, 2 * bytes);
    tables_host_ = cuda::PinnedBuffer(backend_, 2 * bytes);
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
                    address(place, layer, Plane::kValues, slot), place.block->n_tokens(), first};
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

void BlockLoader::queue_layer(std::int32_t layer, std::span<const Place> places) {
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
  dtype_ = loads.front().block->layout().dtype;
  std::vector<Place> places;
  std::int64_t ring_bytes = 0;
  for (const KvLoad& load : loads) {
    KVLINK_CHECK(load.block->layout().dtype == dtype_);
    Place own = place(load);
    own.ring_offset = ring_bytes;
    if (!own.is_there) ring_bytes += layer_bytes(*load.block);
    places.push_back(own);
  }
  prepare_ring(ring_bytes);
  queue_tables(loads, places);
  const std::int64_t source_bytes =
      aligned(config_.n_layers * n_sources_ * static_cast<std::int64_t>(sizeof(cuda::KvSource)));
  under_way_ = true;
  for (std::int32_t layer = 0; layer < config_.n_layers; ++layer) {
    if (between_layers) between_layers();
    queue_layer(layer, places);
    const cuda::KvLoadCall call{
        .lane = Lane::kCopy,
        .base = nullptr,
        .sources = tables_.as<cuda::KvSource>() + layer * n_sources_,
        .n_sources = n_sources_,
        .n_tokens = n_tokens_,
        .dtype = dtype_,
        .rope = {pairs_.as<float>(), std::ssize(config_.rope.frequencies),
                 config_.rope.pairing == kernels::RopePairing::kInterleaved ? 1 : 0},
        .rows = reinterpret_cast<const std::int32_t*>(tables_.as<std::byte>() + source_bytes),
        .arena = arena.layer(layer)};
    backend_.run(&Api::kv_load, &call);
    backend_.run(&Api::record_event, Lane::kCopy, loaded_[static_cast<std::size_t>(layer)].get());
  }
  for (const Place& place : places) {
    if (place.stays) place.resident->is_filled = true;
  }
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
