// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_lora.h"

#include <algorithm>
#include <array>

#include "kernels/embed.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;
using cuda::Matrix;

/// Products of many rows take weights in groups of so many inputs.
constexpr std::int64_t kRankStep = 32;
std::int64_t padded(std::int64_t rank) { return (rank + kRankStep - 1) / kRankStep * kRankStep; }

constexpr std::array kQkv = {LoraTarget::kQ, LoraTarget::kK, LoraTarget::kV};
constexpr std::array kO = {LoraTarget::kO};
constexpr std::array kGateUp = {LoraTarget::kGate, LoraTarget::kUp};
constexpr std::array kDown = {LoraTarget::kDown};
constexpr std::array<std::span<const LoraTarget>, 4> kGroups = {kQkv, kO, kGateUp, kDown};

}  // namespace

DeviceLora::DeviceLora(const LoraWeights& lora, const ModelConfig& config, DType half,
                       std::int64_t tile_rows, cuda::CudaBackend& backend)
    : half_(half), backend_(backend) {
  for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
    for (const auto targets : kGroups) {
      groups_.push_back(make_group(lora, config, layer, targets));
      most_ranks_ = std::max(most_ranks_, groups_.back().a.rows);
    }
  }
  if (most_ranks_ > 0) product_ = cuda::DeviceBuffer(backend_, tile_rows * most_ranks_ * 4);
}

/// Factors in what products are computed in.
const void* DeviceLora::put(const std::vector<float>& values) {
  const auto n = std::ssize(values);
  const auto keep = [&](const void* bytes, std::int64_t size) {
    buffers_.emplace_back(backend_, size);
    backend_.run(&Api::upload, Lane::kCompute, buffers_.back().data(), bytes, size);
    backend_.run(&Api::synchronize);
    return buffers_.back().data();
  };
  if (half_ == DType::kF32) return keep(values.data(), n * 4);
  std::vector<std::uint16_t> bits(values.size());
  std::transform(values.begin(), values.end(), bits.begin(),
                 [&](float v) { return half_ == DType::kF16 ? f32_to_f16(v) : f32_to_bf16(v); });
  return keep(bits.data(), n * 2);
}

DeviceLora::GroupMaps DeviceLora::make_group(const LoraWeights& lora, const ModelConfig& config,
                                             std::int32_t layer,
                                             std::span<const LoraTarget> targets) {
  GroupMaps group;
  std::vector<float> stacked;
  std::int64_t inputs = 0;
  std::int64_t ranks = 0;
  std::int64_t first_output = 0;
  for (const LoraTarget target : targets) {
    const LinearShape shape = linear_shape(config, target);
    const LoraWeights::Parts parts = lora.parts(layer, target);
    inputs = shape.inputs;
    if (!parts.b.empty()) {
      const std::int64_t width = padded(parts.a.rows);
      stacked.resize(static_cast<std::size_t>((ranks + width) * inputs));
      for (std::int64_t r = 0; r < parts.a.rows; ++r) {
        kernels::dequantize_row(parts.a, r, stacked.data() + (ranks + r) * inputs);
      }
      std::vector<float> b(static_cast<std::size_t>(shape.outputs * width));
      for (std::int64_t o = 0; o < shape.outputs; ++o) {
        kernels::dequantize_row(parts.b, o, b.data() + o * width);
      }
      group.maps.push_back(
          {{put(b), nullptr, shape.outputs, width, half_, half_}, ranks, first_output});
      ranks += width;
    }
    first_output += shape.outputs;
  }
  if (ranks > 0) group.a = {put(stacked), nullptr, ranks, inputs, half_, half_};
  return group;
}

void DeviceLora::apply(std::int32_t layer, Group group, Matrix x, Matrix y,
                       const std::int32_t* skip) {
  const GroupMaps& own =
      groups_[static_cast<std::size_t>(layer) * kGroups.size() + static_cast<std::size_t>(group)];
  if (own.a.data == nullptr) return;
  const Matrix product{product_.data(), x.rows, own.a.rows, most_ranks_, DType::kF32};
  const cuda::MatmulCall down{x, own.a, product, 0};
  backend_.run(&Api::matmul, &down);
  const cuda::MaskCall mask{product, skip};
  backend_.run(&Api::mask, &mask);
  for (const Map& map : own.maps) {
    Matrix ranks = product;
    ranks.data = product_.as<float>() + map.rank_from;
    ranks.cols = map.b.cols;
    Matrix part = y;
    part.data = static_cast<float*>(y.data) + map.first_output;
    part.cols = map.b.rows;
    const cuda::MatmulCall up{ranks, map.b, part, 1};
    backend_.run(&Api::matmul, &up);
  }
}

}  // namespace kvlink::inference
