// SPDX-License-Identifier: Apache-2.0
#include "inference/device/block_loader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;

constexpr std::int64_t kAlignment = 256;
/// What a thread brings into pinned memory at a time.
constexpr std::size_t kStagedBytes = std::size_t{256} << 10;
std::int64_t aligned(std::int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

/// From the first key of a layer to its last value: one stretch of the block.
std::span<const std::byte> layer_of(const KvBlock& block, std::int32_t layer) {
  const std::int64_t first = block.plane_offset(layer, Plane::kKeys);
  const std::int64_t n = block.plane_offset(layer, Plane::kValues) - first +
                         std::ssize(block.plane(layer, Plane::kValues));
  return block.bytes().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
}

std::int64_t plane_bytes(const KvBlock& block) {
  return std::ssize(block.plane(0, Plane::kKeys)) + std::ssize(block.plane(0, Plane::kValues));
}

std::string mib(std::int64_t bytes) { return std::to_string((bytes >> 20) + 1) + " MiB"; }

/// Bytes of the sources of all layers in the tables.
std::int64_t source_bytes(std::int64_t n_layers, std::size_t n_sources) {
  return aligned(n_layers * static_cast<std::int64_t>(n_sources * sizeof(cuda::KvSource)));
}

}  // namespace

BlockLoader::BlockLoader(const ModelConfig& config, const float* rope_frequencies,
                         cuda::CudaBackend& backend, const LoadRoom& room,
                         std::int64_t budget_bytes, DeviceTrace& trace)
    : config_(config),
      rope_frequencies_(rope_frequencies),
      backend_(backend),
      room_(room),
      resident_(backend, budget_bytes),
      trace_(trace) {
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    loaded_.push_back(cuda::make_event(backend));
  }
  for (Slot& slot : slots_) slot.copied = cuda::make_event(backend);
  take_room();
}

