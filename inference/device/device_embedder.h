// SPDX-License-Identifier: Apache-2.0
// The encoder of inference/embedder_pass.h on a device.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "inference/device/gpu_options.h"
#include "inference/embedder_pass.h"
#include "inference/embedder_weights.h"

namespace kvlink::inference {

/// Owns its weights and activations on the device; has a context of its own, beside a decoder's.
/// One user at a time.
class DeviceEmbedder {
 public:
  /// Texts are computed together up to this many tokens.
  static constexpr std::int64_t kMostTokens = 4096;

  /// Uploads the weights. Throws kOutOfMemory, with nothing left on the device, and kDevice.
  DeviceEmbedder(const EmbedderWeights& weights, const GpuOptions& options);
  ~DeviceEmbedder();

  /// States of the last layer [batch.ids.size(), dim], as encode_batch computes them, in one go. At
  /// most kMostTokens tokens. Throws kOutOfMemory, kDevice.
  std::vector<float> encode(const TokenBatch& batch);

  /// "NVIDIA H100 80GB HBM3, f16 products, cuBLASLt"
  std::string describe() const;

 private:
  struct Linear {
    cuda::Weights w;
    const float* bias = nullptr;
  };
  struct Norm {
    const float* weight = nullptr;
    const float* bias = nullptr;
  };
  struct Layer {
    Linear qkv;  // biases of the three side by side
    Linear attention_output;
    Norm attention_norm;
    Linear intermediate, output;
    Norm output_norm;
  };
  struct Buffers;
  struct Step;

  void* put(const void* bytes, std::int64_t n);
  const float* put_vector(const float* values, std::int64_t n);
  Linear put_linear(const std::vector<const LinearWeights*>& stacked);
  Norm put_norm(const LayerNormWeights& norm);
  void embed(const Step& step);
  void normalize(const Step& step, const Norm& norm);
  cuda::Matrix operand(const Step& step, const cuda::DeviceBuffer& from, std::int64_t cols);
  void attend_texts(const Step& step, const cuda::Arena& arena, cuda::Matrix q, cuda::Matrix y);
  void attend(const Step& step, const Layer& layer);
  void feed_forward(const Step& step, const Layer& layer);
  void multiply(const Linear& linear, cuda::Matrix x, cuda::Matrix y, bool accumulate);
  void add_bias(const Linear& linear, cuda::Matrix y);

  const EmbedderWeights& weights_;
  std::shared_ptr<cuda::CudaBackend> backend_;
  DType half_;
  std::vector<cuda::DeviceBuffer> buffers_;
  cuda::Weights words_ = {}, positions_ = {};
  Norm embedding_norm_;
  std::vector<Layer> layers_;
  std::unique_ptr<Buffers> work_;
};

}  // namespace kvlink::inference
