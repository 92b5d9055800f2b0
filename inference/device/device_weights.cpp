// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_weights.h"

#include <algorithm>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;

/// Every allocation starts at a multiple of this.
constexpr std::int64_t kAlignment = 256;

std::int64_t bytes_of(const WeightView& w) { return w.rows * row_bytes(w.dtype, w.cols); }

std::int64_t aligned(std::int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

template <typename Visit>
void for_each_matrix(const Model& model, Visit visit) {
  visit(model.embedding);
  if (model.output.data != model.embedding.data) visit(model.output);
  for (const LayerWeights& w : model.layers) {
    for (const WeightView* m : {&w.wq, &w.wk, &w.wv, &w.wo, &w.gate, &w.up, &w.down}) visit(*m);
  }
}

/// What most bytes of the model are stored in decides.
DType choose_half(const Model& model, const cuda::CudaBackend& backend, Products products) {
  if (products == Products::kF32) return DType::kF32;
  if (products == Products::kF16) return DType::kF16;
  std::int64_t bf16 = 0;
  std::int64_t all = 0;
  for_each_matrix(model, [&](const WeightView& w) {
    all += w.rows * w.cols;
    if (w.dtype == DType::kBF16) bf16 += w.rows * w.cols;
  });
  const bool wanted = products == Products::kBF16 || 2 * bf16 > all;
  return wanted && backend.has_bf16() ? DType::kBF16 : DType::kF16;
}

}  // namespace

std::int64_t DeviceWeights::stored_bytes(const Model& model) {
  std::int64_t n = 0;
  for_each_matrix(model, [&](const WeightView& w) { n += aligned(bytes_of(w)); });
  const ModelConfig& c = model.config;
  const std::int64_t vectors = 2 * std::int64_t{c.model_dim} + c.attention_dim() + 2 * c.kv_dim() +
                               2 * std::int64_t{c.head_dim};
  return n + c.n_layers * (vectors * 4 + 7 * kAlignment) + c.model_dim * 4 + 4 * kAlignment;
}

std::int64_t DeviceWeights::wide_bytes(const Model& model) {
  std::int64_t n = 0;
  for_each_matrix(model, [&](const WeightView& w) {
    if (block_elements(w.dtype) > 1) n += aligned(w.rows * w.cols * 2);
  });
  return n;
}

DeviceWeights::DeviceWeights(const Model& model, cuda::CudaBackend& backend, Products products,
                             std::int64_t room_for_copies)
    : backend_(backend), half_(choose_half(model, backend, products)) {
  has_copies_ =
      half_ != DType::kF32 && wide_bytes(model) > 0 && wide_bytes(model) <= room_for_copies;
  const ModelConfig& c = model.config;
  embedding = put_matrix({model.embedding});
  if (model.output.data == model.embedding.data) {
    output = embedding;
  } else {
    output = put_matrix({model.output});
  }
  if (has_copies_) add_copy(output);
  output_norm = put_vector(model.output_norm, c.model_dim);
  rope_frequencies = put_vector(c.rope.frequencies.data(), std::ssize(c.rope.frequencies));
  for (const LayerWeights& w : model.layers) {
    DeviceLayer layer;
    layer.attention_norm = put_vector(w.attention_norm, c.model_dim);
    layer.ffn_norm = put_vector(w.ffn_norm, c.model_dim);
    layer.q_bias = put_vector(w.q_bias, c.attention_dim());
    layer.k_bias = put_vector(w.k_bias, c.kv_dim());
    layer.v_bias = put_vector(w.v_bias, c.kv_dim());
    layer.q_norm = put_vector(w.q_norm, c.head_dim);
    layer.k_norm = put_vector(w.k_norm, c.head_dim);
    layer.qkv = put_maps({w.wq, w.wk, w.wv});
    layer.o = put_maps({w.wo});
    layer.gate_up = put_maps({w.gate, w.up});
    layer.down = put_maps({w.down});
    layers.push_back(std::move(layer));
  }
  backend_.run(&Api::synchronize);
}

void* DeviceWeights::put(const void* bytes, std::int64_t n) {
  buffers_.emplace_back(backend_, n);
  void* to = buffers_.back().data();
  if (bytes != nullptr) backend_.run(&Api::upload, Lane::kCompute, to, bytes, n);
  return to;
}

const float* DeviceWeights::put_vector(const float* values, std::int64_t n) {
  if (values == nullptr || n == 0) return nullptr;
  return static_cast<const float*>(put(values, n * static_cast<std::int64_t>(sizeof(float))));
}

/// Matrices of one type and width, one below the other.
cuda::Weights DeviceWeights::put_matrix(const std::vector<WeightView>& stacked) {
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  for (const WeightView& w : stacked) {
    bytes += bytes_of(w);
    rows += w.rows;
  }
  auto* to = static_cast<std::byte*>(put(nullptr, bytes));
  const void* first = to;
  for (const WeightView& w : stacked) {
    backend_.run(&Api::upload, Lane::kCompute, static_cast<void*>(to),
                 static_cast<const void*>(w.data), bytes_of(w));
    to += bytes_of(w);
  }
  return {first, nullptr, rows, stacked.front().cols, stacked.front().dtype, half_};
}

DeviceMaps DeviceWeights::put_maps(const std::vector<WeightView>& maps) {
  DeviceMaps result;
  for (std::size_t i = 0; i < maps.size();) {
    std::size_t end = i + 1;
    while (end < maps.size() && maps[end].dtype == maps[i].dtype) ++end;
    cuda::Weights w = put_matrix({maps.begin() + static_cast<std::ptrdiff_t>(i),
                                  maps.begin() + static_cast<std::ptrdiff_t>(end)});
    if (has_copies_) add_copy(w);
    result.parts.push_back({w, result.outputs});
    result.outputs += w.rows;
    i = end;
  }
  return result;
}

void DeviceWeights::add_copy(cuda::Weights& w) {
  if (block_elements(w.dtype) == 1) return;
  void* to = put(nullptr, w.rows * w.cols * 2);
  const cuda::DequantizeCall call{w, {to, w.rows, w.cols, w.cols, half_}};
  backend_.run(&Api::dequantize, &call);
  w.wide = to;
}

}  // namespace kvlink::inference
