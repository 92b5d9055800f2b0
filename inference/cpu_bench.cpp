// SPDX-License-Identifier: Apache-2.0
#include "inference/cpu_bench.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>

#include "kernels/attention.h"
#include "kernels/base/buffer.h"
#include "kernels/base/result.h"
#include "kernels/elementwise.h"
#include "kernels/embed.h"
#include "kernels/kv.h"
#include "kernels/kv_arena.h"
#include "kernels/logits.h"
#include "kernels/norm.h"
#include "kernels/packed_weights.h"
#include "kernels/rope.h"

namespace kvlink::inference {
namespace {

using namespace kernels;

// The default model.
constexpr std::int64_t kModelDim = 576;
constexpr std::int64_t kFfnDim = 1536;
constexpr std::int64_t kVocab = 49152;
constexpr std::int64_t kHeads = 9;
constexpr std::int64_t kKvHeads = 3;
constexpr std::int64_t kHeadDim = 64;

enum class Kind { kF32, kBf16, kInt8 };

struct Work {
  double bytes = 0;    ///< read and written
  double written = 0;  ///< of them; the roof is one of reading
  double operations = 0;
  Kind kind = Kind::kF32;
};

/// f32 rows with numbers that are neither zero nor equal.
struct Rows {
  Rows(std::int64_t rows, std::int64_t cols) : buffer(rows * cols * 4), n(rows), width(cols) {
    for (std::int64_t i = 0; i < rows * cols; ++i) {
      buffer.as<float>()[i] = static_cast<float>(i * 7919 % 1999 - 999) * 1e-3F;
    }
  }
  View<float> view() { return {buffer.as<float>(), n, width}; }
  HostBuffer buffer;
  std::int64_t n, width;
};

class CpuBench {
 public:
  CpuBench(CpuBackend& backend, const std::function<void(const std::string&)>& progress,
           std::stop_token stop)
      : backend_(backend), progress_(progress), stop_(std::move(stop)) {
    progress_("memory and arithmetic");
    figures_.processor = backend.describe();
    raise_roofs(backend, figures_.roofs);
  }

  CpuFigures run() {
    for (const DType dtype : {DType::kQ4_1, DType::kQ4_0, DType::kQ8_0}) {
      for (const std::int64_t m : {512, 40, 1}) multiply(dtype, m, kFfnDim, kModelDim);
      multiply(dtype, 1, kVocab, kModelDim);
    }
    // Super-blocks have 256 inputs.
    for (const DType dtype : {DType::kQ4K, DType::kQ6K}) {
      for (const std::int64_t m : {512, 40, 1}) multiply(dtype, m, kModelDim, kFfnDim);
    }
    for (const DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
      for (const std::int64_t m : {512, 40, 1}) multiply_plain(dtype, m, kFfnDim);
      multiply_plain(dtype, 1, kVocab);
    }
    for (const std::int64_t n_keys : {512, 5000}) {
      for (const std::int64_t n : {1, 16, 40, 64, 512}) attend(DType::kF16, n, n_keys);
      for (const std::int64_t n : {1, 40}) attend(DType::kQ8Kv, n, n_keys);
    }
    for (const DType dtype : {DType::kF16, DType::kQ8Kv}) move_kv(dtype);
    work_on_rows();
    work_on_logits();
    progress_("memory and arithmetic");
    raise_roofs(backend_, figures_.roofs);
    for (std::size_t i = 0; i < figures_.rows.size(); ++i) judge(figures_.rows[i], works_[i]);
    return std::move(figures_);
  }

 private:
  void measure(const std::string& op, Work work, const std::function<void()>& body) {
    using Clock = std::chrono::steady_clock;
    if (stop_.stop_requested()) fail(ErrorCode::kCancelled, "measuring was stopped");
    progress_(op);
    std::vector<double> times;
    double total = 0;
    while ((total < 0.3 && times.size() < 2000) || times.size() < 5) {
      const auto begin = Clock::now();
      body();
      times.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
      total += times.back();
    }
    std::nth_element(times.begin(), times.begin() + std::ssize(times) / 2, times.end());
    const double time = times[times.size() / 2];
    figures_.rows.push_back({.op = op,
                             .microseconds = time * 1e6,
                             .gigabytes_per_second = work.bytes / time * 1e-9,
                             .operations_per_second = work.operations / time * 1e-9,
                             .share = 0,
                             .roof = {}});
    works_.push_back(work);
  }

