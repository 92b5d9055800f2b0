// SPDX-License-Identifier: Apache-2.0
// What the type of KV in memory costs and saves: the same tasks with f16, bf16 and q8, in turn, by
// the processor time of one thread. `kvlink_kv_type_bench MODEL [ROUNDS]` prints medians and what
// f16 takes as a multiple of them.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "inference/decoder.h"
#include "kernels/kv.h"
#include "kernels/kv_arena.h"

namespace {

using namespace kvlink;
using Ids = std::vector<std::int32_t>;

constexpr DType kTypes[] = {DType::kF16, DType::kBF16, DType::kQ8Kv};
constexpr std::int64_t kLong = 5000;
constexpr std::int64_t kBlockTokens = 200;
constexpr int kDecoded = 8;

double milliseconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
  };
  const double begin = now();
  work();
  return now() - begin;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Ids tokens(std::int64_t n) {
  Ids ids;
  for (std::int64_t i = 0; i < n; ++i)
    ids.push_back(static_cast<std::int32_t>((i * 7919 + 13) % 30000 + 100));
  return ids;
}

class Bench {
 public:
  explicit Bench(const std::string& model)
      : model_(value_or_throw(inference::load_model(model))),
        backend_({.n_threads = 1}),
        decoder_(model_, backend_) {
    for (const DType stored : {DType::kF16, DType::kQ8Kv}) {
      KvBlock block({.n_layers = model_.config.n_layers,
                     .n_kv_heads = model_.config.n_kv_heads,
                     .head_dim = model_.config.head_dim,
                     .dtype = stored},
                    tokens(kBlockTokens));
      inference::KvCache cache(model_.config, kBlockTokens, DType::kF16);
      read(cache, block.token_ids(), &block);
      blocks_.push_back(std::move(block));
    }
    for (const DType type : kTypes) {
      caches_.emplace_back(model_.config, kLong + 64, type);
      load(caches_.back(), blocks_[0]);
    }
  }

  void round() {
    for (std::size_t i = 0; i < std::size(kTypes); ++i) {
      inference::KvCache& cache = caches_[i];
      const auto note = [&](const char* task, double time) { times_[task][i].push_back(time); };
      note("1 decode, 512 keys", decode(cache, 512));
      note("2 decode, 5000 keys", decode(cache, kLong));
      note("3 40 tokens on 5000 keys", milliseconds([&] {
             const Ids ids = tokens(40);
             read(cache, ids, nullptr);
           }));
      cache.truncate(kLong);
      note("4 load of 5000 tokens, f16 blocks", milliseconds([&] { load(cache, blocks_[0]); }));
      note("5 load of 5000 tokens, q8 blocks", milliseconds([&] { load(cache, blocks_[1]); }));
      note("6 prefill 2048", milliseconds([&] {
             cache.truncate(0);
             const Ids ids = tokens(2048);
             read(cache, ids, nullptr);
           }));
      load(cache, blocks_[0]);
    }
  }

  void print() const {
    std::printf("%-36s", "ms");
    for (const DType type : kTypes) std::printf("%12s", dtype_name(type));
    std::printf("   f16 / bf16    f16 / q8\n");
    for (const auto& [task, by_type] : times_) {
      std::printf("%-36s", task.c_str() + 2);
      for (std::size_t i = 0; i < std::size(kTypes); ++i)
        std::printf("%12.2f", median(by_type.at(i)));
      const double half = median(by_type.at(0));
      std::printf("%13.2f%12.2f\n", half / median(by_type.at(1)), half / median(by_type.at(2)));
    }
    std::printf("%-36s", "MB for 5064 rows");
    for (const auto& cache : caches_)
      std::printf("%12.1f", static_cast<double>(cache.size_bytes()) * 1e-6);
    std::printf("\n");
  }

 private:
  void read(inference::KvCache& cache, std::span<const std::int32_t> ids, KvBlock* capture) {
    Ids rows(ids.size());
    std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(cache.n_rows()));
    cache.append_rows(rows);
    const auto last = static_cast<std::int32_t>(ids.size() - 1);
    inference::ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = std::span(&last, 1);
    batch.capture = capture;
    decoder_.forward(batch, cache);
  }

  /// The cache holds kLong rows afterwards: the block again and again.
  void load(inference::KvCache& cache, const KvBlock& block) {
    cache.truncate(0);
    Ids positions(static_cast<std::size_t>(kLong));
    std::iota(positions.begin(), positions.end(), 0);
    cache.append_rows(positions);
    std::vector<KvArenaView> arenas;
    for (std::int32_t layer = 0; layer < model_.config.n_layers; ++layer)
      arenas.push_back(cache.layer(layer));
    for (std::int64_t row = 0; row < kLong; row += kBlockTokens) {
      kernels::kv_load(backend_, block, 0, model_.config.rope,
                       std::span(positions).subspan(static_cast<std::size_t>(row), kBlockTokens),
                       row, arenas);
    }
  }

  /// Per token, behind so many keys of a cache that holds kLong.
  double decode(inference::KvCache& cache, std::int64_t n_keys) {
    cache.truncate(n_keys);
    const double time = milliseconds([&] {
      for (std::int32_t i = 0; i < kDecoded; ++i) read(cache, std::span(&kToken, 1), nullptr);
    });
    cache.truncate(n_keys);
    if (n_keys < kLong) load(cache, blocks_[0]);
    return time / kDecoded;
  }

  static constexpr std::int32_t kToken = 1000;
  inference::Model model_;
  kernels::CpuBackend backend_;
  inference::Decoder decoder_;
  std::vector<KvBlock> blocks_;
  std::vector<inference::KvCache> caches_;
  std::map<std::string, std::map<std::size_t, std::vector<double>>> times_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "MODEL [ROUNDS]\n");
    return 1;
  }
  try {
    Bench bench(argv[1]);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
    for (int i = 0; i < rounds; ++i) bench.round();
    bench.print();
  } catch (const Exception& failure) {
    std::fprintf(stderr, "%s\n", failure.error().message.c_str());
    return 1;
  }
}
