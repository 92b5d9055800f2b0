// SPDX-License-Identifier: Apache-2.0
#include "inference/decoder.h"

#include <algorithm>
#include <array>
#include <string>

#include "inference/link/attention_mass.h"
#include "kernels/attention.h"
#include "kernels/base/result.h"
#include "kernels/elementwise.h"
#include "kernels/embed.h"
#include "kernels/kv.h"
#include "kernels/norm.h"
#include "kernels/rope.h"

namespace kvlink::inference {
namespace {

using kernels::Accumulate;

/// Batch rows that go through a layer together.
struct Tile {
  std::int64_t from = 0;
  std::int64_t n = 0;
  std::int64_t n_keys =
      0;  ///< arena rows past the last one that any query here can see are left out
  bool wants_logits = false;
};

/// Activations of one pass in one allocation: the residual stream of the whole batch, everything
/// else for one tile, and the projected keys and values of one layer when they are captured.
struct Activations {
  Activations(const ModelConfig& c, std::int64_t n, std::int64_t tile, std::int64_t n_captured,
              std::int64_t lora_ranks) {
    const std::int64_t bytes = span_bytes(n, c.model_dim) + span_bytes(tile, c.model_dim) +
                               2 * span_bytes(tile, c.attention_dim()) +
                               2 * span_bytes(tile, c.kv_dim()) + 2 * span_bytes(tile, c.ffn_dim) +
                               2 * span_bytes(n_captured, c.kv_dim()) +
                               span_bytes(tile, lora_ranks);
    memory = HostBuffer(bytes);
    std::byte* next = memory.as<std::byte>();
    for (auto [view, rows, cols] :
         {Slot{&x, n, c.model_dim}, Slot{&normed, tile, c.model_dim},
          Slot{&q, tile, c.attention_dim()}, Slot{&attended, tile, c.attention_dim()},
          Slot{&k, tile, c.kv_dim()}, Slot{&v, tile, c.kv_dim()}, Slot{&gate, tile, c.ffn_dim},
          Slot{&up, tile, c.ffn_dim}, Slot{&captured_k, n_captured, c.kv_dim()},
          Slot{&captured_v, n_captured, c.kv_dim()}, Slot{&lora, tile, lora_ranks}}) {
      *view = View<float>(reinterpret_cast<float*>(next), rows, cols);
      next += span_bytes(rows, cols);
    }
  }

  View<float> x, normed, q, attended, k, v, gate, up, captured_k, captured_v, lora;

 private:
  struct Slot {
    View<float>* view;
    std::int64_t rows, cols;
  };
  /// Rounded up to a cache line, so that every array starts on one.
  static std::int64_t span_bytes(std::int64_t rows, std::int64_t cols) {
    return (rows * cols * static_cast<std::int64_t>(sizeof(float)) + 63) / 64 * 64;
  }
  HostBuffer memory;
};

View<float> rows_of(View<float> v, std::int64_t from, std::int64_t n) {
  return {v.row(from), n, v.cols, v.row_stride};
}

std::vector<std::int32_t> positions_of(const ForwardBatch& batch, const KvCache& cache) {
  std::vector<std::int32_t> positions;
  positions.reserve(batch.rows.size());
  for (const std::int32_t row : batch.rows) {
    KVLINK_CHECK(row >= 0 && row < cache.n_rows());
    positions.push_back(cache.positions()[static_cast<std::size_t>(row)]);
  }
  return positions;
}

/// One forward pass: the batch, its activations, and the steps through the layers.
class Pass {
 public:
  Pass(const Model& model, const ModelMaps& maps, kernels::CpuBackend& backend,
       const LoraWeights* lora, const ForwardBatch& batch, KvCache& cache)
      : model_(model),
        maps_(maps),
        config_(model.config),
        backend_(backend),
        lora_(lora),
        batch_(batch),
        cache_(cache),
        n_(static_cast<std::int64_t>(batch.token_ids.size())),
        tile_rows_(Decoder::tile_rows(model.config, backend.n_threads())),
        positions_(positions_of(batch, cache)),
        act_(model.config, n_, std::min(n_, tile_rows_),
             batch.capture == nullptr ? 0 : n_ - batch.capture_from,
             lora == nullptr ? 0 : lora->max_ranks()) {
    check_batch();
    split_into_tiles();
  }

