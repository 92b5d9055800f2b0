// SPDX-License-Identifier: Apache-2.0
// Panels of outputs are split over tasks, for many rows also the rows; groups of inputs are summed
// in order, so that a row's result depends on nothing but the row and the weights.
#include "kernels/packed_weights.h"

#include <algorithm>
#include <cstring>

#include "kernels/base/result.h"
#include "kernels/cpu/int_table.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/row_tasks.h"

namespace kvlink::kernels {
namespace {

constexpr std::int64_t kBlockOutputs = 16;  ///< as in simd/int_dot.h
constexpr std::int64_t kStepBytes = 4;
constexpr std::int64_t kLine = 64;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return divide_up(a, b) * b; }

/// How far codes lie above the numbers that unpack_group gives.
std::int32_t shift_of(DType dtype) {
  switch (dtype) {
    case DType::kQ8_0:
    case DType::kIq4Nl:
      return 128;
    case DType::kQ5_0:
      return 16;
    case DType::kQ6K:
      return 32;
    case DType::kQ3K:
      return 4;
    default:
      return 0;
  }
}

PackedFormat format_of(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return {.bits = 4, .zero = 8};
    case DType::kQ4_1:
    case DType::kQ4K:
      return {.bits = 4, .has_minimum = true};
    case DType::kQ2K:
    case DType::kQ3K:
      return {.bits = 4, .n_halves = 2, .has_minimum = true};
    case DType::kQ5_1:
    case DType::kQ5K:
      return {.bits = 8, .has_minimum = true};
    case DType::kQ6K:
      return {.bits = 8, .n_halves = 2, .zero = shift_of(dtype)};
    default:
      return {.bits = 8, .zero = shift_of(dtype)};
  }
}

struct GroupNumbers {
  std::int8_t q[PackedWeights::kGroup];
  float scales[2] = {};
  float offsets[2] = {};
};

/// Where the numbers of one output go in a group's record.
class RecordColumn {
 public:
  RecordColumn(const PackedFormat& format, std::byte* record, std::int64_t n_blocks,
               std::int64_t output)
      : format_(format), n_blocks_(n_blocks), output_(output) {
    const std::int64_t code_bytes = PackedWeights::kGroup * kBlockOutputs * format.bits / 8;
    codes_ = record + output / kBlockOutputs * code_bytes + output % kBlockOutputs * kStepBytes;
    scales_ = record + n_blocks * code_bytes;
  }

  void put(const GroupNumbers& numbers, std::int32_t shift) {
    for (std::int64_t i = 0; i < PackedWeights::kGroup; ++i) {
      const auto code = static_cast<std::uint8_t>(numbers.q[i] + shift);
      put_code(i, code);
    }
    for (std::int64_t half = 0; half < format_.n_halves; ++half) {
      const std::uint16_t scale = f32_to_f16(numbers.scales[half]);
      put_half(half, scale);
      if (!format_.has_minimum) continue;
      // Codes that were shifted have their offset from the scale as it is kept.
      const float minimum =
          shift == 0 ? numbers.offsets[half] : -static_cast<float>(shift) * f16_to_f32(scale);
      put_half(format_.n_halves + half, f32_to_f16(minimum));
    }
  }

 private:
  void put_code(std::int64_t i, std::uint8_t code) {
    const std::int64_t step = i / kStepBytes;
    const std::int64_t stored = format_.bits == 4 ? step % 4 : step;
    std::byte& at = codes_[stored * kBlockOutputs * kStepBytes + i % kStepBytes];
    at |= static_cast<std::byte>(format_.bits == 4 && step >= 4 ? code << 4U : code);
  }
  void put_half(std::int64_t row, std::uint16_t bits) {
    std::memcpy(scales_ + (row * n_blocks_ * kBlockOutputs + output_) * 2, &bits, 2);
  }

  const PackedFormat& format_;
  std::int64_t n_blocks_;
  std::int64_t output_;
  std::byte* codes_;
  std::byte* scales_;
};

}  // namespace

bool PackedWeights::packs(DType dtype) {
  return block_elements(dtype) > 1;  // kQ8Kv is no type of weights
}

std::int64_t PackedWeights::record_bytes(const PackedFormat& format, std::int64_t n_outputs) {
  const std::int64_t n_blocks = divide_up(n_outputs, kBlockOutputs);
  const std::int64_t codes = kGroup * kBlockOutputs * format.bits / 8;
  const std::int64_t scales = kBlockOutputs * 2 * format.n_halves * (format.has_minimum ? 2 : 1);
  return round_up(n_blocks * (codes + scales), kLine);
}

