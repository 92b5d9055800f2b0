// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_embedder.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;
using cuda::Matrix;

/// At most so many rows go through products with f32 activations.
constexpr std::int64_t kFewRows = 8;

std::int64_t bytes_of(const WeightView& w) { return w.rows * row_bytes(w.dtype, w.cols); }

}  // namespace

/// One batch: arrays of the host that the device reads, and where they lie there.
struct DeviceEmbedder::Step {
  std::int64_t n = 0;
  const std::vector<std::int64_t>* begins = nullptr;
  const std::int32_t* ids = nullptr;
  const std::int32_t* places = nullptr;   // of a token in its text
  const std::int32_t* rows = nullptr;     // 0, 1, …
  const std::int32_t* lengths = nullptr;  // of the texts
  DType half = DType::kF16;               // of what products read
};

struct DeviceEmbedder::Buffers {
  Buffers(const EmbedderWeights& w, cuda::CudaBackend& b)
      : x(b, kMostTokens * w.dim * 4),
        qkv(b, kMostTokens * 3 * w.dim * 4),
        q(b, kMostTokens * w.dim * 4),
        mixed(b, kMostTokens * w.dim * 4),
        hidden(b, kMostTokens * w.ffn_dim * 4),
        half(b, kMostTokens * std::max(w.dim, w.ffn_dim) * 2),
        keys(b, kMostTokens * w.dim * 4),
        values(b, kMostTokens * w.dim * 4),
        step(b, 4 * kMostTokens * 4),
        step_host(b, 4 * kMostTokens * 4) {}
  cuda::DeviceBuffer x, qkv, q, mixed, hidden, half, keys, values, step;
  cuda::PinnedBuffer step_host;
};

DeviceEmbedder::DeviceEmbedder(const EmbedderWeights& weights, const GpuOptions& options)
    : weights_(weights),
      backend_(std::make_shared<cuda::CudaBackend>(options.plugin, options.backend)),
      half_(options.decoder.products == Products::kF32 ? DType::kF32 : DType::kF16) {
  if (weights.max_positions > kMostTokens) {
    fail(ErrorCode::kUnsupported, "texts of " + std::to_string(weights.max_positions) +
                                      " tokens are not computed on a GPU");
  }
  const std::int64_t head_dim = weights.dim / weights.n_heads;
  if (head_dim % 8 != 0 || head_dim > 256) {
    fail(ErrorCode::kUnsupported,
         "heads of " + std::to_string(head_dim) + " elements are not computed on a GPU");
  }
  words_ = {put(weights.words.data, bytes_of(weights.words)),
            nullptr,
            weights.words.rows,
            weights.words.cols,
            weights.words.dtype,
            half_};
  positions_ = {put_vector(weights.positions.data(), std::ssize(weights.positions)),
                nullptr,
                weights.max_positions,
                weights.dim,
                DType::kF32,
                half_};
  embedding_norm_ = put_norm(weights.embedding_norm);
  for (const EncoderLayerWeights& w : weights.layers) {
    Layer layer;
    layer.qkv = put_linear({&w.query, &w.key, &w.value});
    layer.attention_output = put_linear({&w.attention_output});
    layer.attention_norm = put_norm(w.attention_norm);
    layer.intermediate = put_linear({&w.intermediate});
    layer.output = put_linear({&w.output});
    layer.output_norm = put_norm(w.output_norm);
    layers_.push_back(layer);
  }
  work_ = std::make_unique<Buffers>(weights, *backend_);
  // Rows of the last tile of a text that no key has been written to are multiplied by zero.
  backend_->run(&Api::clear, work_->keys.data(), work_->keys.size());
  backend_->run(&Api::clear, work_->values.data(), work_->values.size());
  backend_->run(&Api::synchronize);
}

DeviceEmbedder::~DeviceEmbedder() = default;

std::string DeviceEmbedder::describe() const {
  return std::string(backend_->device().name) + ", " + dtype_name(half_) + " products, " +
         backend_->api().describe_blas(backend_->context());
}

void* DeviceEmbedder::put(const void* bytes, std::int64_t n) {
  buffers_.emplace_back(*backend_, n);
  void* to = buffers_.back().data();
  if (bytes != nullptr) backend_->run(&Api::upload, Lane::kCompute, to, bytes, n);
  return to;
}

const float* DeviceEmbedder::put_vector(const float* values, std::int64_t n) {
  return static_cast<const float*>(put(values, n * static_cast<std::int64_t>(sizeof(float))));
}

