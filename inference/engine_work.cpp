// SPDX-License-Identifier: Apache-2.0
// The work on contexts: reading, carrying out plans, decoding, and all of it again on the CPU.
#include <algorithm>
#include <numeric>
#include <string>

#include "inference/engine_state.h"
#include "inference/link/recompute.h"
#include "kernels/kv.h"

namespace kvlink::inference {
namespace {

using Clock = std::chrono::steady_clock;

void check_block(const KvBlock& block, const ContextPlan::Load& load, const ModelConfig& config) {
  const KvLayout& layout = block.layout();
  if (layout.n_layers != config.n_layers || layout.n_kv_heads != config.n_kv_heads ||
      layout.head_dim != config.head_dim ||
      block.n_tokens() != static_cast<std::int64_t>(load.positions.size())) {
    fail(ErrorCode::kInvalidInput,
         "a KV block does not fit: it was made by another model or for another plan");
  }
}

std::int64_t plane_bytes(const KvBlock& block) {
  const KvLayout& layout = block.layout();
  return layout.n_layers * (layout.plane_bytes(Plane::kKeys, block.n_tokens()) +
                            layout.plane_bytes(Plane::kValues, block.n_tokens()));
}

/// Takes a cache back to the rows it had, unless the work on it was completed.
class RowsGuard {
 public:
  explicit RowsGuard(KvCache& cache) : cache_(cache), n_rows_(cache.n_rows()) {}
  RowsGuard(const RowsGuard&) = delete;
  RowsGuard& operator=(const RowsGuard&) = delete;
  ~RowsGuard() {
    if (!completed_) cache_.truncate(n_rows_);
  }
  void complete() { completed_ = true; }

 private:
  KvCache& cache_;
  std::int64_t n_rows_;
  bool completed_ = false;
};

/// Times what a device does, and stops timing it when the work breaks off.
class TracedWork {
 public:
  /// null: there is no device, or nothing to time.
  explicit TracedWork(DeviceKv* device) : device_(device) {
    if (device_ != nullptr) device_->begin_trace();
  }
  TracedWork(const TracedWork&) = delete;
  TracedWork& operator=(const TracedWork&) = delete;
  ~TracedWork() {
    if (device_ != nullptr) device_->drop_trace();
  }
  std::vector<DeviceSpan> finish() {
    return device_ == nullptr ? std::vector<DeviceSpan>() : device_->end_trace();
  }