void BlockLoader::take_room() {
  try {
    for (Slot& slot : slots_) {
      slot.host = cuda::PinnedBuffer(backend_, room_.slot);
      slot.device = cuda::DeviceBuffer(backend_, room_.slot);
    }
    tables_host_ = cuda::PinnedBuffer(backend_, room_.tables);
    tables_ = cuda::DeviceBuffer(backend_, room_.tables);
    pairs_ = cuda::DeviceBuffer(backend_, room_.pairs);
  } catch (const Exception& failure) {
    if (failure.error().code != ErrorCode::kOutOfMemory) throw;
    fail(ErrorCode::kOutOfMemory,
         "blocks are loaded through " + mib(room_.pinned()) +
             " of pinned memory of the computer and " + mib(room_.on_device()) +
             " of the GPU's, which cannot be had: " + failure.error().message);
  }
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

/// Where every block comes from and goes through, in pieces that fit into a slot.
void BlockLoader::place_all(std::span<const KvLoad> loads) {
  places_.clear();
  pieces_.assign(1, {});
  std::int64_t n_tokens = 0;
  for (const KvLoad& load : loads) n_tokens += load.block->n_tokens();
  if (n_tokens > room_.n_tokens || std::ssize(loads) > LoadRoom::kMostBlocks) {
    fail(ErrorCode::kUnsupported,
         std::to_string(loads.size()) + " blocks of " + std::to_string(n_tokens) +
             " tokens are more than the GPU loads at a time, " + std::to_string(room_.n_tokens));
  }
  for (const KvLoad& load : loads) {
    Place own = place(load);
    const std::int64_t bytes = own.is_there ? 0 : aligned(std::ssize(layer_of(*load.block, 0)));
    if (bytes > room_.slot) {
      fail(ErrorCode::kUnsupported,
           "a passage of " + std::to_string(load.block->n_tokens()) + " tokens takes " +
               mib(bytes) + " a layer, more than the GPU loads at a time, " + mib(room_.slot));
    }
    if (pieces_.back().bytes + bytes > room_.slot) {
      const Piece& last = pieces_.back();
      pieces_.push_back({.first = places_.size(), .first_token = last.first_token + last.n_tokens});
    }
    Piece& piece = pieces_.back();
    own.ring_offset = piece.bytes;
    own.first_token = piece.n_tokens;
    own.piece = pieces_.size() - 1;
    ++piece.n;
    piece.n_tokens += load.block->n_tokens();
    piece.bytes += bytes;
    piece.plane_bytes += plane_bytes(*load.block);
    places_.push_back(own);
  }
}

/// Pieces take the slots in turn.
BlockLoader::Slot& BlockLoader::slot_of(std::int32_t layer, std::size_t piece) {
  return slots_[(static_cast<std::size_t>(layer) * pieces_.size() + piece) % LoadRoom::kSlots];
}

std::int64_t BlockLoader::address(const Place& place, std::int32_t layer, Plane plane,
                                  const Slot& slot) const {
  const std::int64_t offset = place.block->plane_offset(layer, plane);
  if (place.resident != nullptr) {
    return reinterpret_cast<std::int64_t>(place.resident->bytes.data()) + offset;
  }
  return reinterpret_cast<std::int64_t>(slot.device.data()) + place.ring_offset + offset -
         place.block->plane_offset(layer, Plane::kKeys);
}

void BlockLoader::queue_tables(std::span<const KvLoad> loads) {
  const std::int64_t behind_sources = source_bytes(config_.n_layers, places_.size());
  const std::int64_t n_tokens = pieces_.back().first_token + pieces_.back().n_tokens;
  auto* sources = tables_host_.as<cuda::KvSource>();
  auto* rows = reinterpret_cast<std::int32_t*>(tables_host_.as<std::byte>() + behind_sources);
  std::int32_t* positions = rows + n_tokens;
  for (std::int32_t layer = 0; layer < config_.n_layers; ++layer) {
    for (const Place& place : places_) {
      const Slot& slot = slot_of(layer, place.piece);
      *sources++ = {address(place, layer, Plane::kKeys, slot),
                    address(place, layer, Plane::kValues, slot), place.block->n_tokens(),
                    place.first_token, place.block->layout().dtype};
    }
  }
  for (const KvLoad& load : loads) {
    for (std::int64_t i = 0; i < load.block->n_tokens(); ++i) {
      *rows++ = static_cast<std::int32_t>(load.first_row + i);
      *positions++ = load.positions[static_cast<std::size_t>(i)];
    }
  }
  backend_.run(&Api::upload, Lane::kCopy, tables_.data(),
               static_cast<const void*>(tables_host_.as<std::byte>()),
               behind_sources + 2 * n_tokens * 4);
  const auto* device_rows =
      reinterpret_cast<const std::int32_t*>(tables_.as<std::byte>() + behind_sources);
  const cuda::RopeTableCall call{.lane = Lane::kCopy,
                                 .positions = device_rows + n_tokens,
                                 .frequencies = rope_frequencies_,
                                 .rows = nullptr,
                                 .arena_positions = nullptr,
                                 .magnitude = config_.rope.magnitude,
                                 .n = n_tokens,
                                 .n_frequencies = std::ssize(config_.rope.frequencies),
                                 .pairs = pairs_.as<float>()};
  backend_.run(&Api::rope_table, &call);
}

/// A layer of the blocks that are not pinned, into the slot's pinned memory: one thread would be
/// slower than the bus.
void BlockLoader::stage(std::int32_t layer, const Piece& piece, Slot& slot) {
  staged_.clear();
  for (const Place& place : std::span(places_).subspan(piece.first, piece.n)) {
    if (place.is_there || place.is_pinned) continue;
    std::byte* to = slot.host.as<std::byte>() + place.ring_offset;
    for (auto left = layer_of(*place.block, layer); !left.empty();) {
      const auto part = left.first(std::min(left.size(), kStagedBytes));
      staged_.push_back({to, part});
      to += part.size();
      left = left.subspan(part.size());
    }
    report_.bytes_from_pageable += plane_bytes(*place.block);
  }
  const auto copy = [this](std::int64_t i, int) {
    const HostCopy& c = staged_[static_cast<std::size_t>(i)];
    std::memcpy(c.to, c.from.data(), c.from.size());
  };
  if (threads_ != nullptr && staged_.size() > 1) {
    threads_->parallel_for(std::ssize(staged_), copy);
  } else {
    for (std::int64_t i = 0; i < std::ssize(staged_); ++i) copy(i, 0);
  }
}

/// Keys and values of one layer over the bus.
void BlockLoader::copy_layer(const Place& place, std::int32_t layer, Slot& slot) {
  const auto bytes = layer_of(*place.block, layer);
  const void* from = place.is_pinned ? bytes.data() : slot.host.as<std::byte>() + place.ring_offset;
  auto* to = reinterpret_cast<std::byte*>(address(place, layer, Plane::kKeys, slot));
  backend_.run(&Api::upload, Lane::kCopy, static_cast<void*>(to), from, std::ssize(bytes));
  report_.bytes_from_host += plane_bytes(*place.block);
}

void BlockLoader::queue_copies(std::int32_t layer, const Piece& piece, Slot& slot) {
  // The copy lane keeps the order on the device; the host's part of the slot is free once the
  // device has copied it.
  if (slot.in_use) backend_.run(&Api::wait_event_on_host, slot.copied.get());
  stage(layer, piece, slot);
  for (const Place& place : std::span(places_).subspan(piece.first, piece.n)) {
    if (place.is_there) {
      report_.bytes_from_device += plane_bytes(*place.block);
    } else {
      copy_layer(place, layer, slot);
    }
  }
  backend_.run(&Api::record_event, Lane::kCopy, slot.copied.get());
  slot.in_use = true;
}

void BlockLoader::queue_rotation(std::int32_t layer, const Piece& piece, DeviceArena& arena) {
  const auto n_frequencies = std::ssize(config_.rope.frequencies);
  const std::int64_t behind_sources = source_bytes(config_.n_layers, places_.size());
  const auto* sources =
      tables_.as<cuda::KvSource>() + static_cast<std::size_t>(layer) * places_.size() + piece.first;
  const auto* rows =
      reinterpret_cast<const std::int32_t*>(tables_.as<std::byte>() + behind_sources);
  const cuda::KvLoadCall call{
      .lane = Lane::kCopy,
      .base = nullptr,
      .sources = sources,
      .n_sources = static_cast<std::int64_t>(piece.n),
      .n_tokens = piece.n_tokens,
      .rope = {pairs_.as<float>() + 2 * n_frequencies * piece.first_token, n_frequencies,
               config_.rope.pairing == kernels::RopePairing::kInterleaved ? 1 : 0},
      .rows = rows + piece.first_token,
      .arena = arena.layer(layer)};
  backend_.run(&Api::kv_load, &call);
}

void BlockLoader::queue_piece(std::int32_t layer, std::size_t number, DeviceArena& arena) {
  const Piece& piece = pieces_[number];
  const std::int64_t before = report_.bytes_from_host;
  const std::size_t begun = trace_.is_on() ? trace_.mark(Lane::kCopy) : 0;
  queue_copies(layer, piece, slot_of(layer, number));
  const std::size_t copied = trace_.is_on() ? trace_.mark(Lane::kCopy) : 0;
  queue_rotation(layer, piece, arena);
  if (!trace_.is_on()) return;
  const std::int64_t n_copied = report_.bytes_from_host - before;
  if (n_copied > 0) trace_.add(DeviceSpan::Work::kCopy, begun, copied, n_copied);
  trace_.add(DeviceSpan::Work::kRotate, copied, trace_.mark(Lane::kCopy), piece.plane_bytes);
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
  place_all(loads);
  for (Slot& slot : slots_) slot.in_use = false;
  queue_tables(loads);
  under_way_ = true;
  for (std::int32_t layer = 0; layer < config_.n_layers; ++layer) {
    for (std::size_t piece = 0; piece < pieces_.size(); ++piece) {
      if (between_layers) between_layers();
      queue_piece(layer, piece, arena);
    }
    backend_.run(&Api::record_event, Lane::kCopy, loaded_[static_cast<std::size_t>(layer)].get());
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