  void judge(CpuRow& row, const Work& work) const {
    const Roofs& roofs = figures_.roofs;
    const double read = work.bytes - work.written;
    const double roof = roofs.bytes_for(read);
    row.share = row.gigabytes_per_second * read / work.bytes / roof;
    // Nearer to what memory gives than to twice that.
    row.roof = roof < 1.5 * roofs.memory_bytes() ? "memory" : "cache";
    const double peak = work.kind == Kind::kInt8   ? roofs.int8_operations
                        : work.kind == Kind::kBf16 ? roofs.bf16_operations
                                                   : roofs.f32_operations;
    const double share = row.operations_per_second / peak;
    if (share <= row.share) return;
    row.share = share;
    row.roof = work.kind == Kind::kInt8 ? "int8" : work.kind == Kind::kBf16 ? "bf16" : "f32";
  }

  static std::string sizes(DType dtype, std::int64_t m, std::int64_t n, std::int64_t k) {
    return std::string(dtype_name(dtype)) + " " + std::to_string(m) + " x " + std::to_string(n) +
           " x " + std::to_string(k);
  }

  /// Any bytes are numbers of a quantised type; these keep scales away from infinity.
  static HostBuffer weights(DType dtype, std::int64_t n, std::int64_t k) {
    HostBuffer bytes(n * row_bytes(dtype, k));
    std::fill_n(bytes.as<std::byte>(), bytes.size(), std::byte{0x21});
    return bytes;
  }

  void multiply(DType dtype, std::int64_t m, std::int64_t n, std::int64_t k) {
    const HostBuffer bytes = weights(dtype, n, k);
    const WeightView map{bytes.as<std::byte>(), dtype, n, k};
    const PackedWeights packed(backend_, std::span(&map, 1));
    Rows x(m, k);
    Rows y(m, n);
    const std::array out{y.view()};
    measure("matmul " + sizes(dtype, m, n, k),
            {.bytes = static_cast<double>(packed.size_bytes()),
             .operations = 2.0 * static_cast<double>(m * n * k),
             .kind = Kind::kInt8},
            [&] { matmul(backend_, x.view(), packed, out); });
  }

  void multiply_plain(DType dtype, std::int64_t m, std::int64_t n) {
    const HostBuffer bytes = weights(dtype, n, kModelDim);
    const WeightView map{bytes.as<std::byte>(), dtype, n, kModelDim};
    Rows x(m, kModelDim);
    Rows y(m, n);
    const bool by_pairs = dtype == DType::kBF16 && backend_.uses_bf16() && m > 1;
    measure("matmul " + sizes(dtype, m, n, kModelDim),
            {.bytes = static_cast<double>(bytes.size()),
             .operations = 2.0 * static_cast<double>(m * n * kModelDim),
             .kind = by_pairs ? Kind::kBf16 : Kind::kF32},
            [&] { matmul(backend_, x.view(), map, y.view()); });
  }

  void attend(DType dtype, std::int64_t n, std::int64_t n_keys) {
    const std::int64_t bytes = arena_plane_bytes(dtype, kKvHeads * n_keys, kHeadDim);
    HostBuffer keys(bytes);
    HostBuffer values(bytes);
    const KvArenaView arena{
        keys.as<std::byte>(), values.as<std::byte>(), dtype, kKvHeads, n_keys, kHeadDim};
    std::vector<std::int32_t> positions(static_cast<std::size_t>(n_keys));
    std::iota(positions.begin(), positions.end(), 0);
    const auto queries = std::span<const std::int32_t>(positions).last(static_cast<std::size_t>(n));
    Rows q(n, kHeads * kHeadDim);
    Rows y(n, kHeads * kHeadDim);
    const double pairs = static_cast<double>(n) * static_cast<double>(n_keys - n) +
                         static_cast<double>(n * (n + 1)) / 2;
    // A decoded token's rows are multiplied in f32 on every processor.
    const bool by_pairs = backend_.uses_bf16() && n > 1;
    measure(std::string("attention ") + dtype_name(dtype) + " " + std::to_string(n) + " queries, " +
                std::to_string(n_keys) + " keys",
            {.bytes = 2.0 * static_cast<double>(bytes),
             .operations = 4.0 * pairs * static_cast<double>(kHeads * kHeadDim),
             .kind = by_pairs ? Kind::kBf16 : Kind::kF32},
            [&] { attention(backend_, q.view(), arena, positions, queries, y.view()); });
  }

