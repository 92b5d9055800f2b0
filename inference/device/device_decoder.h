// SPDX-License-Identifier: Apache-2.0
// The decoder of inference/decoder.h on a device: same batches, same mask, other arithmetic units.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "inference/decoder.h"
#include "inference/device/block_capture.h"
#include "inference/device/block_loader.h"
#include "inference/device/device_arena.h"
#include "inference/device/device_lora.h"
#include "inference/device/device_memory.h"
#include "inference/device/device_trace.h"
#include "inference/device/device_weights.h"
#include "inference/device/gpu_options.h"
#include "inference/device_kv.h"
#include "kernels/base/result.h"

namespace kvlink::inference {

/// Owns weights and activations on the device. One user at a time, as the backend.
class DeviceDecoder {
 public:
  /// Uploads the model. kOutOfMemory, with the numbers, when it and one context of `capacity` rows
  /// do not fit: nothing stays on the device then. kInvalidInput for options that make no sense.
  DeviceDecoder(const Model& model, std::shared_ptr<cuda::CudaBackend> backend,
                const DeviceOptions& options, std::int64_t capacity);
  ~DeviceDecoder();

  /// Other LoRA from the next pass on; null or empty: none. Throws kOutOfMemory, kDevice.
  void use_lora(const LoraWeights* lora);

  /// KV for one conversation; must not outlive the decoder. Throws kOutOfMemory, kDevice.
  std::unique_ptr<DeviceKv> new_kv(std::int64_t capacity);

  /// As Decoder::forward. A batch with `capture` must fit into one tile (kUnsupported).
  std::vector<float> forward(const ForwardBatch& batch, const KvCache& cache, DeviceArena& arena,
                             const LayerCallback& between_layers);

  /// Does `work`; when the device has too little memory for it, once more without the blocks that
  /// only stay there for later.
  template <typename Work>
  auto with_room(Work work) {
    try {
      return work();
    } catch (const Exception& failure) {
      ResidentBlocks& resident = loader_->resident();
      if (failure.error().code != ErrorCode::kOutOfMemory || resident.tier().n_blocks == 0) throw;
      resident.drop();
    }
    return work();
  }

  BlockLoader& loader() { return *loader_; }
  const BlockLoader& loader() const { return *loader_; }
  DeviceTrace& trace() { return trace_; }
  cuda::CudaBackend& backend() { return *backend_; }
  const DeviceWeights& weights() const { return weights_; }
  const DeviceMemory& planned_memory() const { return memory_; }
  std::int64_t n_graph_launches() const { return n_graph_launches_; }
  std::int64_t tile_rows() const { return options_.tile_rows; }
  std::string device_name() const { return backend_->device().name; }
  /// "NVIDIA H100 80GB HBM3, bf16 products, cuBLASLt"; and why steps are not graphs, if so.
  std::string describe() const;

 private:
  struct Buffers;
  struct Tile;
  struct Draw;
  struct KeptGraph;

  void check_batch(const ForwardBatch& batch, const KvCache& cache) const;
  void write_step(const Tile& tile, const ForwardBatch& batch, const KvCache& cache,
                  DeviceArena& arena);
  void upload_soft(const ForwardBatch& batch);
  std::vector<float> run_tile(const Tile& tile, const ForwardBatch& batch, const KvCache& cache,
                              DeviceArena& arena, std::int64_t most_keys,
                              const LayerCallback& between_layers);
  void enqueue_layers(const Tile& tile, const ForwardBatch* batch, DeviceArena& arena,
                      std::int64_t most_keys, const LayerCallback& between_layers);
  void project(const Tile& tile, std::int32_t layer, const ForwardBatch* batch, DeviceArena& arena);
  void attend(const Tile& tile, std::int32_t layer, DeviceArena& arena, std::int64_t most_keys);
  void feed_forward(const Tile& tile, std::int32_t layer);
  void multiply(const DeviceMaps& maps, cuda::Matrix x, cuda::Matrix y, bool accumulate);
  void correct(const Tile& tile, std::int32_t layer, DeviceLora::Group group, cuda::Matrix x,
               cuda::Matrix y);
  void enqueue_logits(const Tile& tile, std::int64_t from, std::int64_t n);
  static bool can_draw(const ForwardBatch& batch);
  void write_draw(const TokenDraw& draw);
  void enqueue_draw();
  std::vector<float> finish_draw(TokenDraw& draw);
  bool fits_graph(const ForwardBatch& batch, const DeviceArena& arena) const;
  std::vector<float> run_graph(Tile tile, const ForwardBatch& batch, const KvCache& cache,
                               DeviceArena& arena, const LayerCallback& between_layers);
  bool note_graph(KeptGraph& kept, const Tile& tile, DeviceArena& arena);
  void download_logits(std::int64_t n, std::vector<float>& out);
  cuda::Matrix rows_of(const cuda::DeviceBuffer& buffer, std::int64_t n, std::int64_t cols,
                       DType dtype) const;
  cuda::AttentionCall attention_call(const Tile& tile, std::int32_t layer, const DeviceArena& arena,
                                     std::int64_t most_keys) const;
  void reserve_for_graph(const Tile& tile, const DeviceArena& arena);

  const Model& model_;
  const ModelConfig& config_;
  std::shared_ptr<cuda::CudaBackend> backend_;
  DeviceOptions options_;
  DeviceMemory memory_;
  DeviceWeights weights_;
  std::unique_ptr<Buffers> buffers_;
  DeviceTrace trace_;
  std::unique_ptr<BlockLoader> loader_;
  std::unique_ptr<BlockCapture> capture_;
  std::unique_ptr<DeviceLora> lora_;  // null: none
  std::vector<KeptGraph> graphs_;
  std::int64_t n_graph_launches_ = 0;
  std::string why_no_graphs_;
};

}  // namespace kvlink::inference
