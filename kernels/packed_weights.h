// SPDX-License-Identifier: Apache-2.0
// Quantised weights laid out once for products with int8 activations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/buffer.h"
#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/matmul.h"

namespace kvlink::kernels {

struct KernelTable;

/// How the numbers of a packed group of 32 inputs are kept: element = scale * (code - zero) +
/// minimum.
struct PackedFormat {
  std::int32_t bits = 4;      ///< of a code: 4 or 8
  std::int32_t n_halves = 1;  ///< 2: every 16 inputs have a scale of their own
  bool has_minimum = false;   ///< a minimum beside every scale; zero is 0 then
  std::int32_t zero = 0;

  bool operator==(const PackedFormat&) const = default;
};

/// Maps that read the same activations (q, k and v; gate and up), in panels of 64 outputs: for each
/// group of 32 inputs the codes, then the scales, then the minima of the panel's outputs, so that
/// one stream of memory is read. Owns a copy of the weights, about as large as the file's own form
/// (5- and 6-bit types: 8 bits). Read-only after construction; any number of threads may use it.
class PackedWeights {
 public:
  static constexpr std::int64_t kPanelOutputs = 64;
  static constexpr std::int64_t kGroup = 32;

  PackedWeights() = default;
  /// Whether weights of this type have a packed form: the quantised ones.
  static bool packs(DType dtype);
  /// The matrices must have one type, for which packs() holds, and equally many columns.
  PackedWeights(CpuBackend& backend, std::span<const WeightView> maps);

  bool empty() const { return outputs_.empty(); }
  const PackedFormat& format() const { return format_; }
  std::int64_t n_inputs() const { return n_inputs_; }
  /// Outputs of each map.
  std::span<const std::int64_t> outputs() const { return outputs_; }
  std::int64_t size_bytes() const { return buffer_.size(); }

  /// Up to 64 outputs of one map, from `first` on.
  struct Panel {
    const std::byte* bytes = nullptr;
    std::int64_t map = 0;
    std::int64_t first = 0;
    std::int64_t n_outputs = 0;
  };
  std::span<const Panel> panels() const { return panels_; }
  /// What a matrix of a type for which packs() holds takes in its packed form.
  static std::int64_t packed_bytes(DType dtype, std::int64_t rows, std::int64_t cols);
  /// Bytes of one group of a panel of so many outputs.
  static std::int64_t record_bytes(const PackedFormat& format, std::int64_t n_outputs);

 private:
  void fill_panel(const KernelTable& kernels, const WeightView& map, const Panel& panel);

  PackedFormat format_;
  std::int64_t n_inputs_ = 0;
  std::vector<std::int64_t> outputs_;
  std::vector<Panel> panels_;
  HostBuffer buffer_;
};

/// How often activations are rounded. kTwice: the first rounding's error is rounded to 8 bits as
/// well and multiplied too, |q(x) - x| <= max|x| / 64516; for the last map before the logits, where
/// few rows cost no more than reading the weights.
enum class Rounding { kOnce, kTwice };

/// ys[i][r,o] = sum_j q(x)[r,j] * w_i[o,j]  (+ ys[i][r,o] when accumulate), where q rounds every 32
/// neighbours of a row to 8 bits with a scale of their own, symmetrically: |q(x) - x| <= max|x| /
/// 254.
///
/// x [m, n_inputs] f32 · ys: one [m, outputs] f32 view per map, no alias. Products and sums inside
/// a group are exact integers, sums over groups are f32 in ascending order: a row's result does not
/// depend on the rows beside it, on m or on the threads. NaN and infinity in x give NaN.
/// A shape mismatch is a bug (KVLINK_CHECK).
void matmul(CpuBackend& backend, View<const float> x, const PackedWeights& w,
            std::span<const View<float>> ys, Accumulate accumulate = Accumulate::kNo,
            Rounding rounding = Rounding::kOnce);

}  // namespace kvlink::kernels
