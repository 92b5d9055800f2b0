// SPDX-License-Identifier: Apache-2.0
#include "inference/engine.h"

#include <string>
#include <utility>

#include "inference/engine_state.h"

namespace kvlink::inference {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Engine::Engine() = default;
Engine::~Engine() = default;

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

Result<std::int32_t> Engine::next_token(Context& context, std::int32_t token, Sampler& sampler,
                                        std::span<const std::int32_t> answer, Priority priority,
                                        std::stop_token stop) {
  return returning([&] {
    State& s = *state_;
    TokenDraw draw = sampler.plan(answer);
    std::vector<float> logits;
    {
      EngineGate::Turn turn(s.gate, priority, std::move(stop));
      logits = s.on_either(context, 1, turn, [&] { return s.decode(context, token, turn, &draw); });
    }
    if (!logits.empty()) return sampler.next(logits, answer);
    sampler.advance();
    return draw.token;
  });
}

std::string Engine::device_words() const { return state_->device.words(); }
std::vector<std::string> Engine::take_device_notices() { return state_->device.take_notices(); }
std::optional<DeviceTier> Engine::device_tier() const { return state_->device.tier(); }
void Engine::set_device_budget(std::int64_t bytes) {
  if (!state_->device.works()) return;
  const EngineGate::Turn turn(state_->gate, Priority::kQuestion, {});
  state_->device.set_budget(bytes);
}
std::vector<Digest> Engine::device_blocks() const { return state_->device.block_ids(); }

EngineGate::Hold Engine::hold_for_question() { return EngineGate::Hold(state_->gate); }

void Engine::wait_for_questions(const std::stop_token& stop) {
  state_->gate.wait_for_questions(stop);
}

void Engine::with_backend(Priority priority, const BackendWork& work, std::stop_token stop) {
  EngineGate::Turn turn(state_->gate, priority, std::move(stop));
  work(state_->backend, [&turn] { turn.give_way(); });
}

}  // namespace kvlink::inference
