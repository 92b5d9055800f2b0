// SPDX-License-Identifier: Apache-2.0
#include "inference/device/block_capture.h"

#include <cstring>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;

constexpr std::int64_t kAlignment = 256;

}  // namespace

void BlockCapture::begin(KvBlock& block) {
  block_ = &block;
  const KvLayout& layout = block.layout();
  const std::int64_t key_bytes = layout.plane_bytes(Plane::kKeys, block.n_tokens());
  values_at_ = (key_bytes + kAlignment - 1) / kAlignment * kAlignment;
  const std::int64_t bytes = values_at_ + layout.plane_bytes(Plane::kValues, block.n_tokens());
  for (Slot& slot : slots_) {
    slot.layer = -1;
    if (!slot.stored) slot.stored = cuda::make_event(backend_);
    if (!slot.fetched) slot.fetched = cuda::make_event(backend_);
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

void BlockCapture::store(std::int32_t layer, const float* keys, const float* values) {
  KVLINK_CHECK(block_ != nullptr);
  Slot& slot = slots_[static_cast<std::size_t>(layer) % kSlots];
  collect(slot);
  auto* to = slot.device.as<std::byte>();
  const cuda::KvStoreCall call{.keys = keys,
                               .values = values,
                               .n = block_->n_tokens(),
                               .kv_dim = config_.kv_dim(),
                               .dtype = block_->layout().dtype,
                               .key_plane = to,
                               .value_plane = to + values_at_};
  backend_.run(&Api::kv_store, &call);
  backend_.run(&Api::record_event, Lane::kCompute, slot.stored.get());
  backend_.run(&Api::wait_event, Lane::kCopy, slot.stored.get());
  const std::int64_t bytes =
      values_at_ + block_->layout().plane_bytes(Plane::kValues, block_->n_tokens());
  backend_.run(&Api::fetch, Lane::kCopy, static_cast<void*>(slot.host.as<std::byte>()),
               static_cast<const void*>(to), bytes);
  backend_.run(&Api::record_event, Lane::kCopy, slot.fetched.get());
  slot.layer = layer;
}

/// What a slot brings, into the block; the slot is free then.
void BlockCapture::collect(Slot& slot) {
  if (slot.layer < 0) return;
  backend_.run(&Api::wait_event_on_host, slot.fetched.get());
  const auto keys = block_->plane(slot.layer, Plane::kKeys);
  const auto values = block_->plane(slot.layer, Plane::kValues);
  const auto* from = slot.host.as<std::byte>();
  std::memcpy(keys.data(), from, keys.size());
  std::memcpy(values.data(), from + values_at_, values.size());
  slot.layer = -1;
}

void BlockCapture::finish() {
  // In the order in which they were stored: the last one's slot is the last to be free.
  for (std::size_t i = 0; i < kSlots; ++i) {
    Slot* oldest = nullptr;
    for (Slot& slot : slots_) {
      if (slot.layer >= 0 && (oldest == nullptr || slot.layer < oldest->layer)) oldest = &slot;
    }
    if (oldest != nullptr) collect(*oldest);
  }
  block_ = nullptr;
}

}  // namespace kvlink::inference
