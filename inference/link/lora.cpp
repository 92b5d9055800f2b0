// SPDX-License-Identifier: Apache-2.0
#include "inference/link/lora.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "kernels/base/result.h"
#include "kernels/matmul.h"

namespace kvlink::inference {
namespace {

constexpr std::array<std::string_view, kLoraTargets> kTargetNames = {"q",    "k",  "v",   "o",
                                                                     "gate", "up", "down"};

float element(const TensorEntry& tensor, std::size_t i) {
  const std::byte* at =
      tensor.bytes.data() + i * static_cast<std::size_t>(block_bytes(tensor.dtype));
  if (tensor.dtype == DType::kF32) {
    float value = 0;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return tensor.dtype == DType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

}  // namespace

std::string_view lora_target_name(LoraTarget target) {
  return kTargetNames[static_cast<std::size_t>(target)];
}

LinearShape linear_shape(const ModelConfig& config, LoraTarget target) {
  switch (target) {
    case LoraTarget::kQ:
      return {config.attention_dim(), config.model_dim};
    case LoraTarget::kK:
    case LoraTarget::kV:
      return {config.kv_dim(), config.model_dim};
    case LoraTarget::kO:
      return {config.model_dim, config.attention_dim()};
    case LoraTarget::kGate:
    case LoraTarget::kUp:
      return {config.ffn_dim, config.model_dim};
    case LoraTarget::kDown:
      return {config.model_dim, config.ffn_dim};
  }
  return {};
}

std::size_t LoraWeights::group_of(LoraTarget target) {
  switch (target) {
    case LoraTarget::kQ:
    case LoraTarget::kK:
    case LoraTarget::kV:
      return 0;
    case LoraTarget::kO:
      return 1;
    case LoraTarget::kGate:
    case LoraTarget::kUp:
      return 2;
    case LoraTarget::kDown:
      break;
  }
  return 3;
}

LoraWeights::LoraWeights(const ModelConfig& config, std::span<const LoraPair> pairs) {
  if (pairs.empty()) return;
  layers_.resize(static_cast<std::size_t>(config.n_layers));
  std::vector<std::array<std::vector<const LoraPair*>, kGroups>> sorted(layers_.size());
  for (const LoraPair& pair : pairs) {
    const auto [outputs, inputs] = linear_shape(config, pair.target);
    KVLINK_CHECK(pair.layer >= 0 && pair.layer < config.n_layers);
    KVLINK_CHECK(pair.a.shape.size() == 2 && pair.a.shape[1] == inputs);
    KVLINK_CHECK(pair.b.shape.size() == 2 && pair.b.shape[0] == outputs &&
                 pair.b.shape[1] == pair.a.shape[0]);
    sorted[static_cast<std::size_t>(pair.layer)][group_of(pair.target)].push_back(&pair);
  }
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    for (std::size_t group = 0; group < kGroups; ++group) {
      add_group(layers_[layer], group, sorted[layer][group]);
    }
  }
}

void LoraWeights::add_group(Layer& layer, std::size_t group,
                            std::span<const LoraPair* const> pairs) {
  if (pairs.empty()) return;
  std::vector<const TensorEntry*> stacked;
  std::int64_t ranks = 0;
  for (const LoraPair* pair : pairs) {
    const TensorEntry* b = &pair->b;
    layer.factors[static_cast<std::size_t>(pair->target)] = {keep(std::span(&b, 1)), ranks};
    stacked.push_back(&pair->a);
    ranks += pair->a.shape[0];
  }
  layer.groups[group].a = keep(stacked);
  max_ranks_ = std::max(max_ranks_, ranks);
}

/// Matrices of one width, one below the other: in their own type when they share it, else in f32.
WeightView LoraWeights::keep(std::span<const TensorEntry* const> stacked) {
  const DType first = stacked.front()->dtype;
  const bool same = std::all_of(stacked.begin(), stacked.end(),
                                [&](const TensorEntry* t) { return t->dtype == first; });
  WeightView view{.data = nullptr,
                  .dtype = same ? first : DType::kF32,
                  .rows = 0,
                  .cols = stacked.front()->shape[1]};
  for (const TensorEntry* tensor : stacked) view.rows += tensor->shape[0];
  HostBuffer& buffer = buffers_.emplace_back(view.rows * row_bytes(view.dtype, view.cols));
  view.data = buffer.as<std::byte>();
  std::byte* next = buffer.as<std::byte>();
  for (const TensorEntry* tensor : stacked) {
    if (same) {
      std::memcpy(next, tensor->bytes.data(), tensor->bytes.size());
      next += tensor->bytes.size();
      continue;
    }
    const auto n = static_cast<std::size_t>(tensor->shape[0] * tensor->shape[1]);
    for (std::size_t i = 0; i < n; ++i, next += sizeof(float)) {
      const float value = element(*tensor, i);
      std::memcpy(next, &value, sizeof(value));
    }
  }
  return view;
}

LoraWeights::Parts LoraWeights::parts(std::int32_t layer, LoraTarget target) const {
  if (layers_.empty()) return {};
  const Layer& weights = layers_[static_cast<std::size_t>(layer)];
  const Factor& factor = weights.factors[static_cast<std::size_t>(target)];
  if (factor.b.empty()) return {};
  WeightView a = weights.groups[group_of(target)].a;
  a.data = a.row(factor.rank_from);
  a.rows = factor.b.cols;
  return {a, factor.b};
}

void LoraWeights::apply(kernels::CpuBackend& backend, std::int32_t layer, View<const float> x,
                        std::span<const Output> outputs, std::span<const std::uint8_t> base_rows,
                        float* scratch) const {
  if (layers_.empty()) return;
  const Layer& weights = layers_[static_cast<std::size_t>(layer)];
  const WeightView a = weights.groups[group_of(outputs.front().target)].a;
  if (a.empty()) return;
  const View<float> product(scratch, x.rows, a.rows);
  kernels::matmul(backend, x, a, product);
  for (std::size_t i = 0; i < base_rows.size(); ++i) {
    if (base_rows[i] != 0) std::fill_n(product.row(static_cast<std::int64_t>(i)), a.rows, 0.0F);
  }
  for (const Output& output : outputs) {
    const Factor& factor = weights.factors[static_cast<std::size_t>(output.target)];
    if (factor.b.empty()) continue;
    const View<const float> part(product.data + factor.rank_from, product.rows, factor.b.cols,
                                 product.row_stride);
    kernels::matmul(backend, part, factor.b, output.y, kernels::Accumulate::kYes);
  }
}

}  // namespace kvlink::inference