  std::vector<float> run(const LayerCallback& between_layers) {
    embed_batch();
    for (std::int32_t layer = 0; layer < config_.n_layers; ++layer) {
      const bool is_last = layer + 1 == config_.n_layers;
      for (const Tile& tile : tiles_) {
        if (between_layers) between_layers();
        project(layer, tile);
        if (ends_after_projection(layer)) continue;
        // The last layer's output serves the logits only.
        if (is_last && !tile.wants_logits && batch_.attention_mass.empty()) continue;
        attend(layer, tile);
        if (is_last && !tile.wants_logits) continue;
        feed_forward(layer, tile);
      }
      if (ends_after_projection(layer)) return {};
      if (batch_.capture != nullptr) {
        kernels::kv_store(backend_, act_.captured_k, act_.captured_v, layer, *batch_.capture);
      }
    }
    return logits();
  }

 private:
  void check_batch() const {
    KVLINK_CHECK(n_ > 0 && batch_.rows.size() == batch_.token_ids.size());
    KVLINK_CHECK(batch_.base_rows.empty() || std::ssize(batch_.base_rows) == n_);
    check_tokens(batch_, config_.vocab_size);
    KVLINK_CHECK(batch_.embeddings.rows == 0 || batch_.embeddings.cols == config_.model_dim);
    for (const std::int32_t i : batch_.logit_rows) KVLINK_CHECK(i >= 0 && i < n_);
    const auto n_mass = static_cast<std::int64_t>(batch_.attention_mass.size());
    KVLINK_CHECK(n_mass == 0 || n_mass == cache_.n_rows());
    if (batch_.values.data != nullptr) {
      KVLINK_CHECK(batch_.values.rows == n_ && batch_.values.cols == config_.kv_dim());
      KVLINK_CHECK(batch_.values_layer >= 0 && batch_.values_layer < config_.n_layers);
    }
    if (batch_.capture != nullptr) {
      const KvLayout& layout = batch_.capture->layout();
      KVLINK_CHECK(batch_.capture_from >= 0 &&
                   batch_.capture->n_tokens() == n_ - batch_.capture_from);
      KVLINK_CHECK(layout.n_layers == config_.n_layers && layout.kv_dim() == config_.kv_dim());
    }
    if (n_ > tile_rows_) {
      // A query must not see a row of a later tile: it is not written yet.
      const auto not_ascending =
          std::adjacent_find(positions_.begin(), positions_.end(), std::greater_equal<>());
      KVLINK_CHECK(not_ascending == positions_.end());
    }
  }

  void split_into_tiles() {
    const auto all = cache_.positions();
    for (std::int64_t from = 0; from < n_; from += tile_rows_) {
      Tile tile{.from = from, .n = std::min(tile_rows_, n_ - from)};
      const auto queries = positions_of_tile(tile);
      const std::int32_t last_query = *std::max_element(queries.begin(), queries.end());
      tile.n_keys = static_cast<std::int64_t>(all.size());
      while (tile.n_keys > 0 && all[static_cast<std::size_t>(tile.n_keys - 1)] > last_query) {
        --tile.n_keys;
      }
      tile.wants_logits =
          std::any_of(batch_.logit_rows.begin(), batch_.logit_rows.end(),
                      [&](std::int32_t i) { return i >= from && i < from + tile.n; });
      tiles_.push_back(tile);
    }
  }

  const LayerMaps& maps_of(std::int32_t layer) const {
    return maps_.layers[static_cast<std::size_t>(layer)];
  }

  std::span<const std::int32_t> positions_of_tile(const Tile& tile) const {
    return std::span(positions_)
        .subspan(static_cast<std::size_t>(tile.from), static_cast<std::size_t>(tile.n));
  }

  void embed_batch() {
    std::vector<std::int32_t> ids(batch_.token_ids.begin(), batch_.token_ids.end());
    std::replace(ids.begin(), ids.end(), -1, 0);
    kernels::embed(backend_, model_.embedding, ids, act_.x);
    std::int64_t soft = 0;
    for (std::int64_t i = 0; i < n_; ++i) {
      if (batch_.token_ids[static_cast<std::size_t>(i)] != -1) continue;
      std::copy_n(batch_.embeddings.row(soft++), config_.model_dim, act_.x.row(i));
    }
  }

  using Corrected = LoraWeights::Output;
  /// Adds what the LoRA has to say about maps that all read x, the rows of a tile.
  void correct(std::int32_t layer, const Tile& tile, View<const float> x,
               std::span<const Corrected> outputs) {
    if (lora_ == nullptr) return;
    const auto base = batch_.base_rows.empty()
                          ? std::span<const std::uint8_t>()
                          : batch_.base_rows.subspan(static_cast<std::size_t>(tile.from),
                                                     static_cast<std::size_t>(tile.n));
    if (!base.empty() && std::find(base.begin(), base.end(), 0) == base.end()) return;
    lora_->apply(backend_, layer, x, outputs, base, act_.lora.data);
  }