 private:
  DeviceKv* device_;
};

std::vector<std::int32_t> ascending(std::int64_t first, std::size_t n) {
  std::vector<std::int32_t> values(n);
  std::iota(values.begin(), values.end(), static_cast<std::int32_t>(first));
  return values;
}

}  // namespace

void Engine::State::read(KvCache& cache, std::span<const std::int32_t> ids,
                         std::span<const float> soft, KvBlock* capture,
                         EngineGate::Turn& turn) const {
  const auto rows = ascending(cache.n_rows(), ids.size());
  cache.append_rows(rows);
  const std::vector<std::uint8_t> base_rows(has_base_passages() ? ids.size() : 0, 1);
  ForwardBatch batch;
  batch.base_rows = base_rows;
  batch.token_ids = ids;
  batch.embeddings = as_rows(soft);
  batch.rows = rows;
  batch.capture = capture;
  decoder.forward(batch, cache, between_layers(cache, turn));
}

void Engine::State::load_blocks(KvCache& cache, std::int64_t first_row, const ContextPlan& plan,
                                std::span<const PlannedChunk> chunks, EngineGate::Turn& turn) {
  if (cache.device() != nullptr) {
    std::vector<KvLoad> loads;
    for (const ContextPlan::Load& load : plan.loads) {
      const PlannedChunk& chunk = chunks[load.chunk];
      loads.push_back({chunk.block, chunk.owner, first_row + load.first_row,
                       std::span(load.positions), chunk.id});
    }
    cache.device()->load(loads, cache, between_layers(cache, turn));
    return;
  }
  std::vector<KvArenaView> arenas;
  for (std::int32_t layer = 0; layer < model.config.n_layers; ++layer) {
    arenas.push_back(cache.layer(layer));
  }
  for (const ContextPlan::Load& load : plan.loads) {
    turn.give_way();
    kernels::kv_load(backend, *chunks[load.chunk].block, 0, model.config.rope, load.positions,
                     first_row + load.first_row, arenas);
  }
}

void Engine::State::check_plan(const ContextPlan& plan,
                               std::span<const PlannedChunk> chunks) const {
  const auto& ids = plan.forward.token_ids;
  KVLINK_CHECK(!ids.empty());
  const auto n_soft = std::count(ids.begin(), ids.end(), -1);
  const std::int64_t n_link = as_rows(link()).rows;
  if (n_soft > 0 && (n_link == 0 || n_soft % n_link != 0)) {
    fail(ErrorCode::kUnsupported,
         "the plan has " + std::to_string(n_soft) + " link tokens, and the adapter supplies " +
             std::to_string(n_link) + " for a passage; use mode reposition");
  }
  for (const ContextPlan::Load& load : plan.loads) {
    KVLINK_CHECK(load.chunk < chunks.size() && chunks[load.chunk].block != nullptr);
    check_block(*chunks[load.chunk].block, load, model.config);
  }
}

void Engine::State::encode(EncodeArenas& from, std::span<const std::int32_t> prefix,
                           std::span<const std::int32_t> ids, std::int64_t n_rows, KvBlock& block,
                           EngineGate::Turn& turn) const {
  ArenaLoan arena(from, prefix, n_rows);
  if (arena->prefix.empty() && !prefix.empty()) {
    read(arena->cache, prefix, {}, nullptr, turn);
    arena->prefix.assign(prefix.begin(), prefix.end());
  }
  read(arena->cache, ids, header(), &block, turn);
}

std::vector<float> Engine::State::prefill(Context& context, const ContextPlan& plan,
                                          std::span<const PlannedChunk> chunks,
                                          EngineGate::Turn& turn, PrefillReport& report) {
  report = {};
  const auto begin = Clock::now();
  RowsGuard guard(context.cache_);
  context.device_spans_.clear();
  TracedWork traced(context.cache_.device());
  const std::int64_t first_row = context.cache_.append_rows(plan.row_positions);
  load_blocks(context.cache_, first_row, plan, chunks, turn);
  const auto loaded = Clock::now();
  const LayerCallback callback = between_layers(context.cache_, turn);
  PlanRun run(decoder, context.cache_, first_row, plan, chunks, link(), has_base_passages(),
              callback);
  ContextPlan::Forward forward = run.choose();
  const auto chosen = Clock::now();
  const bool has_passages = context.has_passages_ || plan.n_document_tokens > 0;
  // An adapter that is for reading passages has no say where there are none.
  if (!has_passages) std::fill(forward.before.begin(), forward.before.end(), 1);
  std::vector<float> logits = run.logits_of(forward);
  context.device_spans_ = traced.finish();
  guard.complete();
  context.next_position_ = plan.next_position;
  context.has_passages_ = has_passages;

  report.rotate = loaded - begin;
  report.select = chosen - loaded;
  report.prefill = Clock::now() - chosen;
  for (const ContextPlan::Load& load : plan.loads) {
    report.n_loaded_tokens += static_cast<std::int64_t>(load.positions.size());
    report.loaded_bytes += plane_bytes(*chunks[load.chunk].block);
  }
  report.n_prefilled_tokens = std::ssize(forward.token_ids);
  report.n_document_tokens_prefilled = run.n_document_tokens();
  report.n_selection_tokens = run.n_selection_tokens();
  if (context.cache_.device() != nullptr) {
    Context::Step& step = context.steps_.emplace_back();
    step.plan = plan;
    for (const PlannedChunk& chunk : chunks) {
      step.chunk_ids.emplace_back(chunk.token_ids.begin(), chunk.token_ids.end());
      step.blocks.push_back(chunk.owner);
    }
  }
  return logits;
}

/// Repeats on the CPU what the context holds; the context then lies there.
void Engine::State::move_to_cpu(Context& context, EngineGate::Turn& turn) {
  Context moved(KvCache(model.config, context.capacity(), options.arena_dtype, idle_memory));
  for (const Context::Step& step : context.steps_) {
    std::vector<PlannedChunk> chunks;
    for (std::size_t i = 0; i < step.chunk_ids.size(); ++i) {
      chunks.push_back({step.chunk_ids[i], step.blocks[i].get(), step.blocks[i]});
    }
    for (const ContextPlan::Load& load : step.plan.loads) {
      if (chunks[load.chunk].block != nullptr) continue;
      fail(ErrorCode::kDevice,
           "the GPU failed, and the passages of this conversation are not in memory any more; ask "
           "the question again");
    }
    PrefillReport ignored;
    if (!step.plan.row_positions.empty()) prefill(moved, step.plan, chunks, turn, ignored);
    for (const std::int32_t token : step.decoded) decode(moved, token, turn);
  }
  context = std::move(moved);
}

std::vector<float> Engine::State::decode(Context& context, std::int32_t token,
                                         EngineGate::Turn& turn, TokenDraw* draw) const {
  RowsGuard guard(context.cache_);
  const std::int32_t position = context.next_position_;
  const auto row = static_cast<std::int32_t>(context.cache_.append_rows(std::span(&position, 1)));
  constexpr std::int32_t kOnly = 0;
  ForwardBatch batch;
  batch.token_ids = std::span(&token, 1);
  batch.rows = std::span(&row, 1);
  batch.logit_rows = std::span(&kOnly, 1);
  const std::uint8_t base_row = 1;
  if (has_base_passages() && !context.has_passages_) batch.base_rows = std::span(&base_row, 1);
  DeviceKv* const on_device = context.cache_.device();
  const bool is_first =
      on_device != nullptr && !context.steps_.empty() && context.steps_.back().decoded.empty();
  batch.draw = draw;
  context.device_spans_.clear();
  TracedWork traced(is_first ? on_device : nullptr);
  std::vector<float> logits =
      decoder.forward(batch, context.cache_, between_layers(context.cache_, turn));
  context.device_spans_ = traced.finish();
  guard.complete();
  context.next_position_ = position + 1;
  if (on_device != nullptr) {
    if (context.steps_.empty()) context.steps_.emplace_back();  // tokens with nothing before them
    context.steps_.back().decoded.push_back(token);
  }
  return logits;
}

}  // namespace kvlink::inference
