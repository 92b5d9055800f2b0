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
#include "inference/engine.h"
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
        context_(value_or_throw(engine_->new_context())) {}

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

  /// The blocks back from the store, last one first, and the new tokens behind them.
  double reuse(int n, const std::string& folder, bool cold) {
    if (store_ == nullptr) open(folder);
    start_again();
    store_->drop_memory();
    if (cold) store_->drop_page_cache();
    return milliseconds([&] {
      std::vector<std::vector<std::int32_t>> ids;
      for (int from = 0; from < n; from += kBlockTokens) {
        ids.insert(ids.begin(), tokens(std::min(kBlockTokens, n - from), from));
      }
      std::vector<std::shared_ptr<const KvBlock>> blocks;
      std::vector<inference::PlannedChunk> chunks;
      for (const auto& chunk : ids) {
        blocks.push_back(std::get<cache::Hit>(store_->load(key(chunk), chunk)).block);
        chunks.push_back({chunk, blocks.back().get()});
      }
      read(tokens(kNewTokens), chunks);
    });
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

  void read(const std::vector<std::int32_t>& ids, std::span<const inference::PlannedChunk> chunks) {
    inference::PlanRequest request;
    request.chunks = chunks;
    request.question = ids;
    request.max_rows = context_->capacity();
    inference::PrefillReport report;
    value_or_throw(engine_->prefill(*context_, value_or_throw(inference::plan_context(request)),
                                    chunks, Priority::kQuestion, report));
  }

  std::unique_ptr<inference::Engine> engine_;
  std::unique_ptr<inference::Context> context_;
  std::unique_ptr<cache::KvStore> store_;
};

double peak_megabytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

}  // namespace

/// our_side MODEL THREADS TASK...; tasks: prefill N, decode N (behind a prefill of N), save N
/// FOLDER, reuse N FOLDER, cold N FOLDER, memory.
int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  Side side(args.at(0), std::stoi(args.at(1)));
  for (std::size_t i = 2; i < args.size();) {
    const std::string task = args[i++];
    if (task == "memory") {
      std::printf("memory 0 %.1f\n", peak_megabytes());
      continue;
    }
    const int n = std::stoi(args.at(i++));
    double time = 0;
    if (task == "prefill") time = side.prefill(n);
    if (task == "decode") time = side.decode();
    if (task == "save") time = side.save(n, args.at(i++));
    if (task == "reuse" || task == "cold") time = side.reuse(n, args.at(i++), task == "cold");
    std::printf("%s %d %.3f\n", task.c_str(), n, time);
    std::fflush(stdout);
  }
  return 0;
}
