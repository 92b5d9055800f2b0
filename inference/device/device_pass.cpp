// SPDX-License-Identifier: Apache-2.0
// The layers of one step, queued on the compute lane.
#include "inference/device/device_step.h"

namespace kvlink::inference {

using cuda::Api;
using cuda::Lane;
using cuda::Matrix;

Matrix DeviceDecoder::rows_of(const cuda::DeviceBuffer& buffer, std::int64_t n, std::int64_t cols,
                              DType dtype) const {
  return {buffer.data(), n, cols, cols, dtype};
}

void DeviceDecoder::multiply(const DeviceMaps& maps, Matrix x, Matrix y, bool accumulate) {
  for (const DeviceMaps::Part& part : maps.parts) {
    Matrix own = y;
    const std::int64_t size = y.dtype == DType::kF32 ? 4 : 2;
    own.data = static_cast<std::byte*>(y.data) + part.first_output * size;
    own.cols = part.w.rows;
    const cuda::MatmulCall call{x, part.w, own, accumulate ? 1 : 0};
    backend_->run(&Api::matmul, &call);
  }
}

void DeviceDecoder::correct(const Tile& tile, std::int32_t layer, DeviceLora::Group group, Matrix x,
                            Matrix y) {
  if (lora_ == nullptr) return;
  lora_->apply(layer, group, x, y, buffers_->step.as<std::int32_t>() + tile.base_rows_at());
}

void DeviceDecoder::project(const Tile& tile, std::int32_t layer, const ForwardBatch* batch,
                            DeviceArena& arena) {
  const DeviceLayer& w = weights_.layers[static_cast<std::size_t>(layer)];
  Buffers& b = *buffers_;
  const std::int64_t n = tile.padded;
  const Matrix x = rows_of(b.x, n, config_.model_dim, DType::kF32);
  const Matrix normed = rows_of(b.normed, n, config_.model_dim, activation(n, weights_.half()));
  const Matrix qkv = rows_of(b.qkv, n, qkv_dim(config_), DType::kF32);
  const cuda::NormCall norm{x, nullptr, w.attention_norm, nullptr, config_.rms_norm_eps, normed};
  backend_->run(&Api::norm, &norm);
  multiply(w.qkv, normed, qkv, false);
  correct(tile, layer, DeviceLora::Group::kQkv, normed, qkv);
  const auto* step = b.step.as<std::int32_t>();
  const bool wants_values = batch != nullptr && batch->values.data != nullptr;
  const bool captures = batch != nullptr && (batch->capture != nullptr || wants_values);
  const std::int64_t capture_from = captures && !wants_values ? batch->capture_from : 0;
  auto* captured = b.captured.as<float>();
  const cuda::ProjectionCall call{
      .qkv = qkv,
      .q_bias = w.q_bias,
      .k_bias = w.k_bias,
      .v_bias = w.v_bias,
      .q_norm = w.q_norm,
      .k_norm = w.k_norm,
      .eps = config_.rms_norm_eps,
      .n_heads = config_.n_heads,
      .rope = {b.pairs.as<float>(), std::ssize(config_.rope.frequencies),
               config_.rope.pairing == kernels::RopePairing::kInterleaved ? 1 : 0},
      .rows = step + tile.rows_at(),
      .arena = arena.layer(layer),
      .captured_keys = captures ? captured : nullptr,
      .captured_values = captures ? captured + options_.tile_rows * config_.kv_dim() : nullptr,
      .capture_from = capture_from,
      .q = rows_of(b.q, n, config_.attention_dim(), DType::kF32)};
  backend_->run(&Api::finish_projection, &call);
}

cuda::AttentionCall DeviceDecoder::attention_call(const Tile& tile, std::int32_t layer,
                                                  const DeviceArena& arena,
                                                  std::int64_t most_keys) const {
  const Buffers& b = *buffers_;
  const auto* step = b.step.as<std::int32_t>();
  const std::int64_t n = tile.padded;
  return {.q = rows_of(b.q, n, config_.attention_dim(), DType::kF32),
          .arena = arena.layer(layer),
          .key_positions = arena.positions(),
          .query_positions = step + tile.positions_at(),
          .key_biases = arena.biases(),
          .n_keys = step,
          .most_keys = most_keys,
          .half = weights_.half() == DType::kBF16 ? DType::kBF16 : DType::kF16,
          .y = rows_of(b.attended, n, config_.attention_dim(), activation(n, weights_.half()))};
}

void DeviceDecoder::attend(const Tile& tile, std::int32_t layer, DeviceArena& arena,
                           std::int64_t most_keys) {
  const DeviceLayer& w = weights_.layers[static_cast<std::size_t>(layer)];
  const cuda::AttentionCall call = attention_call(tile, layer, arena, most_keys);
  backend_->run(&Api::attention, &call);
  const Matrix x = rows_of(buffers_->x, tile.padded, config_.model_dim, DType::kF32);
  multiply(w.o, call.y, x, true);
  correct(tile, layer, DeviceLora::Group::kO, call.y, x);
}

void DeviceDecoder::feed_forward(const Tile& tile, std::int32_t layer) {
  const DeviceLayer& w = weights_.layers[static_cast<std::size_t>(layer)];
  Buffers& b = *buffers_;
  const std::int64_t n = tile.padded;
  const DType type = activation(n, weights_.half());
  const Matrix x = rows_of(b.x, n, config_.model_dim, DType::kF32);
  const Matrix normed = rows_of(b.normed, n, config_.model_dim, type);
  // bf16 has the range of f32; gates and ups of some models leave that of f16. LoRA adds in f32.
  const DType gate_type = type == DType::kBF16 && lora_ == nullptr ? DType::kBF16 : DType::kF32;
  const Matrix gate_up = rows_of(b.gate_up, n, 2 * std::int64_t{config_.ffn_dim}, gate_type);
  const Matrix act = rows_of(b.act, n, config_.ffn_dim, type);
  const cuda::NormCall norm{x, nullptr, w.ffn_norm, nullptr, config_.rms_norm_eps, normed};
  backend_->run(&Api::norm, &norm);
  multiply(w.gate_up, normed, gate_up, false);
  correct(tile, layer, DeviceLora::Group::kGateUp, normed, gate_up);
  const cuda::SwigluCall gate{gate_up, act};
  backend_->run(&Api::swiglu, &gate);
  multiply(w.down, act, x, true);
  correct(tile, layer, DeviceLora::Group::kDown, act, x);
}

/// Everything of a step but its logits. batch: null inside a graph.
void DeviceDecoder::enqueue_layers(const Tile& tile, const ForwardBatch* batch, DeviceArena& arena,
                                   std::int64_t most_keys, const LayerCallback& between_layers) {
  Buffers& b = *buffers_;
  backend_->run(&Api::upload, Lane::kCompute, b.step.data(),
                static_cast<const void*>(b.step_host.as<std::byte>()), tile.bytes());
  const auto* step = b.step.as<std::int32_t>();
  const bool much_soft =
      batch != nullptr && batch->embeddings.rows * config_.model_dim * 4 > b.soft.size();
  const cuda::EmbedCall embed{weights_.embedding, step + tile.ids_at(),
                              much_soft ? b.more_soft.as<float>() : b.soft.as<float>(),
                              rows_of(b.x, tile.padded, config_.model_dim, DType::kF32)};
  backend_->run(&Api::embed, &embed);
  const cuda::RopeTableCall table{.lane = Lane::kCompute,
                                  .positions = step + tile.positions_at(),
                                  .frequencies = weights_.rope_frequencies,
                                  .rows = step + tile.rows_at(),
                                  .arena_positions = arena.positions(),
                                  .magnitude = config_.rope.magnitude,
                                  .n = tile.padded,
                                  .n_frequencies = std::ssize(config_.rope.frequencies),
                                  .pairs = b.pairs.as<float>()};
  backend_->run(&Api::rope_table, &table);
  for (std::int32_t layer = 0; layer < config_.n_layers; ++layer) {
    if (batch != nullptr && between_layers) between_layers();
    if (batch != nullptr) loader_->wait_for_layer(layer);
    project(tile, layer, batch, arena);
    if (batch != nullptr && batch->values.data != nullptr && layer == batch->values_layer) {
      const float* values = b.captured.as<float>() + options_.tile_rows * config_.kv_dim();
      backend_->run(&Api::download, static_cast<void*>(batch->values.row(tile.from)),
                    static_cast<const void*>(values), tile.n * config_.kv_dim() * 4);
      return;
    }
    if (batch != nullptr && batch->capture != nullptr) {
      const auto* keys = b.captured.as<float>();
      capture_->store(layer, keys, keys + options_.tile_rows * config_.kv_dim());
    }
    if (batch != nullptr && !batch->attention_mass.empty() &&
        batch->mass_from < tile.from + tile.n) {
      const std::int64_t first = std::max<std::int64_t>(0, batch->mass_from - tile.from);
      cuda::AttentionMassCall mass{
          rows_of(b.q, tile.n - first, config_.attention_dim(), DType::kF32),
          arena.layer(layer),
          arena.positions(),
          step + tile.positions_at() + first,
          std::ssize(batch->attention_mass),
          b.mass.as<float>()};
      mass.q.data = b.q.as<float>() + first * config_.attention_dim();
      backend_->run(&Api::attention_mass, &mass);
    }
    const bool is_last = layer + 1 == config_.n_layers;
    // The last layer's output serves the logits only.
    if (is_last && tile.logit_rows.empty()) break;
    attend(tile, layer, arena, most_keys);
    feed_forward(tile, layer);
  }
}

/// Logits of tile.logit_rows[from, from + n) into the logits buffer.
void DeviceDecoder::enqueue_logits(const Tile& tile, std::int64_t from, std::int64_t n) {
  Buffers& b = *buffers_;
  const DType type = activation(n, weights_.half());
  const Matrix normed = rows_of(b.normed, n, config_.model_dim, type);
  const cuda::NormCall norm{rows_of(b.x, tile.padded, config_.model_dim, DType::kF32),
                            b.step.as<std::int32_t>() + Tile::logit_rows_at() + from,
                            weights_.output_norm,
                            nullptr,
                            config_.rms_norm_eps,
                            normed};
  backend_->run(&Api::norm, &norm);
  const cuda::MatmulCall call{normed, weights_.output,
                              rows_of(b.logits, n, config_.vocab_size, DType::kF32), 0};
  backend_->run(&Api::matmul, &call);
}

}  // namespace kvlink::inference
