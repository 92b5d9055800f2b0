// SPDX-License-Identifier: Apache-2.0
// Speed of the KV store on this machine: put, load from disk (page cache warm and dropped) and from
// memory, and XXH3-128 alone. Prints one line per figure; the median of the rounds.
// usage: kvlink_kv_store_bench FOLDER   (made, and removed afterwards)
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cache/kv_store.h"
#include "tests/support/kv_blocks.h"

namespace {

using namespace kvlink;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 7;
constexpr int kBlocks = 10;
// The default model: 30 layers, 3 KV heads of 64; 23 kB per token in f16.
constexpr tests::KvShape kShape{.n_layers = 30, .n_kv_heads = 3, .head_dim = 64, .n_tokens = 200};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

struct Times {
  std::vector<double> all, read, verify;
};

void load_all(cache::KvStore& store, const std::vector<tests::KvSample>& samples, Times& times) {
  std::chrono::nanoseconds read{0};
  std::chrono::nanoseconds verify{0};
  const auto start = Clock::now();
  for (const auto& sample : samples) {
    const auto lookup = store.load(sample.key, sample.tokens());
    const auto& hit = std::get<cache::Hit>(lookup);
    read += hit.read;
    verify += hit.verify;
  }
  times.all.push_back(seconds(Clock::now() - start));
  times.read.push_back(seconds(read));
  times.verify.push_back(seconds(verify));
}

void print_load(const char* name, const Times& times, double bytes) {
  std::printf("load %-12s %7.2f GB/s  %7.2f ms  (read %.2f ms, verify %.2f ms)\n", name,
              bytes / median(times.all) / 1e9, median(times.all) * 1e3, median(times.read) * 1e3,
              median(times.verify) * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: kvlink_kv_store_bench FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  if (std::filesystem::exists(folder)) {
    std::fprintf(stderr, "%s exists; name a folder to be made\n", argv[1]);
    return 2;
  }
  std::vector<tests::KvSample> samples;
  for (int i = 0; i < kBlocks; ++i)
    samples.push_back(tests::make_kv_sample(static_cast<std::uint64_t>(i), kShape));
  double bytes = 0;
  for (const auto& sample : samples) bytes += static_cast<double>(sample.block.bytes().size());
  {
    auto store = value_or_throw(cache::KvStore::open(folder, {.min_free_bytes = 0}));
    std::vector<double> put_times;
    Times warm, cold, memory;
    for (int round = 0; round < kRounds; ++round) {
      value_or_throw(store->evict({}, cache::KvStore::Pinned::kInclude));
      const auto start = Clock::now();
      for (const auto& sample : samples) {
        value_or_throw(
            store->put(sample.key, sample.block, sample.content, std::chrono::milliseconds(1)));
      }
      put_times.push_back(seconds(Clock::now() - start));
      store->drop_memory();
      load_all(*store, samples, warm);
      load_all(*store, samples, memory);
      store->drop_memory();
      store->drop_page_cache();
      load_all(*store, samples, cold);
    }
    std::printf("%d blocks, %.1f MB\n", kBlocks, bytes / 1e6);
    std::printf("put               %7.1f MB/s  %7.2f ms per block\n",
                bytes / median(put_times) / 1e6, median(put_times) * 1e3 / kBlocks);
    print_load("warm", warm, bytes);
    print_load("cold", cold, bytes);
    std::printf("load memory       %7.3f ms\n", median(memory.all) * 1e3);
  }
  std::vector<double> hash_times;
  std::uint64_t folded = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    for (const auto& sample : samples)
      folded ^= XXH3_128bits(sample.block.bytes().data(), sample.block.bytes().size()).low64;
    hash_times.push_back(seconds(Clock::now() - start));
  }
  std::printf("XXH3-128 alone    %7.2f GB/s  (%016llx)\n", bytes / median(hash_times) / 1e9,
              static_cast<unsigned long long>(folded));
  std::filesystem::remove_all(folder);
  return 0;
}
