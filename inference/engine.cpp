// SPDX-License-Identifier: Apache-2.0
#include "inference/engine.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "inference/decoder.h"
#include "inference/engine_arena.h"
#include "inference/engine_device.h"
#include "inference/link/recompute.h"
#include "kernels/kv.h"

namespace kvlink::inference {
namespace {

using Clock = std::chrono::steady_clock;

void check_options(const EngineOptions& options, const ModelConfig& config) {
  const auto is_one_of = [](DType t, std::initializer_list<DType> allowed) {
    return std::find(allowed.begin(), allowed.end(), t) != allowed.end();
  };
  if (options.cpu.n_threads < 0) {
    fail(ErrorCode::kInvalidInput,
         "threads: " + std::to_string(options.cpu.n_threads) + " is negative; 0 chooses");
  }
  if (!is_one_of(options.arena_dtype, {DType::kF32, DType::kF16})) {
    fail(ErrorCode::kInvalidInput, std::string("KV in memory cannot be kept as ") +
                                       dtype_name(options.arena_dtype) + "; choose f16 or f32");
  }
  if (!is_one_of(options.block_dtype, {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv})) {
    fail(ErrorCode::kInvalidInput, std::string("KV blocks cannot be kept as ") +
                                       dtype_name(options.block_dtype) +
                                       "; choose f16, bf16, f32 or q8");
  }
  if (options.max_context < 0 || options.max_context > config.context_length) {
    fail(ErrorCode::kInvalidInput, "a context of " + std::to_string(options.max_context) +
                                       " tokens was asked for, and the model was trained for " +
                                       std::to_string(config.context_length) +
                                       "; choose at most that, or 0 for all of it");
  }
}

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

std::vector<std::int32_t> ascending(std::int64_t first, std::size_t n) {
  std::vector<std::int32_t> values(n);
  std::iota(values.begin(), values.end(), static_cast<std::int32_t>(first));
  return values;
}

/// The two things that loading does with all weights, as one progress: their numbers are checked,
/// then each layer is packed, which takes longer.
class LoadSteps {
 public:
  explicit LoadSteps(const LoadWatch& watch) : watch_(watch) {}

  LoadWatch checking() {
    return {.progress =
                [this](std::int64_t done, std::int64_t total) {
                  n_bytes_ = total;
                  tell(done / kCheckingShare);
                },
            .stop = watch_.stop};
  }
  LayerCallback packing(std::int32_t n_layers) {
    return [this, n_layers, layer = std::int64_t{0}]() mutable {
      if (watch_.stop.stop_requested()) fail(ErrorCode::kCancelled, "loading was stopped");
      const std::int64_t checked = n_bytes_ / kCheckingShare;
      tell(checked + (n_bytes_ - checked) / n_layers * layer++);
    };
  }
  void end() const { tell(n_bytes_); }

 private:
  static constexpr std::int64_t kCheckingShare = 4;
  void tell(std::int64_t done) const {
    if (watch_.progress) watch_.progress(done, n_bytes_);
  }