  void move_kv(DType dtype) {
    constexpr std::int64_t kTokens = 2000;
    std::vector<std::int32_t> positions(kTokens);
    std::iota(positions.begin(), positions.end(), 100);
    KvBlock block({.n_layers = 1,
                   .n_kv_heads = kKvHeads,
                   .head_dim = static_cast<std::int32_t>(kHeadDim),
                   .dtype = dtype},
                  positions);
    Rows k(kTokens, kKvHeads * kHeadDim);
    const double stored = 2.0 * static_cast<double>(block.plane(0, Plane::kKeys).size());
    const double rows = 8.0 * static_cast<double>(kTokens * kKvHeads * kHeadDim);
    measure(std::string("kv_store ") + dtype_name(dtype) + " 2000 tokens",
            {.bytes = rows + stored, .written = stored},
            [&] { kv_store(backend_, k.view(), k.view(), 0, block); });
    const std::int64_t bytes = row_bytes(DType::kF16, kTokens * kKvHeads * kHeadDim);
    HostBuffer keys(bytes);
    HostBuffer values(bytes);
    const KvArenaView arena{
        keys.as<std::byte>(), values.as<std::byte>(), DType::kF16, kKvHeads, kTokens, kHeadDim};
    measure(std::string("kv_load ") + dtype_name(dtype) + " 2000 tokens",
            {.bytes = stored + 2.0 * static_cast<double>(bytes),
             .written = 2.0 * static_cast<double>(bytes)},
            [&] { kv_load(backend_, block, 0, rope(), positions, 0, arena); });
  }

  static Rope rope() {
    Rope rope;
    for (std::int64_t i = 0; i < kHeadDim / 2; ++i) {
      rope.frequencies.push_back(1.0F / static_cast<float>(i + 1));
    }
    return rope;
  }

  void work_on_rows() {
    constexpr std::int64_t kRows = 512;
    Rows x(kRows, kModelDim);
    Rows y(kRows, kModelDim);
    Rows gate(kRows, kFfnDim);
    Rows up(kRows, kFfnDim);
    const auto floats = [&](std::int64_t width, int passes) {
      const double pass = 4.0 * static_cast<double>(kRows * width);
      return Work{.bytes = pass * passes, .written = pass};
    };
    measure("rms_norm 512 rows", floats(kModelDim, 2),
            [&] { rms_norm(backend_, x.view(), x.view().data, 1e-5F, y.view()); });
    measure("layer_norm 512 rows", floats(kModelDim, 2),
            [&] { layer_norm(backend_, x.view(), x.view().data, x.view().data, 1e-5F, y.view()); });
    std::vector<std::int32_t> positions(kRows);
    std::iota(positions.begin(), positions.end(), 100);
    const Rope turning = rope();
    measure("rope 512 rows", floats(kModelDim, 2),
            [&] { kernels::rope(backend_, turning, kHeadDim, positions, x.view()); });
    measure("add 512 rows", floats(kModelDim, 3), [&] { add(backend_, y.view(), x.view()); });
    Rows hidden(kRows, kFfnDim);
    measure("swiglu 512 rows", floats(kFfnDim, 3),
            [&] { swiglu(backend_, gate.view(), up.view(), hidden.view()); });
    // In place, again and again: numbers that it leaves as they are.
    std::fill_n(hidden.view().data, kRows * kFfnDim, 8.0F);
    measure("gelu 512 rows", floats(kFfnDim, 2), [&] { gelu(backend_, hidden.view()); });
    const HostBuffer table = weights(DType::kQ4_1, kVocab, kModelDim);
    const WeightView embedding{table.as<std::byte>(), DType::kQ4_1, kVocab, kModelDim};
    measure("embed q4_1 512 rows",
            {.bytes = static_cast<double>(
                 kRows * (row_bytes(DType::kQ4_1, kModelDim) + row_bytes(DType::kF32, kModelDim))),
             .written = 4.0 * static_cast<double>(kRows * kModelDim)},
            [&] { embed(backend_, embedding, positions, y.view()); });
  }

  /// Once a token, in one thread.
  void work_on_logits() {
    Rows logits(1, kVocab);
    std::vector<float> y(static_cast<std::size_t>(kVocab));
    const std::span<const float> row(logits.view().data, y.size());
    std::int32_t best = 0;
    measure("argmax of 49152 logits", {.bytes = 4.0 * static_cast<double>(kVocab)},
            [&] { best ^= argmax(row); });
    y[static_cast<std::size_t>(best & 1)] = 0;
    measure(
        "log_softmax of 49152 logits",
        {.bytes = 8.0 * static_cast<double>(kVocab), .written = 4.0 * static_cast<double>(kVocab)},
        [&] { log_softmax(row, y); });
  }

  CpuBackend& backend_;
  const std::function<void(const std::string&)>& progress_;
  std::stop_token stop_;
  CpuFigures figures_;
  std::vector<Work> works_;  ///< of figures_.rows
};

}  // namespace

CpuFigures run_cpu_bench(CpuBackend& backend,
                         const std::function<void(const std::string&)>& progress,
                         std::stop_token stop) {
  return CpuBench(backend, progress, std::move(stop)).run();
}

}  // namespace kvlink::inference
