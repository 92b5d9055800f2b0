// SPDX-License-Identifier: Apache-2.0
// Loading a model: options that make no sense, and progress.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "inference/engine_state.h"
#include "kernels/kv_arena.h"

namespace kvlink::inference {
namespace {

void check_options(const EngineOptions& options, const ModelConfig& config) {
  const auto is_one_of = [](DType t, std::initializer_list<DType> allowed) {
    return std::find(allowed.begin(), allowed.end(), t) != allowed.end();
  };
  if (options.cpu.n_threads < 0) {
    fail(ErrorCode::kInvalidInput,
         "threads: " + std::to_string(options.cpu.n_threads) + " is negative; 0 chooses");
  }
  if (!kernels::is_arena_dtype(options.arena_dtype)) {
    fail(ErrorCode::kInvalidInput, std::string("KV in memory cannot be kept as ") +
                                       dtype_name(options.arena_dtype) +
                                       "; choose f16, bf16, f32 or q8");
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

}  // namespace kvlink::inference