  bool ends_after_projection(std::int32_t layer) const {
    return batch_.values.data != nullptr && layer == batch_.values_layer;
  }

  /// Biases, then the norm of each head, where the family has them.
  void finish_projection(const LayerWeights& w, View<float> q, View<float> k, View<float> v) const {
    if (w.q_bias != nullptr) {
      kernels::add_bias(backend_, q, w.q_bias);
      kernels::add_bias(backend_, k, w.k_bias);
      kernels::add_bias(backend_, v, w.v_bias);
    }
    if (w.q_norm != nullptr) {
      norm_heads(q, w.q_norm);
      norm_heads(k, w.k_norm);
    }
  }

  void norm_heads(View<float> x, const float* weight) const {
    KVLINK_CHECK(x.row_stride == x.cols);
    const View<float> heads(x.data, x.rows * x.cols / config_.head_dim, config_.head_dim);
    kernels::rms_norm(backend_, heads, weight, config_.rms_norm_eps, heads);
  }

  /// x → q, k, v; keys and values into the arena, rotated, and into the capture, not rotated.
  void project(std::int32_t layer, const Tile& tile) {
    const LayerWeights& w = model_.layers[static_cast<std::size_t>(layer)];
    const View<float> normed = rows_of(act_.normed, 0, tile.n);
    const View<float> q = rows_of(act_.q, 0, tile.n);
    const View<float> k = rows_of(act_.k, 0, tile.n);
    const View<float> v = rows_of(act_.v, 0, tile.n);
    kernels::rms_norm(backend_, rows_of(act_.x, tile.from, tile.n), w.attention_norm,
                      config_.rms_norm_eps, normed);
    maps_of(layer).qkv.multiply(backend_, normed, std::array{q, k, v});
    correct(layer, tile, normed,
            std::array{Corrected{LoraTarget::kQ, q}, Corrected{LoraTarget::kK, k},
                       Corrected{LoraTarget::kV, v}});
    finish_projection(w, q, k, v);
    if (ends_after_projection(layer)) {
      for (std::int64_t i = 0; i < tile.n; ++i) {
        std::copy_n(v.row(i), v.cols, batch_.values.row(tile.from + i));
      }
    }
    if (batch_.capture != nullptr) capture(tile, k, v);
    const auto positions = positions_of_tile(tile);
    kernels::rope(backend_, config_.rope, config_.head_dim, positions, q);
    kernels::rope(backend_, config_.rope, config_.head_dim, positions, k);
    kernels::kv_scatter(
        backend_, k, v,
        batch_.rows.subspan(static_cast<std::size_t>(tile.from), static_cast<std::size_t>(tile.n)),
        cache_.layer(layer));
  }

  void capture(const Tile& tile, View<const float> k, View<const float> v) {
    for (std::int64_t i = std::max<std::int64_t>(0, batch_.capture_from - tile.from); i < tile.n;
         ++i) {
      const std::int64_t token = tile.from + i - batch_.capture_from;
      std::copy_n(k.row(i), k.cols, act_.captured_k.row(token));
      std::copy_n(v.row(i), v.cols, act_.captured_v.row(token));
    }
  }

  void attend(std::int32_t layer, const Tile& tile) {
    const View<float> attended = rows_of(act_.attended, 0, tile.n);
    const View<float> x = rows_of(act_.x, tile.from, tile.n);
    const auto keys = cache_.positions().first(static_cast<std::size_t>(tile.n_keys));
    const auto biases = cache_.biases();
    kernels::attention(backend_, rows_of(act_.q, 0, tile.n), cache_.layer(layer), keys,
                       positions_of_tile(tile), attended,
                       biases.empty() ? biases : biases.first(keys.size()));
    if (!batch_.attention_mass.empty()) add_mass(layer, tile, keys);
    maps_of(layer).o.multiply(backend_, attended, std::array{x}, Accumulate::kYes);
    correct(layer, tile, attended, std::array{Corrected{LoraTarget::kO, x}});
  }

