// SPDX-License-Identifier: Apache-2.0
#include "inference/engine_device.h"

#include <utility>

#include "inference/device/device_check.h"
#include "inference/device/device_decoder.h"

namespace kvlink::inference {

EngineDevice::EngineDevice(const Model& model, const GpuOptions& options, std::int64_t capacity,
                           const Decoder& cpu)
    : model_(model), arenas_([this](std::int64_t rows) { return new_cache(rows); }) {
  if (options.plugin == nullptr) {
    // Nobody misses a GPU that was never there, unless it was asked for by name.
    refuse(options.refusal, options.is_chosen);
    return;
  }
  const auto made = returning([&] {
    auto backend = std::make_shared<cuda::CudaBackend>(options.plugin, options.backend);
    decoder_ =
        std::make_unique<DeviceDecoder>(model, std::move(backend), options.decoder, capacity);
    decoder_->loader().stage_with(&cpu.backend().pool());
    if (options.decoder.check) expect_agreement(model.config, cpu, *decoder_);
  });
  if (made) {
    words_ = decoder_->describe();
    works_ = true;
  } else {
    decoder_.reset();
    refuse(made.error().message, true);
  }
}

void EngineDevice::refuse(const std::string& reason, bool is_news) {
  words_ = "the GPU is not used" + (reason.empty() ? "" : ": " + reason);
  if (is_news) {
    notices_.push_back("The GPU is not used; the CPU does its work: " + reason + ".");
  }
}

EngineDevice::~EngineDevice() = default;

std::string EngineDevice::words() const {
  const std::lock_guard lock(mutex_);
  return words_;
}

std::vector<std::string> EngineDevice::take_notices() {
  const std::lock_guard lock(mutex_);
  return std::exchange(notices_, {});
}

std::optional<DeviceTier> EngineDevice::tier() const {
  if (!works_) return std::nullopt;
  return std::as_const(*decoder_).loader().resident().tier();
}

std::vector<Digest> EngineDevice::block_ids() const {
  if (!works_) return {};
  return std::as_const(*decoder_).loader().resident().ids();
}

void EngineDevice::set_budget(std::int64_t bytes) {
  if (!works_) return;
  const auto done = returning([&] { decoder_->loader().set_budget(bytes); });
  if (!done) give_up(done.error());
}

KvCache EngineDevice::new_cache(std::int64_t capacity) {
  return KvCache(model_.config, capacity, decoder_->new_kv(capacity));
}

void EngineDevice::use_lora(const LoraWeights* lora) {
  if (!works_) return;
  const auto done = returning([&] { decoder_->use_lora(lora); });
  // Without its LoRA the device would compute something else.
  if (!done) stop_using(done.error().message);
}

void EngineDevice::stop_using(const std::string& reason) {
  works_ = false;
  const std::lock_guard lock(mutex_);
  words_ = "the GPU is not used any more: " + reason;
  notices_.push_back("The GPU failed and is not used any more; the CPU goes on: " + reason + ".");
}

bool EngineDevice::give_up(const Error& error) {
  switch (error.code) {
    case ErrorCode::kDevice:
      if (works_) stop_using(error.message);
      return true;
    case ErrorCode::kOutOfMemory: {
      const std::lock_guard lock(mutex_);
      notices_.push_back(
          "The GPU has too little memory for this; the CPU goes on: " + error.message + ".");
      return true;
    }
    case ErrorCode::kUnsupported:
      return true;
    default:
      return false;
  }
}

}  // namespace kvlink::inference
