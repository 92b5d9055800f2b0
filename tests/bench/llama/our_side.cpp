// SPDX-License-Identifier: Apache-2.0
// Our side of tests/bench/against_llama.sh: the same tasks as llama_side.cpp. Prints
// "task milliseconds" lines.
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "cache/kv_store.h"
#include "cache/load_all.h"
#include "inference/engine.h"
#include "inference/link/adapter.h"
#include "inference/link/context_plan.h"

namespace {

using namespace kvlink;
using inference::Priority;
constexpr int kNewTokens = 40;
constexpr int kDecoded = 16;
constexpr int kBlockTokens = 200;

/// CLOCK=cpu: the processor time of the process. With one thread that is the time of a machine with
/// nothing else to do.
double now() {
  static const bool by_processor = std::getenv("CLOCK") != nullptr;
  timespec time{};
  clock_gettime(by_processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

double milliseconds(const std::function<void()>& work) {
  const double begin = now();
  work();
  return now() - begin;
}

/// As on the other side.
std::vector<std::int32_t> tokens(int n, int first = 0) {
  std::vector<std::int32_t> ids;
  for (int i = first; i < first + n; ++i) ids.push_back((i * 7919 + 13) % 30000 + 100);
  return ids;
}

class Side {
 public:
  Side(const std::string& model, int n_threads)
      : engine_(value_or_throw(inference::Engine::load(
            model, {.cpu = {.n_threads = n_threads}, .max_context = 8192}))),
        context_(value_or_throw(engine_->new_context())) {
    // ADAPTER: its link tokens stand behind the passages of `link`.
    if (const char* file = std::getenv("ADAPTER")) {
      engine_->use_adapter(value_or_throw(inference::load_adapter(
          file, engine_->model().config, value_or_throw(inference::adapter_base(file)))));
    }
  }

  double prefill(int n) {
    start_again();
    return milliseconds([&] { read(tokens(n), {}); });
  }

  /// Per token, behind the tokens of the prefill before.
  double decode() {
    return milliseconds([&] {
             for (int i = 0; i < kDecoded; ++i) {
               value_or_throw(engine_->decode(*context_, 100 + i, Priority::kQuestion));
             }
           }) /
           kDecoded;
  }

  /// n tokens as blocks of their own in a store; returns what encoding them took.
  double save(int n, const std::string& folder) {
    open(folder);
    double encoding = 0;
    for (int from = 0; from < n; from += kBlockTokens) {
      const auto ids = tokens(std::min(kBlockTokens, n - from), from);
      std::optional<KvBlock> block;
      encoding += milliseconds(
          [&] { block = value_or_throw(engine_->encode_chunk({}, ids, Priority::kIngestion)); });
      value_or_throw(store_->put(key(ids), *block, {}, std::chrono::milliseconds(1)));
    }
    return encoding;
  }

  /// n tokens as blocks of `block_tokens`, which are thrown away.
  double encode(int n, int block_tokens) {
    return milliseconds([&] {
      for (int from = 0; from < n; from += block_tokens) {
        const auto ids = tokens(std::min(block_tokens, n - from), from);
        value_or_throw(engine_->encode_chunk({}, ids, Priority::kIngestion));
      }
    });
  }

  enum class Files { kWarm, kCold };
  /// The blocks back from the store, last one first, and the new tokens behind them.
  double reuse(int n, const std::string& folder, Files files, inference::LinkMode mode) {
    if (store_ == nullptr) open(folder);
    start_again();
    store_->drop_memory();
    if (files == Files::kCold) store_->drop_page_cache();
    const double begin = now();
    return milliseconds([&] {
      std::vector<std::vector<std::int32_t>> ids;
      for (int from = 0; from < n; from += kBlockTokens) {
        ids.insert(ids.begin(), tokens(std::min(kBlockTokens, n - from), from));
      }
      std::vector<std::shared_ptr<const KvBlock>> blocks;
      std::vector<inference::PlannedChunk> chunks;
      std::vector<cache::BlockRequest> requests;
      for (const auto& chunk : ids) requests.push_back({key(chunk), chunk});
      const auto lookups =
          cache::load_all(*store_, requests, engine_->backend().n_threads(), std::stop_token());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        blocks.push_back(std::get<cache::Hit>(lookups[i]).block);
        chunks.push_back({ids[i], blocks.back().get()});
      }
      reading_ = now() - begin;
      read(tokens(kNewTokens), chunks, mode);
    });
  }

  /// Of the last reuse, by the clock: files into memory, blocks into the arena, the forward pass.
  void print_stages(int n) const {
    const auto ms = [](std::chrono::nanoseconds t) {
      return static_cast<double>(t.count()) * 1e-6;
    };
    std::printf("read %d %.3f\nrotate %d %.3f\nforward %d %.3f\n", n, reading_, n,
                ms(report_.rotate), n, ms(report_.prefill));
  }

 private:
  void start_again() {
    context_.reset();
    context_ = value_or_throw(engine_->new_context());
  }

  void open(const std::string& folder) {
    store_ = value_or_throw(cache::KvStore::open(folder, {.min_free_bytes = 0}));
  }

  cache::BlockKey key(const std::vector<std::int32_t>& ids) const {
    return cache::BlockKey::of({}, engine_->encode_recipe({}), ids);
  }

  void read(const std::vector<std::int32_t>& ids, std::span<const inference::PlannedChunk> chunks,
            inference::LinkMode mode = inference::LinkMode::kReposition) {
    inference::PlanRequest request;
    request.mode = mode;
    request.chunks = chunks;
    const inference::Adapter* adapter = engine_->adapter();
    if (mode == inference::LinkMode::kLink && adapter != nullptr) {
      request.n_link_tokens = adapter->n_link;
      request.parallel = adapter->parallel_passages;
    }
    request.question = ids;
    request.max_rows = context_->capacity();
    value_or_throw(engine_->prefill(*context_, value_or_throw(inference::plan_context(request)),
                                    chunks, Priority::kQuestion, report_));
  }

  std::unique_ptr<inference::Engine> engine_;
  std::unique_ptr<inference::Context> context_;
  std::unique_ptr<cache::KvStore> store_;
  inference::PrefillReport report_;  // of the last read
  double reading_ = 0;               // of the last reuse: blocks from files, verified
};

double peak_megabytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

}  // namespace

/// our_side MODEL THREADS TASK...; tasks: prefill N, decode N (behind a prefill of N), encode N
/// BLOCK_TOKENS, save N FOLDER, reuse N FOLDER, link N FOLDER, cold N FOLDER, memory N, and stages
/// N: what the last of reuse, link and cold consisted of.
int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  Side side(args.at(0), std::stoi(args.at(1)));
  for (std::size_t i = 2; i < args.size();) {
    const std::string task = args[i++];
    const int n = std::stoi(args.at(i++));
    double time = 0;
    if (task == "stages") {
      side.print_stages(n);
      continue;
    }
    if (task == "memory") time = peak_megabytes();
    if (task == "prefill") time = side.prefill(n);
    if (task == "decode") time = side.decode();
    if (task == "encode") time = side.encode(n, std::stoi(args.at(i++)));
    if (task == "save") time = side.save(n, args.at(i++));
    if (task == "reuse" || task == "cold" || task == "link") {
      time = side.reuse(
          n, args.at(i++), task == "cold" ? Side::Files::kCold : Side::Files::kWarm,
          task == "link" ? inference::LinkMode::kLink : inference::LinkMode::kReposition);
    }
    std::printf("%s %d %.3f\n", task.c_str(), n, time);
    std::fflush(stdout);
  }
  return 0;
}