DeviceEmbedder::Norm DeviceEmbedder::put_norm(const LayerNormWeights& norm) {
  return {put_vector(norm.weight, weights_.dim), put_vector(norm.bias, weights_.dim)};
}

/// Maps of the same input and type, one below the other; and in 16 bits, where they are not.
DeviceEmbedder::Linear DeviceEmbedder::put_linear(const std::vector<const LinearWeights*>& maps) {
  const WeightView& first = maps.front()->weight;
  std::int64_t rows = 0;
  for (const LinearWeights* map : maps) {
    if (map->weight.dtype != first.dtype) {
      fail(ErrorCode::kUnsupported,
           "weights of several types in one layer are not computed on a GPU");
    }
    rows += map->weight.rows;
  }
  auto* to = static_cast<std::byte*>(put(nullptr, rows * row_bytes(first.dtype, first.cols)));
  auto* bias = static_cast<float*>(put(nullptr, rows * 4));
  Linear linear{{to, nullptr, rows, first.cols, first.dtype, half_}, bias};
  for (const LinearWeights* map : maps) {
    const std::int64_t bytes = bytes_of(map->weight);
    backend_->run(&Api::upload, Lane::kCompute, static_cast<void*>(to),
                  static_cast<const void*>(map->weight.data), bytes);
    backend_->run(&Api::upload, Lane::kCompute, static_cast<void*>(bias),
                  static_cast<const void*>(map->bias), map->weight.rows * 4);
    to += bytes;
    bias += map->weight.rows;
  }
  if (half_ != DType::kF32 && first.dtype != half_) {
    void* wide = put(nullptr, rows * first.cols * 2);
    const cuda::DequantizeCall call{linear.w, {wide, rows, first.cols, first.cols, half_}};
    backend_->run(&Api::dequantize, &call);
    linear.w.wide = wide;
  }
  return linear;
}

void DeviceEmbedder::multiply(const Linear& linear, Matrix x, Matrix y, bool accumulate) {
  const cuda::MatmulCall call{x, linear.w, y, accumulate ? 1 : 0};
  backend_->run(&Api::matmul, &call);
}

void DeviceEmbedder::add_bias(const Linear& linear, Matrix y) {
  const cuda::AddCall call{y, {}, linear.bias};
  backend_->run(&Api::add, &call);
}

/// f32 rows as what products read: themselves where they are few, else in 16 bits.
Matrix DeviceEmbedder::operand(const Step& step, const cuda::DeviceBuffer& from,
                               std::int64_t cols) {
  const Matrix x{from.data(), step.n, cols, cols, DType::kF32};
  if (step.half == DType::kF32) return x;
  const Matrix y{work_->half.data(), step.n, cols, cols, step.half};
  const cuda::ConvertCall call{x, y};
  backend_->run(&Api::convert, &call);
  return y;
}

void DeviceEmbedder::normalize(const Step& step, const Norm& norm) {
  const Matrix x{work_->x.data(), step.n, weights_.dim, weights_.dim, DType::kF32};
  const cuda::NormCall call{x, nullptr, norm.weight, norm.bias, weights_.norm_eps, x};
  backend_->run(&Api::norm, &call);
}

void DeviceEmbedder::embed(const Step& step) {
  const std::int64_t dim = weights_.dim;
  const Matrix x{work_->x.data(), step.n, dim, dim, DType::kF32};
  const Matrix places{work_->mixed.data(), step.n, dim, dim, DType::kF32};
  const cuda::EmbedCall words{words_, step.ids, nullptr, x};
  backend_->run(&Api::embed, &words);
  const cuda::EmbedCall positions{positions_, step.places, nullptr, places};
  backend_->run(&Api::embed, &positions);
  const cuda::AddCall add{x, places, nullptr};
  backend_->run(&Api::add, &add);
  normalize(step, embedding_norm_);
}

/// Each text sees itself alone: a window of the arena for each.
void DeviceEmbedder::attend_texts(const Step& step, const cuda::Arena& arena, Matrix q, Matrix y) {
  for (std::size_t t = 0; t + 1 < step.begins->size(); ++t) {
    const std::int64_t begin = (*step.begins)[t];
    const std::int64_t n = (*step.begins)[t + 1] - begin;
    const std::int64_t behind = begin * arena.head_dim * block_bytes(arena.dtype);
    const auto rows_from = [&](const Matrix& m) {
      return Matrix{static_cast<float*>(m.data) + begin * m.cols, n, m.cols, m.cols, DType::kF32};
    };
    cuda::AttentionCall call = {};
    call.q = rows_from(q);
    call.arena = arena;
    call.arena.keys = static_cast<std::byte*>(arena.keys) + behind;
    call.arena.values = static_cast<std::byte*>(arena.values) + behind;
    call.n_keys = step.lengths + t;
    call.most_keys = n;
    call.half = DType::kF16;
    call.y = rows_from(y);
    backend_->run(&Api::attention, &call);
  }
}

