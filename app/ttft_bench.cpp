// SPDX-License-Identifier: Apache-2.0
#include "app/ttft_bench.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "app/adapter_choice.h"
#include "app/bench_text.h"
#include "app/context_reader.h"
#include "app/generation.h"
#include "app/model_files.h"
#include "app/scratch_folder.h"

namespace kvlink::app {
namespace {

using inference::LinkMode;
constexpr std::int64_t kPassageTokens = 200;
constexpr const char* kQuestion = "Which instrument measured the level, and who signed the entry?";

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double milliseconds(std::chrono::nanoseconds t) {
  return std::chrono::duration<double, std::milli>(t).count();
}

class TtftBench {
 public:
  TtftBench(const Paths& paths, const Settings& settings, const TtftBenchOptions& options,
            const BenchProgress& progress, std::stop_token stop)
      : options_(options),
        progress_(progress),
        stop_(std::move(stop)),
        folder_(paths.data, "bench") {
    inference::EngineOptions engine_options;
    engine_options.cpu.n_threads = settings.threads;
    engine_options.block_dtype = settings.block_dtype;
    engine_options.arena_dtype = settings.kv_type;
    engine_options.max_context = settings.max_context;
    engine_ = value_or_throw(inference::Engine::load(
        value_or_throw(resolve_model(paths.models, ModelRole::kGenerator, settings.generator)),
        engine_options));
    cache::Options store_options;
    store_options.memory_budget_bytes = 0;  // every load comes from a file
    store_options.disk_budget_bytes = settings.disk_budget_bytes;
    store_ = value_or_throw(cache::KvStore::open(folder_.path(), store_options));
    use_adapter(paths, settings);
    encoding_.take(*engine_, engine_->chat_format().prefix(settings.system_prompt));
    encoding_.model = sha256("bench");  // the store lives as long as this run
    question_ = engine_->chat_format().question(kQuestion);
    method_ = settings.recompute;
    share_ = settings.recompute_share;
  }

  std::vector<TtftRow> run() {
    for (const auto n : options_.tokens) encode_passages(n);
    run_once(options_.tokens.front(), options_.modes.front());  // pages in weights and code
    for (const bool cold : {false, true}) {
      for (std::int32_t i = 0; i < options_.repeat; ++i) measure_all(cold, i);
    }
    return std::move(rows_);
  }

 private:
  struct Sample {
    std::vector<double> ttft_ms;
    std::vector<double> prefill_tok_s;
  };

  void use_adapter(const Paths& paths, const Settings& settings) {
    auto choice = find_adapter(settings.adapter, engine_->model(), paths.adapters,
                               [this] { return hash_of_weights(engine_->model().path); });
    engine_->use_adapter(choice.adapter);
    for (const ReadingMode& mode : options_.modes) {
      const bool needs_links = mode.mode == LinkMode::kLink || (mode.recompute && mode.links);
      if (!needs_links || (choice.adapter != nullptr && choice.adapter->n_link > 0)) continue;
      fail(ErrorCode::kUnsupported, "Mode " + reading_mode_name(mode) +
                                        " needs an adapter with link tokens. " + choice.reason +
                                        ".");
    }
  }

  /// Passages of kPassageTokens tokens, the last one shorter, so that they add up to n exactly.
  void encode_passages(std::int64_t n) {
    check_room(n);
    auto& passages = passages_[n];
    const auto text_tokens = engine_->tokenizer().encode(bench_text(n));
    for (std::int64_t at = 0; at < n; at += kPassageTokens) {
      const auto length = std::min(kPassageTokens, n - at);
      Passage passage;
      passage.token_ids.assign(text_tokens.begin() + at, text_tokens.begin() + at + length);
      passage.content = cache::BlockKey::of({}, {}, passage.token_ids).tokens;
      passages.push_back(std::move(passage));
      encode(passages.back(), n);
    }
  }

  void check_room(std::int64_t n) const {
    const std::int64_t n_passages = (n + kPassageTokens - 1) / kPassageTokens;
    const auto needed = n + n_passages * encoding_.extra_rows() +
                        static_cast<std::int64_t>(encoding_.prefix.size() + question_.size());
    if (needed < engine_->max_context()) return;
    fail(ErrorCode::kInvalidInput,
         std::to_string(n) + " tokens with prefix and question need " + std::to_string(needed + 1) +
             ", and the model's context is " + std::to_string(engine_->max_context()) + ".");
  }

