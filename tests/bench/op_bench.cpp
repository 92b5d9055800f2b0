// SPDX-License-Identifier: Apache-2.0
// Time, bytes per second and operations per second of every hot op, at the sizes of the default
// model. Prints the best and the median of repeated runs, and the least processor time of a run (of
// all threads together): with one thread and on a busy machine, that one is nearest to the truth.
// GB/s and GOP/s belong to the best. Usage: kvlink_op_bench [n_threads] [isa] [filter]
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/attention.h"
#include "kernels/base/buffer.h"
#include "kernels/cpu/isa_limit.h"
#include "kernels/elementwise.h"
#include "kernels/kv.h"
#include "kernels/kv_arena.h"
#include "kernels/logits.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"
#include "kernels/packed_weights.h"
#include "kernels/rope.h"
#include "tests/kernels/reference.h"

namespace kvlink::kernels::tests {
namespace {

constexpr std::int64_t kModelDim = 576;
constexpr std::int64_t kFfnDim = 1536;
constexpr std::int64_t kVocab = 49152;
constexpr std::int64_t kHeads = 9;
constexpr std::int64_t kKvHeads = 3;
constexpr std::int64_t kHeadDim = 64;

struct Work {
  double bytes = 0;
  double operations = 0;
};

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Bench {
 public:
  Bench(CpuBackend& backend, std::string filter) : backend_(backend), filter_(std::move(filter)) {
    std::printf("%s\n%-40s %11s %11s %11s %8s %8s\n", backend.describe().c_str(), "op", "best us",
                "median us", "cpu us", "GB/s", "GOP/s");
  }

  /// Whether the filter admits this op; asked before material is made.
  bool wants(const std::string& name) const { return name.find(filter_) != std::string::npos; }

  void run(const std::string& name, Work work, const std::function<void()>& body) {
    if (!wants(name)) return;
    using Clock = std::chrono::steady_clock;
    std::vector<double> times;
    double total = 0;
    double processor = 1e9;
    while ((total < 0.4 && times.size() < 3000) || times.size() < 5) {
      const double used = processor_seconds();
      const auto begin = Clock::now();
      body();
      times.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
      total += times.back();
      processor = std::min(processor, processor_seconds() - used);
    }
    std::sort(times.begin(), times.end());
    const double best = times.front();
    std::printf("%-40s %11.1f %11.1f %11.1f %8.2f %8.1f\n", name.c_str(), best * 1e6,
                times[times.size() / 2] * 1e6, processor * 1e6, work.bytes / best * 1e-9,
                work.operations / best * 1e-9);
    std::fflush(stdout);
  }

  CpuBackend& backend() { return backend_; }

 private:
  CpuBackend& backend_;
  std::string filter_;
};

void bench_matmul(Bench& bench, DType dtype, std::int64_t m, std::int64_t n, std::int64_t k) {
  const std::string name = std::string("matmul ") + dtype_name(dtype) + " m=" + std::to_string(m) +
                           " n=" + std::to_string(n) + " k=" + std::to_string(k);
  if (!bench.wants(name)) return;
  const Weights w = random_weights(dtype, n, k, 1);
  const Rows x = random_rows(m, k, 2);
  Rows y(m, n);
  const Work work{.bytes = static_cast<double>(w.bytes.size()),
                  .operations = 2.0 * static_cast<double>(m * n * k)};
  bench.run(name, work, [&] { matmul(bench.backend(), x.view(), w.view(), y.view()); });
  if (!PackedWeights::packs(dtype)) return;
  const WeightView map = w.view();
  const PackedWeights packed(bench.backend(), std::span(&map, 1));
  const View<float> out = y.view();
  bench.run(name + " int8", work,
            [&] { matmul(bench.backend(), x.view(), packed, std::span(&out, 1)); });
}

void bench_attention(Bench& bench, DType dtype, std::int64_t n, std::int64_t n_keys) {
  const auto bytes =
      static_cast<std::size_t>(arena_plane_bytes(dtype, kKvHeads * n_keys, kHeadDim));
  std::vector<std::byte> keys(bytes);
  std::vector<std::byte> values(bytes);
  const KvArenaView arena{keys.data(), values.data(), dtype, kKvHeads, n_keys, kHeadDim};
  std::vector<std::int32_t> key_positions(static_cast<std::size_t>(n_keys));
  std::iota(key_positions.begin(), key_positions.end(), 0);
  const std::vector<std::int32_t> queries(key_positions.end() - n, key_positions.end());
  const Rows q = random_rows(n, kHeads * kHeadDim, 1);
  Rows y(n, kHeads * kHeadDim);
  const double pairs = static_cast<double>(n) * static_cast<double>(n_keys - n) +
                       static_cast<double>(n * (n + 1)) / 2;
  bench.run(std::string("attention ") + dtype_name(dtype) + " queries=" + std::to_string(n) +
                " keys=" + std::to_string(n_keys),
            {.bytes = 2.0 * static_cast<double>(bytes),
             .operations = 4.0 * pairs * static_cast<double>(kHeads * kHeadDim)},
            [&] { attention(bench.backend(), q.view(), arena, key_positions, queries, y.view()); });
}

void bench_kv(Bench& bench, DType dtype, std::int64_t n) {
  const Rows k = random_rows(n, kKvHeads * kHeadDim, 1);
  const Rows v = random_rows(n, kKvHeads * kHeadDim, 2);
  std::vector<std::int32_t> positions(static_cast<std::size_t>(n));
  std::iota(positions.begin(), positions.end(), 100);
  KvBlock block({.n_layers = 1, .n_kv_heads = kKvHeads, .head_dim = kHeadDim, .dtype = dtype},
                positions);
  const auto bytes = static_cast<std::size_t>(row_bytes(DType::kF16, n * kKvHeads * kHeadDim));
  std::vector<std::byte> keys(bytes);
  std::vector<std::byte> values(bytes);
  const KvArenaView arena{keys.data(), values.data(), DType::kF16, kKvHeads, n, kHeadDim};
  const Rope rope = plain_rope(kHeadDim, RopePairing::kInterleaved);
  const double read = static_cast<double>(block.plane(0, Plane::kKeys).size()) * 2;
  const std::string what = std::string(dtype_name(dtype)) + " tokens=" + std::to_string(n);
  bench.run("kv_store " + what, {.bytes = read},
            [&] { kv_store(bench.backend(), k.view(), v.view(), 0, block); });
  bench.run("kv_load " + what, {.bytes = read + 2.0 * static_cast<double>(bytes)},
            [&] { kv_load(bench.backend(), block, 0, rope, positions, 0, arena); });
  // All layers at a time, as a question does.
  constexpr std::int32_t kLayers = 30;
  const KvBlock deep(
      {.n_layers = kLayers, .n_kv_heads = kKvHeads, .head_dim = kHeadDim, .dtype = dtype},
      std::vector<std::int32_t>(200));
  std::vector<HostBuffer> memory;
  std::vector<KvArenaView> arenas;
  for (std::int32_t layer = 0; layer < kLayers; ++layer) {
    memory.emplace_back(static_cast<std::int64_t>(bytes));
    memory.emplace_back(static_cast<std::int64_t>(bytes));
    arenas.push_back({memory[memory.size() - 2].as<std::byte>(), memory.back().as<std::byte>(),
                      DType::kF16, kKvHeads, n, kHeadDim});
  }
  const double moved = (read + 2.0 * static_cast<double>(bytes)) * 200 / static_cast<double>(n);
  bench.run(
      "kv_load " + std::string(dtype_name(dtype)) + " 30 layers of 200", {.bytes = kLayers * moved},
      [&] { kv_load(bench.backend(), deep, 0, rope, std::span(positions).first(200), 0, arenas); });
}

void bench_rows(Bench& bench, std::int64_t n) {
  const std::string rows = " rows=" + std::to_string(n);
  const auto floats = [&](std::int64_t width, int passes) {
    return Work{.bytes = 4.0 * static_cast<double>(n * width * passes)};
  };
  Rows x = random_rows(n, kModelDim, 1);
  const Rows w = random_rows(1, kModelDim, 2);
  Rows y(n, kModelDim);
  CpuBackend& backend = bench.backend();
  bench.run("rms_norm" + rows, floats(kModelDim, 2),
            [&] { rms_norm(backend, x.view(), w.view().data, 1e-5F, y.view()); });
  bench.run("layer_norm" + rows, floats(kModelDim, 2),
            [&] { layer_norm(backend, x.view(), w.view().data, w.view().data, 1e-5F, y.view()); });
  bench.run("add" + rows, floats(kModelDim, 3), [&] { add(backend, y.view(), x.view()); });
  const Rope rope = plain_rope(kHeadDim, RopePairing::kInterleaved);
  std::vector<std::int32_t> positions(static_cast<std::size_t>(n));
  std::iota(positions.begin(), positions.end(), 100);
  bench.run("rope" + rows, floats(kModelDim, 2),
            [&] { kernels::rope(backend, rope, kHeadDim, positions, x.view()); });
  const Rows gate = random_rows(n, kFfnDim, 3);
  Rows up = random_rows(n, kFfnDim, 4);
  bench.run("swiglu" + rows, floats(kFfnDim, 3),
            [&] { swiglu(backend, gate.view(), up.view(), up.view()); });
  Rows hidden = random_rows(n, kFfnDim, 5);
  bench.run("gelu" + rows, floats(kFfnDim, 2), [&] { gelu(backend, hidden.view()); });
}

void run_all(Bench& bench) {
  for (const std::int64_t m : {512, 40, 16}) {
    for (const DType dtype : {DType::kQ4_1, DType::kQ4_0, DType::kQ8_0, DType::kQ6K, DType::kF16,
                              DType::kBF16, DType::kF32}) {
      if (kModelDim % block_elements(dtype) != 0) continue;
      bench_matmul(bench, dtype, m, kFfnDim, kModelDim);
    }
    bench_matmul(bench, DType::kQ4_1, m, kModelDim, kFfnDim);
    bench_matmul(bench, DType::kQ4_1, m, kModelDim, kModelDim);
    bench_matmul(bench, DType::kQ4_1, m, kKvHeads * kHeadDim, kModelDim);
  }
  for (const std::int64_t m : {1, 2, 3, 4, 6, 7, 8}) {
    bench_matmul(bench, DType::kQ4_1, m, kFfnDim, kModelDim);
  }
  for (const DType dtype : {DType::kQ4_1, DType::kQ4_0, DType::kQ8_0, DType::kF16, DType::kBF16}) {
    bench_matmul(bench, dtype, 1, kVocab, kModelDim);
  }
  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kQ8Kv, DType::kF32}) {
    for (const std::int64_t n_keys : {512, 2048, 8192}) {
      for (const std::int64_t n : {1, 16, 40, 64, 512}) bench_attention(bench, dtype, n, n_keys);
    }
  }
  bench_attention(bench, DType::kF16, 1, 131072);
  bench_attention(bench, DType::kF16, 40, 131072);
  for (const DType dtype : {DType::kF16, DType::kQ8Kv, DType::kBF16, DType::kF32}) {
    bench_kv(bench, dtype, 2000);
  }
  bench_rows(bench, 512);
  bench_rows(bench, 1);
  const Rows logits = random_rows(1, kVocab, 1);
  std::vector<float> y(kVocab);
  const std::span<const float> row(logits.view().data, static_cast<std::size_t>(kVocab));
  volatile std::int32_t best = 0;
  bench.run("argmax", {.bytes = 4.0 * kVocab}, [&] { best = argmax(row); });
  bench.run("log_softmax", {.bytes = 8.0 * kVocab}, [&] { log_softmax(row, y); });
}

}  // namespace
}  // namespace kvlink::kernels::tests

int main(int argc, char** argv) {
  using namespace kvlink::kernels;
  CpuOptions options;
  if (argc > 1) options.n_threads = std::atoi(argv[1]);
  const std::string isa = argc > 2 ? argv[2] : "";
  if (const auto cap = parse_isa(isa)) options.max_isa = *cap;
  CpuBackend backend(options);
  tests::Bench bench(backend, argc > 3 ? argv[3] : "");
  tests::run_all(bench);
  return 0;
}
