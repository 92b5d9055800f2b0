// SPDX-License-Identifier: Apache-2.0
// Panels of outputs are split over tasks.
#include "kernels/packed_weights.h"

#include <algorithm>
#include <cstring>

#include "kernels/base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

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

/// What a block of a simple type is put together from, where its codes are already in order: bytes
/// at these offsets, or -1.
struct BlockLayout {
  std::int64_t codes = 0;
  std::int64_t minimum = -1;
  std::uint32_t flipped = 0;  ///< bits of every four codes
};

/// Null for types whose numbers must be unpacked.
const BlockLayout* simple_layout(DType dtype) {
  static constexpr BlockLayout kQ40{.codes = 2};
  static constexpr BlockLayout kQ41{.codes = 4, .minimum = 2};
  static constexpr BlockLayout kQ80{.codes = 2, .flipped = 0x80808080U};  // adds 128
  switch (dtype) {
    case DType::kQ4_0:
      return &kQ40;
    case DType::kQ4_1:
      return &kQ41;
    case DType::kQ8_0:
      return &kQ80;
    default:
      return nullptr;
  }
}

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

  /// A block as the file has it: its scale, which comes first, and the rest as the layout says.
  void put(const std::byte* block, const BlockLayout& layout) {
    const std::int64_t n_bytes = PackedWeights::kGroup * format_.bits / 8;
    for (std::int64_t i = 0; i < n_bytes; i += kStepBytes) {
      std::uint32_t codes = 0;
      std::memcpy(&codes, block + layout.codes + i, kStepBytes);
      codes ^= layout.flipped;
      std::memcpy(codes_ + i * kBlockOutputs, &codes, kStepBytes);
    }
    std::memcpy(scales_ + output_ * 2, block, 2);
    if (!format_.has_minimum) return;
    std::memcpy(scales_ + (n_blocks_ * kBlockOutputs + output_) * 2, block + layout.minimum, 2);
  }

  void put(const GroupNumbers& numbers, std::int32_t shift) {
    put_codes(numbers, shift);
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
  void put_codes(const GroupNumbers& numbers, std::int32_t shift) {
    std::uint8_t codes[PackedWeights::kGroup];
    for (std::size_t i = 0; i < sizeof(codes); ++i) {
      codes[i] = static_cast<std::uint8_t>(numbers.q[i] + shift);
    }
    std::int64_t n_bytes = PackedWeights::kGroup;
    if (format_.bits == 4) {
      n_bytes /= 2;
      for (std::int64_t i = 0; i < n_bytes; ++i) {
        codes[i] = static_cast<std::uint8_t>(codes[i] | codes[i + n_bytes] << 4U);
      }
    }
    for (std::int64_t i = 0; i < n_bytes; i += kStepBytes) {
      std::memcpy(codes_ + i * kBlockOutputs, codes + i, kStepBytes);
    }
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

std::int64_t PackedWeights::packed_bytes(DType dtype, std::int64_t rows, std::int64_t cols) {
  const PackedFormat format = format_of(dtype);
  const std::int64_t group_bytes = rows / kPanelOutputs * record_bytes(format, kPanelOutputs) +
                                   record_bytes(format, rows % kPanelOutputs);
  return cols / kGroup * group_bytes;
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
    }
    total += packed_bytes(dtype, map.rows, map.cols);
  }
  buffer_ = HostBuffer(total);
  std::byte* next = buffer_.as<std::byte>();
  for (Panel& panel : panels_) {
    panel.bytes = next;
    next += n_groups * record_bytes(format_, panel.n_outputs);
  }
  backend.pool().parallel_for(std::ssize(panels_), [&](std::int64_t task, int) {
    const Panel& panel = panels_[static_cast<std::size_t>(task)];
    fill_panel(kernel_table(backend.isa()), maps[static_cast<std::size_t>(panel.map)], panel);
  });
}

void PackedWeights::fill_panel(const KernelTable& kernels, const WeightView& map,
                               const Panel& panel) {
  const std::int64_t step = record_bytes(format_, panel.n_outputs);
  const std::int64_t n_blocks = divide_up(panel.n_outputs, kBlockOutputs);
  std::byte* record = buffer_.as<std::byte>() + (panel.bytes - buffer_.as<std::byte>());
  const BlockLayout* simple = simple_layout(map.dtype);
  GroupNumbers numbers;
  for (std::int64_t g = 0; g < n_inputs_ / kGroup; ++g, record += step) {
    for (std::int64_t output = 0; output < panel.n_outputs; ++output) {
      if (simple != nullptr) {
        const std::byte* block = map.row(panel.first + output) + g * block_bytes(map.dtype);
        RecordColumn(format_, record, n_blocks, output).put(block, *simple);
        continue;
      }
      kernels.unpack_group(map.dtype, map.row(panel.first + output), g, numbers.q, numbers.scales,
                           numbers.offsets);
      RecordColumn(format_, record, n_blocks, output).put(numbers, shift_of(map.dtype));
    }
  }
}

}  // namespace kvlink::kernels
