// SPDX-License-Identifier: Apache-2.0
// A decoder's matrices in the form its products read.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "inference/model/model.h"
#include "kernels/matmul.h"
#include "kernels/packed_weights.h"

namespace kvlink::inference {

/// Matrices that read the same activations, multiplied together: neighbours of one quantised type
/// are packed for int8 products, all others stay views of the model's own memory. Read-only after
/// construction.
class LinearMaps {
 public:
  LinearMaps() = default;
  /// Packs nothing when the backend's arithmetic is kFloat.
  LinearMaps(kernels::CpuBackend& backend, std::span<const WeightView> maps);

  /// ys[i] = (or +=) maps[i] x; x [n, inputs], ys[i] [n, outputs of map i].
  void multiply(kernels::CpuBackend& backend, View<const float> x, std::span<const View<float>> ys,
                kernels::Accumulate accumulate = kernels::Accumulate::kNo,
                kernels::Rounding rounding = kernels::Rounding::kOnce) const;

  /// Bytes held beside the model's own.
  std::int64_t packed_bytes() const;

 private:
  struct Part {
    kernels::PackedWeights packed;  // empty: `plain` it is, one map
    WeightView plain;
    std::size_t n_maps = 1;
  };
  std::vector<Part> parts_;
};

/// The matrices of a layer, by what they read.
struct LayerMaps {
  LayerMaps(kernels::CpuBackend& backend, const LayerWeights& w);

  LinearMaps qkv;
  LinearMaps o;
  LinearMaps gate_up;
  LinearMaps down;
};

/// All matrices of a model. Borrows the model, whose pages are let go as they are packed.
struct ModelMaps {
  /// `between_layers` may throw.
  ModelMaps(kernels::CpuBackend& backend, const Model& model,
            const std::function<void()>& between_layers = {});

  std::vector<LayerMaps> layers;
  LinearMaps output;
  std::int64_t packed_bytes() const;
};

}  // namespace kvlink::inference