  void encode(const Passage& passage, std::int64_t n) {
    const auto key = encoding_.key(passage.token_ids);
    if (store_->contains(key)) return;  // the shorter contexts are beginnings of the longer ones
    progress_("encoding passages for " + std::to_string(n) + " tokens");
    const auto block = value_or_throw(engine_->encode_chunk(encoding_.prefix, passage.token_ids,
                                                            inference::Priority::kQuestion, stop_));
    value_or_throw(store_->put(key, block, passage.content, std::chrono::milliseconds(1)));
  }

  void measure_all(bool cold, std::int32_t repetition) {
    for (const auto n : options_.tokens) {
      for (const auto mode : options_.modes) {
        const std::string name = reading_mode_name(mode);
        progress_(std::string(cold ? "cold" : "warm") + " page cache, run " +
                  std::to_string(repetition + 1) + " of " + std::to_string(options_.repeat) + ": " +
                  name + ", " + std::to_string(n) + " tokens");
        if (cold) store_->drop_page_cache();
        const auto [ttft, rate] = run_once(n, mode);
        keep({name, cold ? "cold" : "warm", n}, ttft, rate);
      }
    }
  }

  void keep(TtftRow row, double ttft_ms, double prefill_tok_s) {
    auto& sample = samples_[row.page_cache + " " + row.mode + " " + std::to_string(row.tokens)];
    sample.ttft_ms.push_back(ttft_ms);
    sample.prefill_tok_s.push_back(prefill_tok_s);
    if (static_cast<std::int32_t>(sample.ttft_ms.size()) < options_.repeat) return;
    row.ttft_ms = median(sample.ttft_ms);
    row.prefill_tok_s = median(sample.prefill_tok_s);
    rows_.push_back(std::move(row));
  }

  std::pair<double, double> run_once(std::int64_t n, const ReadingMode& mode) {
    const auto context = value_or_throw(engine_->new_context());
    Timeline timeline;
    ContextReader reader(*engine_, *store_, encoding_, nullptr);
    auto read = reader.read(*context,
                            {.mode = mode,
                             .passages = passages_.at(n),
                             .lead = encoding_.prefix,
                             .question = question_,
                             .recompute = method_,
                             .recompute_share = share_},
                            timeline, stop_);
    generate(*engine_, *context, std::move(read.logits), {.max_tokens = 1, .sampler = {}}, {},
             timeline, stop_);
    if (!read.report.misses.empty()) {
      fail(ErrorCode::kIo, "A block was not served: " + read.report.misses.front().detail);
    }
    const double prefill_s = milliseconds(timeline.total(Stage::kPrefill)) / 1000;
    return {milliseconds(*timeline.ttft()),
            static_cast<double>(read.report.n_prefilled_tokens) / prefill_s};
  }

  const TtftBenchOptions& options_;
  const BenchProgress& progress_;
  std::stop_token stop_;
  ScratchFolder folder_;
  std::unique_ptr<inference::Engine> engine_;
  std::unique_ptr<cache::KvStore> store_;
  ChunkEncoding encoding_;
  std::vector<std::int32_t> question_;
  inference::RecomputeMethod method_ = inference::RecomputeMethod::kFirstK;
  double share_ = 0;
  std::map<std::int64_t, std::vector<Passage>> passages_;
  std::map<std::string, Sample> samples_;
  std::vector<TtftRow> rows_;
};

}  // namespace

Result<std::vector<TtftRow>> run_ttft_bench(const Paths& paths, const Settings& settings,
                                            const TtftBenchOptions& options,
                                            const BenchProgress& progress, std::stop_token stop) {
  return returning([&] {
    if (options.tokens.empty() || options.modes.empty() || options.repeat < 1) {
      fail(ErrorCode::kInvalidInput, "Nothing to measure: name token counts and modes.");
    }
    value_or_throw(ensure_data_folder(paths));
    return TtftBench(paths, settings, options, progress, std::move(stop)).run();
  });
}

}  // namespace kvlink::app
