// SPDX-License-Identifier: Apache-2.0
// The edge of inference that app sees: a loaded generator that encodes chunks and answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "inference/device/gpu_options.h"
#include "inference/engine_gate.h"
#include "inference/kv_cache.h"
#include "inference/link/adapter.h"
#include "inference/link/context_plan.h"
#include "inference/model/model.h"
#include "inference/model/model_outline.h"
#include "inference/sampler.h"
#include "inference/tokenizer/chat_format.h"
#include "inference/tokenizer/tokenizer.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::inference {

struct EngineOptions {
  kernels::CpuOptions cpu = {};
  /// KV in the processor's memory while answering: kF16, kBF16, kQ8Kv (half the bytes), or kF32 for
  /// tests. Chunks are encoded in f16 all the same (kF32: in f32), so that their blocks do not
  /// depend on it.
  DType arena_dtype = DType::kF16;
  DType block_dtype = DType::kF16;  ///< KV of encoded chunks: kF32, kF16, kBF16 or kQ8Kv
  std::int64_t max_context = 0;     ///< tokens; 0: what the model was trained for, its upper limit
  GpuOptions gpu = {};              ///< a GPU that takes the work while it can
  std::string chat_format = {};     ///< of chat_format_names(); "": by the model's template
};

/// One conversation's context: its KV arena. Made by Engine::new_context. One user at a time.
class Context {
 public:
  std::int64_t n_rows() const { return cache_.n_rows(); }
  std::int32_t next_position() const { return next_position_; }
  std::int64_t capacity() const { return cache_.capacity(); }
  /// What a GPU did in the last prefill, or in the first decode behind it; empty on the CPU and
  /// after later decodes.
  std::span<const DeviceSpan> device_spans() const { return device_spans_; }

 private:
  friend class Engine;
  /// What was carried out on a GPU, to be repeated on the CPU should the GPU fail.
  struct Step {
    ContextPlan plan;
    std::vector<std::vector<std::int32_t>> chunk_ids;
    std::vector<std::shared_ptr<const KvBlock>> blocks;  // null: nobody keeps the block
    std::vector<std::int32_t> decoded;                   // tokens behind it
  };
  explicit Context(KvCache cache) : cache_(std::move(cache)) {}
  KvCache cache_;
  std::vector<Step> steps_;  // only while the cache is on a device
  std::vector<DeviceSpan> device_spans_;
  std::int32_t next_position_ = 0;
  bool has_passages_ = false;
};

/// What reading chunks and the question into a context took; filled stage by stage.
struct PrefillReport {
  std::int64_t n_loaded_tokens = 0;              ///< from blocks, header rows included
  std::int64_t n_prefilled_tokens = 0;           ///< forwarded, link tokens included
  std::int64_t n_document_tokens_prefilled = 0;  ///< of them, document tokens: 0 under reuse
  std::int64_t n_selection_tokens = 0;           ///< forwarded only to choose tokens (recompute)
  std::int64_t loaded_bytes = 0;                 ///< of block planes
  std::chrono::nanoseconds wait{0};              ///< for ingestion's layer to end
  std::chrono::nanoseconds rotate{0};            ///< dequantise + rotate + scatter
  std::chrono::nanoseconds select{0};            ///< choosing the tokens to compute again
  std::chrono::nanoseconds prefill{0};           ///< the forward pass
};

/// Thread-safe: calls from several threads take turns, kQuestion before kIngestion. Every call that
/// computes honours `stop` within one layer of Decoder::tile_rows() tokens and returns kCancelled.
/// What fails or is cancelled leaves its context as it was before the call.
class Engine {
 public:
  /// Errors: those of load_model and make_tokenizer; kInvalidInput for options that make no sense
  /// (a context longer than the model's, KV types that do not exist); kCorrupt when the tokenizer
  /// and the weights do not belong together; kCancelled when `watch` stopped it.
  static Result<std::unique_ptr<Engine>> load(const std::filesystem::path& model,
                                              EngineOptions options, const LoadWatch& watch = {});
  ~Engine();

  /// Links passages as this adapter says from here on; null: none. Before the first context or
  /// block, or when nobody else uses the engine; contexts made before must not be used again. The
  /// adapter must have been loaded for this engine's model.
  void use_adapter(std::shared_ptr<const Adapter> adapter);
  const Adapter* adapter() const;  ///< null: none

