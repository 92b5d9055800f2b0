// SPDX-License-Identifier: Apache-2.0
// What an engine consists of, and the work on its contexts. Inside inference only.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "inference/decoder.h"
#include "inference/engine.h"
#include "inference/engine_arena.h"
#include "inference/engine_device.h"

namespace kvlink::inference {

struct Engine::State {
  State(Model m, EngineOptions o, const LayerCallback& between_layers)
      : model(std::move(m)),
        options(o),
        backend(o.cpu),
        decoder(model, backend, nullptr, between_layers),
        arenas(model.config, o.arena_dtype == DType::kF32 ? DType::kF32 : DType::kF16),
        device(model, options.gpu, max_context(), decoder) {}

  Model model;
  EngineOptions options;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatFormat> chat_format;
  kernels::CpuBackend backend;
  std::shared_ptr<const Adapter> adapter;  // null: none
  Decoder decoder;
  EngineGate gate;
  EncodeArenas arenas;  // the prefixes in them were read without an adapter
  std::shared_ptr<IdleKvMemory> idle_memory = std::make_shared<IdleKvMemory>();  // of contexts
  EngineDevice device;

  std::int64_t max_context() const {
    return options.max_context == 0 ? model.config.context_length : options.max_context;
  }

  std::span<const float> header() const {
    return adapter == nullptr ? std::span<const float>() : adapter->header;
  }
  /// Whether passages are read with the adapter: alone, behind its header, with its LoRA.
  bool adapter_reads_passages() const { return adapter != nullptr && !adapter->base_passages; }
  bool has_base_passages() const { return adapter != nullptr && adapter->base_passages; }
  std::span<const float> link() const {
    return adapter == nullptr ? std::span<const float>() : adapter->link;
  }
  View<const float> as_rows(std::span<const float> embeddings) const {
    const std::int64_t dim = model.config.model_dim;
    return {embeddings.data(), std::ssize(embeddings) / dim, dim};
  }

  /// Appends tokens to `cache` at positions that equal their rows and forwards them.
  void read(KvCache& cache, std::span<const std::int32_t> ids, std::span<const float> soft,
            KvBlock* capture, EngineGate::Turn& turn) const;

  /// A device works on one pass at a time: nobody gives way in the middle of one.
  static LayerCallback between_layers(const KvCache& cache, EngineGate::Turn& turn) {
    if (cache.device() != nullptr) return [&turn] { turn.stop_if_asked(); };
    return [&turn] { turn.give_way(); };
  }

  void load_blocks(KvCache& cache, std::int64_t first_row, const ContextPlan& plan,
                   std::span<const PlannedChunk> chunks, EngineGate::Turn& turn);

  void check_plan(const ContextPlan& plan, std::span<const PlannedChunk> chunks) const;

  void encode(EncodeArenas& from, std::span<const std::int32_t> prefix,
              std::span<const std::int32_t> ids, std::int64_t n_rows, KvBlock& block,
              EngineGate::Turn& turn) const;

  std::vector<float> prefill(Context& context, const ContextPlan& plan,
                             std::span<const PlannedChunk> chunks, EngineGate::Turn& turn,
                             PrefillReport& report);
  /// Logits after the token; none where a device has made `draw` (null: nobody should).
  std::vector<float> decode(Context& context, std::int32_t token, EngineGate::Turn& turn,
                            TokenDraw* draw = nullptr) const;
  void move_to_cpu(Context& context, EngineGate::Turn& turn);

  /// Does `work` where the context is; when that is a GPU and it fails, again on the CPU.
  template <typename Work>
  std::vector<float> on_either(Context& context, std::int64_t n_new, EngineGate::Turn& turn,
                               Work work) {
    // A context that is full is no fault of the device.
    const bool fits = n_new <= context.capacity() - context.n_rows();
    if (context.cache_.device() == nullptr || !fits) return work();
    if (device.works()) {
      try {
        return work();
      } catch (const Exception& failure) {
        if (!device.give_up(failure.error())) throw;
      }
    }
    move_to_cpu(context, turn);
    return work();
  }
};

}  // namespace kvlink::inference
