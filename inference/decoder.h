// SPDX-License-Identifier: Apache-2.0
// The one compute primitive: forward(tokens or embeddings, positions, rows, KvCache).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "inference/kv_cache.h"
#include "inference/linear_maps.h"
#include "inference/link/lora.h"
#include "inference/model/model.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::inference {

struct TokenDraw;

/// What one forward pass reads and writes. Rows must exist in the cache (KvCache::append_rows).
struct ForwardBatch {
  std::span<const std::int32_t> token_ids;  ///< [n]; an id of -1 takes the next row of `embeddings`
  View<const float> embeddings;             ///< [n_soft, model_dim]: link and header tokens
  std::span<const std::int32_t> rows;       ///< [n] arena rows to write; their positions apply
  std::span<const std::int32_t> logit_rows;  ///< batch indices whose logits are wanted, ascending
  KvBlock* capture = nullptr;                ///< receives unrotated K and V of the batch rows
  std::int64_t capture_from = 0;             ///< first batch index that goes into `capture`
  /// [n], 1: the row is computed by the base weights alone; empty: LoRA acts on every row.
  std::span<const std::uint8_t> base_rows = {};

  /// Attention weights of the batch rows from mass_from on, added up over heads and layers for
  /// every arena row: [cache.n_rows()], or empty.
  std::span<float> attention_mass = {};
  std::int64_t mass_from = 0;
  /// When given [n, kv_dim], the pass ends with the keys and values of layer values_layer, whose
  /// values go here, and returns no logits.
  View<float> values = {};
  std::int32_t values_layer = 0;
  /// For a batch of one logit row: a device that can draws the token there, writes it here and
  /// returns no logits. Everybody else leaves it as it is.
  TokenDraw* draw = nullptr;
};

/// Throws kInvalidInput for a token id outside the vocabulary and for soft tokens without
/// embeddings.
void check_tokens(const ForwardBatch& batch, std::int32_t vocab_size);

/// Called before every layer of every tile: where a question overtakes ingestion and where Stop
/// takes effect. May throw Exception(kCancelled); the rows of the batch then hold no usable KV.
using LayerCallback = std::function<void()>;

/// Llama-family decoder, with LoRA beside the weights where it is given. Borrows the model, the
/// backend and the LoRA; keeps its own packed copy of quantised weights (linear_maps.h), made when
/// it is constructed. Reentrant: all state of a pass lives in the KvCache and in the pass itself.
class Decoder {
 public:
  /// `between_layers` is called before each layer is packed.
  Decoder(const Model& model, kernels::CpuBackend& backend, const LoraWeights* lora = nullptr,
          const LayerCallback& between_layers = {})
      : model_(model), backend_(backend), maps_(backend, model, between_layers), lora_(lora) {}

  /// Forwards the batch and returns logits [logit_rows.size(), vocab_size].
  /// Mask: a key is visible iff its position <= the query's. Within a layer, batches longer than
  /// tile_rows() are processed in tiles (rows must then be in strictly ascending position), so that
  /// memory stays bounded, beside one residual stream [n, model_dim], and Stop is seen in time.
  /// Throws kInvalidInput for a token id outside the vocabulary and for soft tokens without
  /// embeddings.
  std::vector<float> forward(const ForwardBatch& batch, KvCache& cache,
                             const LayerCallback& between_layers = {}) const;

  /// Rows that go through a layer together: at most kTile, fewer for larger models, so that a layer
  /// of a tile takes about 0.1 s on a desktop core.
  static std::int64_t tile_rows(const ModelConfig& config, int n_threads);
  static constexpr std::int64_t kTile = 512;
  /// Other LoRA from the next pass on; null: none.
  void use_lora(const LoraWeights* lora) { lora_ = lora; }
  const Model& model() const { return model_; }
  /// Memory that the packed weights take beside the model's own mapping.
  std::int64_t packed_bytes() const { return maps_.packed_bytes(); }
  kernels::CpuBackend& backend() const { return backend_; }

 private:
  const Model& model_;
  kernels::CpuBackend& backend_;
  ModelMaps maps_;
  const LoraWeights* lora_;
};

}  // namespace kvlink::inference