  const Model& model() const;
  const Tokenizer& tokenizer() const;
  const ChatFormat& chat_format() const;
  const EngineOptions& options() const;
  std::int64_t max_context() const;
  kernels::CpuBackend& backend();
  /// What computes: the GPU's name and how it multiplies, or why it is not used.
  std::string device_words() const;
  /// What happened to the GPU since the last call, for the user. Any thread.
  std::vector<std::string> take_device_notices();
  /// Blocks kept on the GPU; nothing while no GPU is in use. Any thread.
  std::optional<DeviceTier> device_tier() const;
  /// Bytes of blocks that the GPU may keep from here on; what is too much leaves. Waits for its
  /// turn. Any thread.
  void set_device_budget(std::int64_t bytes);
  /// Ids of these blocks (PlannedChunk::id), the last used first. Any thread.
  std::vector<Digest> device_blocks() const;

  /// Everything that decides a chunk's KV besides its tokens and the model: the prefix, or, of an
  /// adapter without base_passages, header and LoRA. Part of every block's key.
  Digest encode_recipe(std::span<const std::int32_t> prefix) const;
  /// Position at which a chunk's first row is encoded: behind the prefix, or 0 where an adapter
  /// reads passages.
  std::int32_t encode_position(std::span<const std::int32_t> prefix) const;

  /// KV of one chunk in options().block_dtype, computed behind `prefix`, whose own KV is dropped
  /// (it is read once and kept for the next chunk behind the same prefix). With an adapter that
  /// does not have base_passages a chunk sees only itself and the adapter's header, as it was
  /// trained: the block begins with the header's rows, whose token id is -1. kInvalidInput for an
  /// empty chunk, kOutOfMemory for one that exceeds max_context() with what stands before it.
  Result<KvBlock> encode_chunk(std::span<const std::int32_t> prefix,
                               std::span<const std::int32_t> chunk, Priority priority,
                               std::stop_token stop = {});

  /// A fresh, empty context of max_context() rows.
  Result<std::unique_ptr<Context>> new_context();

  /// Carries out a plan: appends rows, loads blocks, forwards the batch; logits of the last token.
  /// `chunks` are those of the plan's request. kInvalidInput for blocks of another geometry;
  /// kUnsupported for a plan with soft tokens that the adapter does not have.
  Result<std::vector<float>> prefill(Context& context, const ContextPlan& plan,
                                     std::span<const PlannedChunk> chunks, Priority priority,
                                     PrefillReport& report, std::stop_token stop = {});

  /// Appends one token and returns the logits after it. kOutOfMemory when the context is full.
  Result<std::vector<float>> decode(Context& context, std::int32_t token, Priority priority,
                                    std::stop_token stop = {});

  /// Appends one token and chooses the one behind it as sampler.next() would from its logits and
  /// `answer`, the tokens produced so far. A GPU chooses where the logits are, so that none come
  /// back. Errors of decode(), and kCorrupt as Sampler::next, after which the token stays appended.
  Result<std::int32_t> next_token(Context& context, std::int32_t token, Sampler& sampler,
                                  std::span<const std::int32_t> answer, Priority priority,
                                  std::stop_token stop = {});

  /// Keeps ingestion waiting while it lives: held from a question's first call to the last token of
  /// its answer, so that no layer of ingestion comes between two tokens. Whoever holds it must not
  /// wait for ingestion. Must not outlive the engine.
  EngineGate::Hold hold_for_question();

  /// Waits while a question waits or is under way: for what ingestion does beside computing. Throws
  /// kCancelled on a requested stop.
  void wait_for_questions(const std::stop_token& stop);

  /// Lets questions go first; see EngineGate::Turn.
  using GiveWay = std::function<void()>;
  using BackendWork = std::function<void(kernels::CpuBackend&, const GiveWay&)>;
  /// Runs `work` with the backend in hand, taking turns like every other call (for the embedder).
  /// `work` calls its second argument between layers. What `work` throws passes through, and
  /// kCancelled when `stop` is requested before its turn comes or between two layers.
  void with_backend(Priority priority, const BackendWork& work, std::stop_token stop = {});

 private:
  Engine();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kvlink::inference