void DeviceEmbedder::attend(const Step& step, const Layer& layer) {
  Buffers& b = *work_;
  const std::int64_t dim = weights_.dim;
  const Matrix x{b.x.data(), step.n, dim, dim, DType::kF32};
  const Matrix qkv{b.qkv.data(), step.n, 3 * dim, 3 * dim, DType::kF32};
  const Matrix q{b.q.data(), step.n, dim, dim, DType::kF32};
  const Matrix mixed{b.mixed.data(), step.n, dim, dim, DType::kF32};
  const DType arena_dtype = half_ == DType::kF32 ? DType::kF32 : DType::kF16;
  const std::int64_t head_dim = dim / weights_.n_heads;
  const cuda::Arena arena{.keys = b.keys.data(),
                          .values = b.values.data(),
                          .key_scales = nullptr,
                          .value_scales = nullptr,
                          .n_kv_heads = weights_.n_heads,
                          .capacity = kMostTokens,
                          .head_dim = head_dim,
                          .dtype = arena_dtype};
  multiply(layer.qkv, operand(step, b.x, dim), qkv, false);
  cuda::ProjectionCall projection = {};
  projection.qkv = qkv;
  projection.q_bias = layer.qkv.bias;
  projection.k_bias = layer.qkv.bias + dim;
  projection.v_bias = layer.qkv.bias + 2 * dim;
  projection.n_heads = weights_.n_heads;
  projection.rows = step.rows;
  projection.arena = arena;
  projection.q = q;
  backend_->run(&Api::finish_projection, &projection);
  attend_texts(step, arena, q, mixed);
  multiply(layer.attention_output, operand(step, b.mixed, dim), x, true);
  add_bias(layer.attention_output, x);
  normalize(step, layer.attention_norm);
}

void DeviceEmbedder::feed_forward(const Step& step, const Layer& layer) {
  Buffers& b = *work_;
  const std::int64_t ffn = weights_.ffn_dim;
  const Matrix x{b.x.data(), step.n, weights_.dim, weights_.dim, DType::kF32};
  const Matrix hidden{b.hidden.data(), step.n, ffn, ffn, DType::kF32};
  multiply(layer.intermediate, operand(step, b.x, weights_.dim), hidden, false);
  add_bias(layer.intermediate, hidden);
  const cuda::GeluCall gelu{hidden};
  backend_->run(&Api::gelu, &gelu);
  multiply(layer.output, operand(step, b.hidden, ffn), x, true);
  add_bias(layer.output, x);
  normalize(step, layer.output_norm);
}

std::vector<float> DeviceEmbedder::encode(const TokenBatch& batch) {
  const auto n = std::ssize(batch.ids);
  KVLINK_CHECK(n > 0 && n <= kMostTokens && batch.begins.back() == n);
  auto* host = work_->step_host.as<std::int32_t>();
  std::int32_t* places = std::copy(batch.ids.begin(), batch.ids.end(), host);
  std::int32_t* rows = places + n;
  std::int32_t* lengths = rows + n;
  std::iota(rows, rows + n, 0);
  for (std::size_t t = 0; t + 1 < batch.begins.size(); ++t) {
    const std::int64_t length = batch.begins[t + 1] - batch.begins[t];
    std::iota(places + batch.begins[t], places + batch.begins[t] + length, 0);
    lengths[t] = static_cast<std::int32_t>(length);
  }
  const auto* there = work_->step.as<std::int32_t>();
  const Step step{.n = n,
                  .begins = &batch.begins,
                  .ids = there,
                  .places = there + n,
                  .rows = there + 2 * n,
                  .lengths = there + 3 * n,
                  .half = n <= kFewRows ? DType::kF32 : half_};
  const std::int64_t n_texts = std::ssize(batch.begins) - 1;
  backend_->run(&Api::upload, Lane::kCompute, work_->step.data(), static_cast<const void*>(host),
                (3 * n + n_texts) * 4);
  embed(step);
  for (const Layer& layer : layers_) {
    attend(step, layer);
    feed_forward(step, layer);
  }
  std::vector<float> states(static_cast<std::size_t>(n * weights_.dim));
  backend_->run(&Api::download, static_cast<void*>(states.data()),
                static_cast<const void*>(work_->x.data()), n * weights_.dim * 4);
  return states;
}

}  // namespace kvlink::inference
