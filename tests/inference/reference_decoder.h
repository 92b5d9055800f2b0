// SPDX-License-Identifier: Apache-2.0
// The llama decoder written from its formulas: double precision, one loop per sum, no cache.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "inference/model/model.h"
#include "kernels/embed.h"

namespace kvlink::tests {

using Matrix = std::vector<std::vector<double>>;

struct ReferenceResult {
  Matrix logits;             ///< [n, vocab_size]
  std::vector<Matrix> keys;  ///< per layer [n, kv_dim], before rotation
  std::vector<Matrix> values;
};

inline std::vector<double> weight_row(WeightView w, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(w.cols));
  kernels::dequantize_row(w, row, values.data());
  return {values.begin(), values.end()};
}

inline Matrix times(const Matrix& x, WeightView w) {
  Matrix y(x.size(), std::vector<double>(static_cast<std::size_t>(w.rows)));
  for (std::size_t o = 0; o < static_cast<std::size_t>(w.rows); ++o) {
    const auto row = weight_row(w, static_cast<std::int64_t>(o));
    for (std::size_t r = 0; r < x.size(); ++r) {
      for (std::size_t i = 0; i < row.size(); ++i) y[r][o] += x[r][i] * row[i];
    }
  }
  return y;
}

inline Matrix rms_normed(Matrix x, const float* w, double eps) {
  for (auto& row : x) {
    double squares = 0.0;
    for (const double v : row) squares += v * v;
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(row.size()) + eps);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] *= scale * static_cast<double>(w[i]);
  }
  return x;
}

inline void rotate(Matrix& x, const inference::ModelConfig& c,
                   std::span<const std::int32_t> positions) {
  const auto head_dim = static_cast<std::size_t>(c.head_dim);
  const std::size_t half = c.rope.frequencies.size();
  const bool interleaved = c.rope.pairing == kernels::RopePairing::kInterleaved;
  for (std::size_t r = 0; r < x.size(); ++r) {
    for (std::size_t head = 0; head < x[r].size(); head += head_dim) {
      for (std::size_t i = 0; i < half; ++i) {
        const double angle = positions[r] * static_cast<double>(c.rope.frequencies[i]);
        double& a = x[r][head + (interleaved ? 2 * i : i)];
        double& b = x[r][head + (interleaved ? 2 * i + 1 : i + half)];
        const double m = static_cast<double>(c.rope.magnitude);
        const double rotated_a = m * (a * std::cos(angle) - b * std::sin(angle));
        b = m * (a * std::sin(angle) + b * std::cos(angle));
        a = rotated_a;
      }
    }
  }
}

inline Matrix attended(const Matrix& q, const Matrix& k, const Matrix& v,
                       const inference::ModelConfig& c, std::span<const std::int32_t> positions) {
  const auto d = static_cast<std::size_t>(c.head_dim);
  Matrix y(q.size(), std::vector<double>(q[0].size()));
  for (std::size_t r = 0; r < q.size(); ++r) {
    for (std::size_t h = 0; h < static_cast<std::size_t>(c.n_heads); ++h) {
      const std::size_t kv = h / static_cast<std::size_t>(c.n_heads / c.n_kv_heads) * d;
      double total = 0.0;
      for (std::size_t key = 0; key < k.size(); ++key) {
        if (positions[key] > positions[r]) continue;
        double score = 0.0;
        for (std::size_t i = 0; i < d; ++i) score += q[r][h * d + i] * k[key][kv + i];
        const double p = std::exp(score / std::sqrt(static_cast<double>(d)));
        total += p;
        for (std::size_t i = 0; i < d; ++i) y[r][h * d + i] += p * v[key][kv + i];
      }
      for (std::size_t i = 0; i < d; ++i) y[r][h * d + i] /= total;
    }
  }
  return y;
}

inline void add_to(Matrix& x, const Matrix& y) {
  for (std::size_t r = 0; r < x.size(); ++r) {
    for (std::size_t i = 0; i < x[r].size(); ++i) x[r][i] += y[r][i];
  }
}

/// x [n, model_dim]: the embeddings of the tokens, or soft tokens.
inline ReferenceResult reference_forward(const inference::Model& model, Matrix x,
                                         std::span<const std::int32_t> positions) {
  const auto& c = model.config;
  const auto eps = static_cast<double>(c.rms_norm_eps);
  ReferenceResult result;
  for (const auto& w : model.layers) {
    const Matrix normed = rms_normed(x, w.attention_norm, eps);
    Matrix q = times(normed, w.wq);
    Matrix k = times(normed, w.wk);
    const Matrix v = times(normed, w.wv);
    result.keys.push_back(k);
    result.values.push_back(v);
    rotate(q, c, positions);
    rotate(k, c, positions);
    add_to(x, times(attended(q, k, v, c, positions), w.wo));
    const Matrix ffn_normed = rms_normed(x, w.ffn_norm, eps);
    Matrix gate = times(ffn_normed, w.gate);
    const Matrix up = times(ffn_normed, w.up);
    for (std::size_t r = 0; r < gate.size(); ++r) {
      for (std::size_t i = 0; i < gate[r].size(); ++i) {
        gate[r][i] *= up[r][i] / (1.0 + std::exp(-gate[r][i]));
      }
    }
    add_to(x, times(gate, w.down));
  }
  result.logits = times(rms_normed(x, model.output_norm, eps), model.output);
  return result;
}

inline Matrix token_embeddings(const inference::Model& model, std::span<const std::int32_t> ids) {
  Matrix x;
  for (const std::int32_t id : ids) x.push_back(weight_row(model.embedding, id));
  return x;
}

}  // namespace kvlink::tests
