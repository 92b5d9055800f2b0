// SPDX-License-Identifier: Apache-2.0
// The seam of inference/device_kv.h on the device's side.
#include "inference/device/device_decoder.h"

namespace kvlink::inference {
namespace {

class ArenaOnDevice : public DeviceKv {
 public:
  ArenaOnDevice(DeviceDecoder& decoder, const ModelConfig& config, std::int64_t capacity,
                DType dtype)
      : decoder_(decoder), arena_(config, capacity, dtype, decoder.backend()) {}

  std::vector<float> forward(const ForwardBatch& batch, const KvCache& cache,
                             const std::function<void()>& between_layers) override {
    return decoder_.with_room(
        [&] { return decoder_.forward(batch, cache, arena_, between_layers); });
  }
  void load(std::span<const KvLoad> loads, const KvCache&,
            const std::function<void()>& between_layers) override {
    decoder_.with_room([&] { decoder_.loader().load(loads, arena_, between_layers); });
  }
  void begin_trace() override { decoder_.trace().begin(); }
  std::vector<DeviceSpan> end_trace() override { return decoder_.trace().end(); }
  void drop_trace() noexcept override { decoder_.trace().drop(); }

 private:
  DeviceDecoder& decoder_;
  DeviceArena arena_;
};

}  // namespace

std::unique_ptr<DeviceKv> DeviceDecoder::new_kv(std::int64_t capacity) {
  return with_room([&] {
    return std::make_unique<ArenaOnDevice>(*this, config_, capacity, options_.arena_dtype);
  });
}

}  // namespace kvlink::inference
