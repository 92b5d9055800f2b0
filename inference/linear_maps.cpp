// SPDX-License-Identifier: Apache-2.0
#include "inference/linear_maps.h"

#include <array>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::inference {

using kernels::PackedWeights;

LinearMaps::LinearMaps(kernels::CpuBackend& backend, std::span<const WeightView> maps) {
  while (!maps.empty()) {
    const DType dtype = maps.front().dtype;
    Part part{.packed = {}, .plain = maps.front(), .n_maps = 1};
    if (backend.arithmetic() == kernels::Arithmetic::kInt8 && PackedWeights::packs(dtype)) {
      while (part.n_maps < maps.size() && maps[part.n_maps].dtype == dtype) ++part.n_maps;
      part.packed = PackedWeights(backend, maps.first(part.n_maps));
    }
    maps = maps.subspan(part.n_maps);
    parts_.push_back(std::move(part));
  }
}

void LinearMaps::multiply(kernels::CpuBackend& backend, View<const float> x,
                          std::span<const View<float>> ys, kernels::Accumulate accumulate,
                          kernels::Rounding rounding) const {
  for (const Part& part : parts_) {
    KVLINK_CHECK(part.n_maps <= ys.size());
    if (part.packed.empty()) {
      kernels::matmul(backend, x, part.plain, ys.front(), accumulate);
    } else {
      kernels::matmul(backend, x, part.packed, ys.first(part.n_maps), accumulate, rounding);
    }
    ys = ys.subspan(part.n_maps);
  }
  KVLINK_CHECK(ys.empty());
}

std::int64_t LinearMaps::packed_bytes() const {
  std::int64_t bytes = 0;
  for (const Part& part : parts_) bytes += part.packed.size_bytes();
  return bytes;
}

LayerMaps::LayerMaps(kernels::CpuBackend& backend, const LayerWeights& w)
    : qkv(backend, std::array{w.wq, w.wk, w.wv}),
      o(backend, std::array{w.wo}),
      gate_up(backend, std::array{w.gate, w.up}),
      down(backend, std::array{w.down}) {}

ModelMaps::ModelMaps(kernels::CpuBackend& backend, const Model& model,
                     const std::function<void()>& between_layers)
    : output(backend, std::array{model.output}) {
  layers.reserve(model.layers.size());
  for (const LayerWeights& weights : model.layers) {
    if (between_layers) between_layers();
    layers.emplace_back(backend, weights);
    // Nothing is held twice for longer than it takes to pack a layer.
    if (packed_bytes() > 0) model.release_pages();
  }
}

std::int64_t ModelMaps::packed_bytes() const {
  std::int64_t bytes = output.packed_bytes();
  for (const LayerMaps& layer : layers) {
    bytes += layer.qkv.packed_bytes() + layer.o.packed_bytes() + layer.gate_up.packed_bytes() +
             layer.down.packed_bytes();
  }
  return bytes;
}

}  // namespace kvlink::inference