  const LoadWatch& watch_;
  std::int64_t n_bytes_ = 0;
};

}  // namespace

struct Engine::State {
  State(Model m, EngineOptions o, const LayerCallback& between_layers)
      : model(std::move(m)),
        options(o),
        backend(o.cpu),
        decoder(model, backend, nullptr, between_layers),
        arenas(model.config, o.arena_dtype),
        device(model, options.gpu, max_context()) {}

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
            KvBlock* capture, EngineGate::Turn& turn) const {
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

  /// A device works on one pass at a time: nobody gives way in the middle of one.
  static LayerCallback between_layers(const KvCache& cache, EngineGate::Turn& turn) {
    if (cache.device() != nullptr) return [&turn] { turn.stop_if_asked(); };
    return [&turn] { turn.give_way(); };
  }

  void load_blocks(KvCache& cache, std::int64_t first_row, const ContextPlan& plan,
                   std::span<const PlannedChunk> chunks, EngineGate::Turn& turn) {
    if (cache.device() != nullptr) {
      std::vector<KvLoad> loads;
      for (const ContextPlan::Load& load : plan.loads) {
        const PlannedChunk& chunk = chunks[load.chunk];
        loads.push_back(
            {chunk.block, chunk.owner, first_row + load.first_row, std::span(load.positions)});
      }
      cache.device()->load(loads, cache, between_layers(cache, turn));
      return;
    }
    for (std::int32_t layer = 0; layer < model.config.n_layers; ++layer) {
      turn.give_way();
      for (const ContextPlan::Load& load : plan.loads) {
        kernels::kv_load(backend, *chunks[load.chunk].block, layer, model.config.rope,
                         load.positions, first_row + load.first_row, cache.layer(layer));
      }
    }
  }

  void check_plan(const ContextPlan& plan, std::span<const PlannedChunk> chunks) const {
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

  void encode(EncodeArenas& from, std::span<const std::int32_t> prefix,
              std::span<const std::int32_t> ids, std::int64_t n_rows, KvBlock& block,
              EngineGate::Turn& turn) const {
    ArenaLoan arena(from, prefix, n_rows);
    if (arena->prefix.empty() && !prefix.empty()) {
      read(arena->cache, prefix, {}, nullptr, turn);
      arena->prefix.assign(prefix.begin(), prefix.end());
    }
    read(arena->cache, ids, header(), &block, turn);
  }

  std::vector<float> prefill(Context& context, const ContextPlan& plan,
                             std::span<const PlannedChunk> chunks, EngineGate::Turn& turn,
                             PrefillReport& report);
  std::vector<float> decode(Context& context, std::int32_t token, EngineGate::Turn& turn) const;
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

std::vector<float> Engine::State::prefill(Context& context, const ContextPlan& plan,
                                          std::span<const PlannedChunk> chunks,
                                          EngineGate::Turn& turn, PrefillReport& report) {
  report = {};
  const auto begin = Clock::now();
  RowsGuard guard(context.cache_);
  const std::int64_t first_row = context.cache_.append_rows(plan.row_positions, plan.row_biases);
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
    prefill(moved, step.plan, chunks, turn, ignored);
    for (const std::int32_t token : step.decoded) decode(moved, token, turn);
  }
  context = std::move(moved);
}

std::vector<float> Engine::State::decode(Context& context, std::int32_t token,
                                         EngineGate::Turn& turn) const {
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
  std::vector<float> logits =
      decoder.forward(batch, context.cache_, between_layers(context.cache_, turn));
  guard.complete();
  context.next_position_ = position + 1;
  if (!context.steps_.empty()) context.steps_.back().decoded.push_back(token);
  return logits;
}

Engine::Engine() = default;
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::load(const std::filesystem::path& model,
                                             EngineOptions options, const LoadWatch& watch) {
  return returning([&] {
    LoadSteps steps(watch);
    Model loaded = value_or_throw(load_model(model, steps.checking()));
    check_options(options, loaded.config);
    std::unique_ptr<Engine> engine(new Engine());
    const std::int32_t n_layers = loaded.config.n_layers;
    engine->state_ = std::make_unique<State>(std::move(loaded), options, steps.packing(n_layers));
    steps.end();
    State& s = *engine->state_;
    s.tokenizer = value_or_throw(make_tokenizer(s.model.tokenizer));
    if (s.tokenizer->vocab_size() > s.model.config.vocab_size) {
      fail(ErrorCode::kCorrupt,
           model.string() + ": the tokenizer has " + std::to_string(s.tokenizer->vocab_size()) +
               " tokens and the embedding matrix " + std::to_string(s.model.config.vocab_size) +
               " rows; the file was put together wrongly, get it again");
    }
    s.chat_format = make_chat_format(s.model.tokenizer, *s.tokenizer, s.options.chat_format);
    return engine;
  });
}

void Engine::use_adapter(std::shared_ptr<const Adapter> adapter) {
  const EngineGate::Turn turn(state_->gate, Priority::kQuestion, {});
  state_->adapter = std::move(adapter);
  const LoraWeights* lora = state_->adapter == nullptr ? nullptr : &state_->adapter->lora;
  state_->decoder.use_lora(lora);
  state_->device.use_lora(lora);
}

const Adapter* Engine::adapter() const { return state_->adapter.get(); }
const Model& Engine::model() const { return state_->model; }
const Tokenizer& Engine::tokenizer() const { return *state_->tokenizer; }
const ChatFormat& Engine::chat_format() const { return *state_->chat_format; }
const EngineOptions& Engine::options() const { return state_->options; }
std::int64_t Engine::max_context() const { return state_->max_context(); }
kernels::CpuBackend& Engine::backend() { return state_->backend; }

Digest Engine::encode_recipe(std::span<const std::int32_t> prefix) const {
  if (state_->adapter_reads_passages()) {
    return Sha256().field("adapter").field(adapter()->encode_digest.hex()).finish();
  }
  std::string ids;
  for (const std::int32_t id : prefix) {
    const auto bits = static_cast<std::uint32_t>(id);
    for (int shift = 0; shift < 32; shift += 8) ids.push_back(static_cast<char>(bits >> shift));
  }
  // Blocks start right behind the prefix, so its ids also say at which position.
  return Sha256().field("prefix").field(ids).finish();
}

std::int32_t Engine::encode_position(std::span<const std::int32_t> prefix) const {
  return state_->adapter_reads_passages() ? 0 : static_cast<std::int32_t>(prefix.size());
}

Result<KvBlock> Engine::encode_chunk(std::span<const std::int32_t> prefix,
                                     std::span<const std::int32_t> chunk, Priority priority,
                                     std::stop_token stop) {
  return returning([&] {
    State& s = *state_;
    if (chunk.empty()) fail(ErrorCode::kInvalidInput, "a chunk without tokens has no KV");
    if (s.adapter_reads_passages()) prefix = {};
    std::vector<std::int32_t> ids(static_cast<std::size_t>(s.as_rows(s.header()).rows), -1);
    ids.insert(ids.end(), chunk.begin(), chunk.end());
    const std::int64_t n_rows = std::ssize(prefix) + std::ssize(ids);
    if (n_rows > max_context()) {
      fail(ErrorCode::kOutOfMemory,
           "a chunk of " + std::to_string(chunk.size()) + " tokens behind a prefix of " +
               std::to_string(n_rows - std::ssize(chunk)) + " exceeds the context of " +
               std::to_string(max_context()) + " tokens; use smaller chunks");
    }
    const ModelConfig& config = s.model.config;
    KvBlock block({.n_layers = config.n_layers,
                   .n_kv_heads = config.n_kv_heads,
                   .head_dim = config.head_dim,
                   .dtype = s.options.block_dtype},
                  ids);
    EngineGate::Turn turn(s.gate, priority, std::move(stop));
    if (s.device.works()) {
      try {
        s.encode(s.device.arenas(), prefix, ids, n_rows, block, turn);
        return block;
      } catch (const Exception& failure) {
        if (!s.device.give_up(failure.error())) throw;
      }
    }
    s.encode(s.arenas, prefix, ids, n_rows, block, turn);
    return block;
  });
}

Result<std::unique_ptr<Context>> Engine::new_context() {
  return returning([&] {
    State& s = *state_;
    // Device memory is taken in turn like everything else there.
    if (s.device.works()) {
      const EngineGate::Turn turn(s.gate, Priority::kQuestion, {});
      try {
        return std::unique_ptr<Context>(new Context(s.device.new_cache(max_context())));
      } catch (const Exception& failure) {
        if (!s.device.give_up(failure.error())) throw;
      }
    }
    return std::unique_ptr<Context>(
        new Context(KvCache(s.model.config, max_context(), s.options.arena_dtype, s.idle_memory)));
  });
}

Result<std::vector<float>> Engine::prefill(Context& context, const ContextPlan& plan,
                                           std::span<const PlannedChunk> chunks, Priority priority,
                                           PrefillReport& report, std::stop_token stop) {
  return returning([&] {
    State& s = *state_;
    s.check_plan(plan, chunks);
    report = {};
    const auto asked = Clock::now();
    EngineGate::Turn turn(s.gate, priority, std::move(stop));
    const auto begin = Clock::now();
    auto logits = s.on_either(context, std::ssize(plan.row_positions), turn,
                              [&] { return s.prefill(context, plan, chunks, turn, report); });
    report.wait = begin - asked;
    return logits;
  });
}

Result<std::vector<float>> Engine::decode(Context& context, std::int32_t token, Priority priority,
                                          std::stop_token stop) {
  return returning([&] {
    State& s = *state_;
    EngineGate::Turn turn(s.gate, priority, std::move(stop));
    return s.on_either(context, 1, turn, [&] { return s.decode(context, token, turn); });
  });
}

std::string Engine::device_words() const { return state_->device.words(); }
std::vector<std::string> Engine::take_device_notices() { return state_->device.take_notices(); }

EngineGate::Hold Engine::hold_for_question() { return EngineGate::Hold(state_->gate); }

void Engine::wait_for_questions(const std::stop_token& stop) {
  state_->gate.wait_for_questions(stop);
}

void Engine::with_backend(Priority priority, const BackendWork& work, std::stop_token stop) {
  EngineGate::Turn turn(state_->gate, priority, std::move(stop));
  work(state_->backend, [&turn] { turn.give_way(); });
}

}  // namespace kvlink::inference