  void add_mass(std::int32_t layer, const Tile& tile, std::span<const std::int32_t> keys) {
    const std::int64_t first = std::max<std::int64_t>(0, batch_.mass_from - tile.from);
    if (first >= tile.n) return;
    add_attention_mass(backend_, rows_of(act_.q, first, tile.n - first), cache_.layer(layer), keys,
                       positions_of_tile(tile).subspan(static_cast<std::size_t>(first)),
                       batch_.attention_mass);
  }

  void feed_forward(std::int32_t layer, const Tile& tile) {
    const LayerWeights& w = model_.layers[static_cast<std::size_t>(layer)];
    const View<float> x = rows_of(act_.x, tile.from, tile.n);
    const View<float> normed = rows_of(act_.normed, 0, tile.n);
    const View<float> gate = rows_of(act_.gate, 0, tile.n);
    const View<float> up = rows_of(act_.up, 0, tile.n);
    kernels::rms_norm(backend_, x, w.ffn_norm, config_.rms_norm_eps, normed);
    maps_of(layer).gate_up.multiply(backend_, normed, std::array{gate, up});
    correct(layer, tile, normed,
            std::array{Corrected{LoraTarget::kGate, gate}, Corrected{LoraTarget::kUp, up}});
    kernels::swiglu(backend_, gate, up, gate);
    maps_of(layer).down.multiply(backend_, gate, std::array{x}, Accumulate::kYes);
    correct(layer, tile, gate, std::array{Corrected{LoraTarget::kDown, x}});
  }

  std::vector<float> logits() {
    const auto n = static_cast<std::int64_t>(batch_.logit_rows.size());
    std::vector<float> out(static_cast<std::size_t>(n * config_.vocab_size));
    for (std::int64_t from = 0; from < n; from += act_.normed.rows) {
      const View<float> normed = rows_of(act_.normed, 0, std::min(act_.normed.rows, n - from));
      for (std::int64_t i = 0; i < normed.rows; ++i) {
        const std::int32_t row = batch_.logit_rows[static_cast<std::size_t>(from + i)];
        std::copy_n(act_.x.row(row), config_.model_dim, normed.row(i));
      }
      kernels::rms_norm(backend_, normed, model_.output_norm, config_.rms_norm_eps, normed);
      const View<float> y(out.data() + from * config_.vocab_size, normed.rows, config_.vocab_size);
      maps_.output.multiply(backend_, normed, std::array{y}, Accumulate::kNo,
                            kernels::Rounding::kTwice);
    }
    return out;
  }

  const Model& model_;
  const ModelMaps& maps_;
  const ModelConfig& config_;
  kernels::CpuBackend& backend_;
  const LoraWeights* lora_;
  const ForwardBatch& batch_;
  KvCache& cache_;
  std::int64_t n_;
  std::int64_t tile_rows_;
  std::vector<std::int32_t> positions_;
  std::vector<Tile> tiles_;
  Activations act_;
};

}  // namespace

std::int64_t Decoder::tile_rows(const ModelConfig& config, int n_threads) {
  // Floating-point operations that one core does in about 0.1 s (measured: 50e9 per second).
  constexpr std::int64_t kOperationsPerThread = 5'000'000'000;
  // Smaller tiles would spend more on decoding the weights than on using them.
  constexpr std::int64_t kLeastRows = 32;
  const std::int64_t per_row =
      2 * std::int64_t{config.model_dim} *
      (2 * config.attention_dim() + 2 * config.kv_dim() + 3 * std::int64_t{config.ffn_dim});
  return std::clamp(kOperationsPerThread * n_threads / per_row, kLeastRows, kTile);
}

void check_tokens(const ForwardBatch& batch, std::int32_t vocab_size) {
  std::int64_t n_soft = 0;
  for (const std::int32_t id : batch.token_ids) {
    if (id == -1) {
      ++n_soft;
    } else if (id < 0 || id >= vocab_size) {
      fail(ErrorCode::kInvalidInput, "token " + std::to_string(id) +
                                         " is not in the model's vocabulary of " +
                                         std::to_string(vocab_size));
    }
  }
  if (n_soft != batch.embeddings.rows) {
    fail(ErrorCode::kInvalidInput, "the batch has " + std::to_string(n_soft) +
                                       " soft tokens and embeddings for " +
                                       std::to_string(batch.embeddings.rows));
  }
}

std::vector<float> Decoder::forward(const ForwardBatch& batch, KvCache& cache,
                                    const LayerCallback& between_layers) const {
  if (cache.device() != nullptr) return cache.device()->forward(batch, cache, between_layers);
  return Pass(model_, maps_, backend_, lora_, batch, cache).run(between_layers);
}

}  // namespace kvlink::inference