PackedWeights::PackedWeights(CpuBackend& backend, std::span<const WeightView> maps) {
  KVLINK_CHECK(!maps.empty() && packs(maps.front().dtype));
  const DType dtype = maps.front().dtype;
  format_ = format_of(dtype);
  n_inputs_ = maps.front().cols;
  const std::int64_t n_groups = n_inputs_ / kGroup;
  std::int64_t total = 0;
  for (const WeightView& map : maps) {
    KVLINK_CHECK(map.dtype == dtype && map.cols == n_inputs_ && map.cols % kGroup == 0);
    outputs_.push_back(map.rows);
    for (std::int64_t first = 0; first < map.rows; first += kPanelOutputs) {
      const std::int64_t n = std::min(kPanelOutputs, map.rows - first);
      panels_.push_back({.bytes = nullptr,
                         .map = static_cast<std::int64_t>(outputs_.size()) - 1,
                         .first = first,
                         .n_outputs = n});
      total += n_groups * record_bytes(format_, n);
    }
  }
  buffer_ = HostBuffer(total);
  std::byte* next = buffer_.as<std::byte>();
  for (Panel& panel : panels_) {
    panel.bytes = next;
    next += n_groups * record_bytes(format_, panel.n_outputs);
  }
  const KernelTable& kernels = kernel_table(backend.isa());
  backend.pool().parallel_for(std::ssize(panels_), [&](std::int64_t task, int) {
    const Panel& panel = panels_[static_cast<std::size_t>(task)];
    const WeightView& map = maps[static_cast<std::size_t>(panel.map)];
    const std::int64_t step = record_bytes(format_, panel.n_outputs);
    std::byte* bytes = buffer_.as<std::byte>() + (panel.bytes - buffer_.as<std::byte>());
    const std::int64_t n_blocks = divide_up(panel.n_outputs, kBlockOutputs);
    GroupNumbers numbers;
    for (std::int64_t g = 0; g < n_groups; ++g) {
      for (std::int64_t output = 0; output < panel.n_outputs; ++output) {
        kernels.unpack_group(dtype, map.row(panel.first + output), g, numbers.q, numbers.scales,
                             numbers.offsets);
        RecordColumn(format_, bytes + g * step, n_blocks, output).put(numbers, shift_of(dtype));
      }
    }
  });
}

namespace {

/// Activations as int8 in the backend's memory.
QuantizedRows quantized(CpuBackend& backend, const IntTable& table, View<const float> x,
                        const PackedFormat& format) {
  const std::int64_t n_groups = x.cols / PackedWeights::kGroup;
  QuantizedRows rows;
  rows.scales_at = x.cols;
  rows.sums_at = rows.scales_at + n_groups * 4;
  // An odd number of cache lines, so that rows do not meet in the same sets of the cache.
  rows.stride = (divide_up(rows.sums_at + n_groups * format.n_halves * 4, kLine) | 1) * kLine;
  ThreadPool& pool = backend.pool();
  pool.reserve_shared_scratch(divide_up(x.rows * rows.stride, 4));
  rows.rows = reinterpret_cast<std::byte*>(pool.shared_scratch());
  for_each_row(backend, x.rows, x.cols, [&](std::int64_t r, int) {
    table.quantize({.x = x.row(r),
                    .n_groups = n_groups,
                    .n_halves = format.n_halves,
                    .zero = format.zero,
                    .has_minimum = format.has_minimum,
                    .to = rows,
                    .row = r});
  });
  return rows;
}

}  // namespace

void matmul(CpuBackend& backend, View<const float> x, const PackedWeights& w,
            std::span<const View<float>> ys, Accumulate accumulate) {
  KVLINK_CHECK(x.cols == w.n_inputs() && ys.size() == w.outputs().size());
  for (std::size_t i = 0; i < ys.size(); ++i) {
    KVLINK_CHECK(ys[i].rows == x.rows && ys[i].cols == w.outputs()[i]);
  }
  if (x.rows == 0) return;
  // Rows of a task: their int8 form stays in the second-level cache; 96 is a multiple of every
  // tile.
  constexpr std::int64_t kTaskRows = 96;
  // Weights of a task of few rows: enough to pay for taking it, little enough to balance.
  constexpr std::int64_t kTaskBytes = 65536;
  constexpr std::int64_t kPrefetchBytes = 2048;
  const IntTable& table = int_table(backend.isa());
  const PackedFormat& format = w.format();
  const std::int64_t n_groups = x.cols / PackedWeights::kGroup;
  const QuantizedRows rows = quantized(backend, table, x, format);
  const auto panels = w.panels();
  const std::int64_t n_panels = std::ssize(panels);
  const std::int64_t panel_bytes =
      n_groups * PackedWeights::record_bytes(format, PackedWeights::kPanelOutputs);
  const std::int64_t step =
      x.rows >= kTaskRows / 2 ? 1 : std::max<std::int64_t>(1, kTaskBytes / panel_bytes / x.rows);
  const std::int64_t n_row_parts = divide_up(x.rows, kTaskRows);
  const std::int64_t n_tasks = divide_up(n_panels, step) * n_row_parts;
  backend.pool().parallel_for(n_tasks, [&](std::int64_t task, int) {
    const std::int64_t row = task % n_row_parts * kTaskRows;
    const std::int64_t first = task / n_row_parts * step;
    for (std::int64_t p = first; p < std::min(n_panels, first + step); ++p) {
      const PackedWeights::Panel& panel = panels[static_cast<std::size_t>(p)];
      const View<float> y = ys[static_cast<std::size_t>(panel.map)];
      QuantizedRows part = rows;
      part.rows += row * rows.stride;
      table.int_dot({.x = part,
                     .m = std::min(kTaskRows, x.rows - row),
                     .n_groups = n_groups,
                     .bits = format.bits,
                     .n_halves = format.n_halves,
                     .has_minimum = format.has_minimum,
                     .panel = panel.bytes,
                     .record_bytes = PackedWeights::record_bytes(format, panel.n_outputs),
                     .n_blocks = divide_up(panel.n_outputs, kBlockOutputs),
                     .n_outputs = panel.n_outputs,
                     .prefetch_bytes = kPrefetchBytes,
                     .y = y.row(row) + panel.first,
                     .y_stride = y.row_stride,
                     .accumulate = accumulate == Accumulate::kYes});
    }
  });
}

}  // namespace kvlink::kernels
