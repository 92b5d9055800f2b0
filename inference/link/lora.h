// SPDX-License-Identifier: Apache-2.0
// LoRA (Hu et al. 2021) beside weights as stored: y += B (A x).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "inference/model/model_config.h"
#include "inference/model/tensor_entry.h"
#include "kernels/base/buffer.h"
#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::inference {

/// Linear maps of a layer, in the order of their names in adapter files (lora_target_name).
enum class LoraTarget : std::uint8_t { kQ, kK, kV, kO, kGate, kUp, kDown };
inline constexpr std::size_t kLoraTargets = 7;
std::string_view lora_target_name(LoraTarget target);

/// [outputs, inputs] of a linear map.
struct LinearShape {
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;
};
LinearShape linear_shape(const ModelConfig& config, LoraTarget target);

/// One map's factors as an adapter file lists them; borrowed.
struct LoraPair {
  std::int32_t layer = 0;
  LoraTarget target = LoraTarget::kQ;
  TensorEntry a;  ///< [rank, inputs]
  TensorEntry b;  ///< [outputs, rank], the scale folded in
};

/// Low-rank corrections of some maps of some layers. Maps that read the same activations (q, k, v;
/// gate, up) share one product with their A matrices stacked. Immutable; owns its copies.
class LoraWeights {
 public:
  LoraWeights() = default;
  /// Copies the factors. The shapes must fit `config` (KVLINK_CHECK): the adapter's loader checks
  /// them first.
  LoraWeights(const ModelConfig& config, std::span<const LoraPair> pairs);

  bool empty() const { return layers_.empty(); }

  /// Factors of one map, for other backends: its rows of the stacked A and its B; both empty where
  /// the map has no correction. Views of this object's memory.
  struct Parts {
    WeightView a;  // [rank, inputs]
    WeightView b;  // [outputs, rank]
  };
  Parts parts(std::int32_t layer, LoraTarget target) const;
  /// Floats of scratch that apply() needs for each row.
  std::int64_t max_ranks() const { return max_ranks_; }

  /// A map's result to correct.
  struct Output {
    LoraTarget target;
    View<float> y;
  };
  /// y += B (A x) for every output whose map has a correction. x [n, inputs]; the outputs all read
  /// x; base_rows [n], 1: the row stays as it is, or empty; scratch: at least n * max_ranks()
  /// floats.
  void apply(kernels::CpuBackend& backend, std::int32_t layer, View<const float> x,
             std::span<const Output> outputs, std::span<const std::uint8_t> base_rows,
             float* scratch) const;

 private:
  /// Maps with the same input: q k v, o, gate up, down.
  static constexpr std::size_t kGroups = 4;
  struct Factor {
    WeightView b;                // empty: no correction
    std::int64_t rank_from = 0;  // first of its columns in the group's product
  };
  struct Group {
    WeightView a;  // [sum of ranks, inputs]; empty: no map of the group is corrected
  };
  struct Layer {
    Group groups[kGroups];
    Factor factors[kLoraTargets];
  };
  static std::size_t group_of(LoraTarget target);
  void add_group(Layer& layer, std::size_t group, std::span<const LoraPair* const> pairs);
  WeightView keep(std::span<const TensorEntry* const> stacked);

  std::vector<Layer> layers_;
  std::vector<HostBuffer> buffers_;
  std::int64_t max_ranks_ = 0;
};

}  // namespace kvlink::inference
