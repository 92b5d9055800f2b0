// SPDX-License-Identifier: Apache-2.0
#include "inference/embedder_pass.h"

#include <utility>

#include "kernels/attention.h"
#include "kernels/elementwise.h"
#include "kernels/embed.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"

namespace kvlink::inference {
namespace {

/// A matrix of activations that owns its memory.
struct Activations {
  Activations(std::int64_t r, std::int64_t c)
      : values(static_cast<std::size_t>(r * c)), rows(r), cols(c) {}
  View<float> view() { return {values.data(), rows, cols}; }
  View<float> part(std::int64_t begin, std::int64_t end) {
    return {values.data() + begin * cols, end - begin, cols};
  }

  std::vector<float> values;
  std::int64_t rows;
  std::int64_t cols;
};

void linear(kernels::CpuBackend& backend, View<const float> x, const LinearWeights& w,
            View<float> y, kernels::Accumulate accumulate = kernels::Accumulate::kNo) {
  kernels::matmul(backend, x, w.weight, y, accumulate);
  kernels::add_bias(backend, y, w.bias);
}

/// The activations of one batch and the steps over them.
class EncoderPass {
 public:
  EncoderPass(kernels::CpuBackend& backend, const EmbedderWeights& weights, const TokenBatch& batch)
      : backend_(backend),
        weights_(weights),
        batch_(batch),
        n_(static_cast<std::int64_t>(batch.ids.size())),
        x_(n_, weights.dim),
        q_(n_, weights.dim),
        k_(n_, weights.dim),
        v_(n_, weights.dim),
        mixed_(n_, weights.dim),
        hidden_(n_, weights.ffn_dim) {}

  std::vector<float> run(const std::function<void()>& between_layers) {
    embed_tokens();
    for (const EncoderLayerWeights& layer : weights_.layers) {
      if (between_layers) between_layers();
      attend(layer);
      if (between_layers) between_layers();  // the second half is the longer one
      feed_forward(layer);
    }
    return std::move(x_.values);
  }

 private:
  void normalize(const LayerNormWeights& norm) {
    kernels::layer_norm(backend_, x_.view(), norm.weight, norm.bias, weights_.norm_eps, x_.view());
  }

  void embed_tokens() {
    kernels::embed(backend_, weights_.words, batch_.ids, x_.view());
    for (std::size_t t = 0; t + 1 < batch_.begins.size(); ++t) {
      const auto begin = batch_.begins[t];
      const auto n_elements = (batch_.begins[t + 1] - begin) * weights_.dim;
      float* row = x_.values.data() + begin * weights_.dim;
      for (std::int64_t i = 0; i < n_elements; ++i) {
        row[i] += weights_.positions[static_cast<std::size_t>(i)];
      }
    }
    normalize(weights_.embedding_norm);
  }

  void attend(const EncoderLayerWeights& layer) {
    linear(backend_, x_.view(), layer.query, q_.view());
    linear(backend_, x_.view(), layer.key, k_.view());
    linear(backend_, x_.view(), layer.value, v_.view());
    for (std::size_t t = 0; t + 1 < batch_.begins.size(); ++t) {
      const auto begin = batch_.begins[t];
      const auto end = batch_.begins[t + 1];
      kernels::attention_bidirectional(backend_, q_.part(begin, end), k_.part(begin, end),
                                       v_.part(begin, end), weights_.n_heads,
                                       mixed_.part(begin, end));
    }
    linear(backend_, mixed_.view(), layer.attention_output, x_.view(), kernels::Accumulate::kYes);
    normalize(layer.attention_norm);
  }

  void feed_forward(const EncoderLayerWeights& layer) {
    linear(backend_, x_.view(), layer.intermediate, hidden_.view());
    kernels::gelu(backend_, hidden_.view());
    linear(backend_, hidden_.view(), layer.output, x_.view(), kernels::Accumulate::kYes);
    normalize(layer.output_norm);
  }

  kernels::CpuBackend& backend_;
  const EmbedderWeights& weights_;
  const TokenBatch& batch_;
  std::int64_t n_;
  Activations x_;
  Activations q_;
  Activations k_;
  Activations v_;
  Activations mixed_;
  Activations hidden_;
};

}  // namespace

std::vector<float> encode_batch(kernels::CpuBackend& backend, const EmbedderWeights& weights,
                                const TokenBatch& batch,
                                const std::function<void()>& between_layers) {
  return EncoderPass(backend, weights, batch).run(between_layers);
}

}  // namespace kvlink::inference
