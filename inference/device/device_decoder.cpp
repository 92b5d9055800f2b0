// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_decoder.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;
using cuda::Matrix;

constexpr std::size_t kKeptGraphs = 8;
/// At most so many rows go through products with f32 activations.
constexpr std::int64_t kFewRows = 8;
constexpr std::int64_t kAlignment = 256;

std::int64_t sum_dims(const ModelConfig& c) { return c.attention_dim() + 2 * c.kv_dim(); }

}  // namespace

/// What one step is about, on the device: written by the host in one copy.
struct DeviceDecoder::Tile {
  std::int64_t from = 0;    ///< first batch index
  std::int64_t n = 0;       ///< rows of the batch
  std::int64_t padded = 0;  ///< rows that are computed; rows from n on are padding
  std::int64_t stride = 0;  ///< of the arrays in the step buffer
  std::vector<std::int32_t> logit_rows = {};  ///< within the tile

  // n_keys, then five arrays.
  std::int64_t bytes() const { return (4 + 5 * stride) * 4; }
  static std::int64_t logit_rows_at() { return 4; }
  std::int64_t ids_at() const { return 4 + stride; }
  std::int64_t rows_at() const { return 4 + 2 * stride; }
  std::int64_t positions_at() const { return 4 + 3 * stride; }
  std::int64_t base_rows_at() const { return 4 + 4 * stride; }
};

struct DeviceDecoder::KeptGraph {
  std::uint64_t arena = 0;
  std::int64_t padded = 0;
  cuda::GraphHandle graph;  // empty: met once, made at the next time
};

struct DeviceDecoder::Buffers {
  Buffers(const ModelConfig& c, std::int64_t rows, cuda::CudaBackend& b)
      : x(b, rows * c.model_dim * 4),
        normed(b, rows * c.model_dim * 4),
        qkv(b, rows * sum_dims(c) * 4),
        q(b, rows * c.attention_dim() * 4),
        attended(b, rows * c.attention_dim() * 4),
        gate_up(b, rows * 2 * c.ffn_dim * 4),
        act(b, rows * c.ffn_dim * 4),
        captured(b, rows * 2 * c.kv_dim() * 4),
        pairs(b, std::max<std::int64_t>(rows * c.rope.n_rotated() * 4, kAlignment)),
        logits(b, kDeviceLogitRows * c.vocab_size * 4),
        soft(b, kDeviceGraphRows * c.model_dim * 4),
        step(b, (4 + 5 * rows) * 4),
        step_host(b, (4 + 5 * rows) * 4),
        logits_host(b, kDeviceLogitRows * c.vocab_size * 4) {}

  cuda::DeviceBuffer x, normed, qkv, q, attended, gate_up, act, captured, pairs, logits, soft, step;
  cuda::PinnedBuffer step_host, logits_host;
  // Taken when they are first needed.
  cuda::DeviceBuffer more_soft, planes, mass;
};

DeviceDecoder::DeviceDecoder(const Model& model, std::shared_ptr<cuda::CudaBackend> backend,
                             const DeviceOptions& options, std::int64_t capacity)
    : model_(model),
      config_(model.config),
      backend_(std::move(backend)),
      options_(options),
      memory_(plan_device_memory(model, *backend_, options, capacity)),
      weights_(model, *backend_, options.products, memory_.copies),
      buffers_(std::make_unique<Buffers>(config_, options.tile_rows, *backend_)),
      loader_(std::make_unique<BlockLoader>(config_, weights_.rope_frequencies, *backend_,
                                            options.block_budget_bytes)) {}

DeviceDecoder::~DeviceDecoder() = default;

std::string DeviceDecoder::describe() const {
  return std::string(backend_->device().name) + ", " + dtype_name(weights_.half()) + " products, " +
         backend_->api().describe_blas(backend_->context());
}

Matrix DeviceDecoder::rows_of(const cuda::DeviceBuffer& buffer, std::int64_t n, std::int64_t cols,
                              DType dtype) const {
  return {buffer.data(), n, cols, cols, dtype};
}

void DeviceDecoder::check_batch(const ForwardBatch& batch, const KvCache& cache) const {
  const auto n = std::ssize(batch.token_ids);
  KVLINK_CHECK(n > 0 && batch.rows.size() == batch.token_ids.size());
  check_tokens(batch, config_.vocab_size);
  for (const std::int32_t i : batch.logit_rows) KVLINK_CHECK(i >= 0 && i < n);
  for (const std::int32_t row : batch.rows) KVLINK_CHECK(row >= 0 && row < cache.n_rows());
  if (batch.capture != nullptr && n > options_.tile_rows) {
    fail(ErrorCode::kUnsupported, "a chunk of " + std::to_string(n) +
                                      " tokens is longer than what the GPU encodes at a time, " +
                                      std::to_string(options_.tile_rows));
  }
}

/// The step buffer of a tile, and the arena's positions and biases.
void DeviceDecoder::write_step(const Tile& tile, const ForwardBatch& batch, const KvCache& cache,
                               DeviceArena& arena) {
  auto* step = buffers_->step_host.as<std::int32_t>();
  step[0] = static_cast<std::int32_t>(cache.n_rows());
  std::copy(tile.logit_rows.begin(), tile.logit_rows.end(), step + Tile::logit_rows_at());
  std::int32_t n_soft = 0;
  for (std::int64_t i = 0; i < tile.from; ++i) {
    n_soft += batch.token_ids[static_cast<std::size_t>(i)] == -1 ? 1 : 0;
  }
  for (std::int64_t i = 0; i < tile.padded; ++i) {
    const auto at = static_cast<std::size_t>(tile.from + i);
    const bool real = i < tile.n;
    const std::int32_t id = real ? batch.token_ids[at] : 0;
    const std::int32_t row = real ? batch.rows[at] : -1;
    step[tile.ids_at() + i] = id == -1 ? -1 - n_soft++ : id;
    step[tile.rows_at() + i] = row;
    step[tile.base_rows_at() + i] = real && !batch.base_rows.empty() ? batch.base_rows[at] : 0;
    step[tile.positions_at() + i] = real ? cache.positions()[static_cast<std::size_t>(row)] : -1;
  }
  arena.bring_up(cache.positions(), cache.biases(),
                 batch.rows.subspan(static_cast<std::size_t>(tile.from),
                                    static_cast<std::size_t>(tile.n)));
  const std::int64_t soft_bytes = batch.embeddings.rows * config_.model_dim * 4;
  if (soft_bytes == 0) return;
  cuda::DeviceBuffer* soft = &buffers_->soft;
  if (soft_bytes > soft->size()) {
    if (buffers_->more_soft.size() < soft_bytes) {
      buffers_->more_soft = {};
      buffers_->more_soft = cuda::DeviceBuffer(*backend_, soft_bytes);
    }
    soft = &buffers_->more_soft;
  }
  KVLINK_CHECK(batch.embeddings.row_stride == config_.model_dim);
  backend_->run(&Api::upload, Lane::kCompute, soft->data(),
                static_cast<const void*>(batch.embeddings.data), soft_bytes);
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

void DeviceDecoder::use_lora(const LoraWeights* lora) {
  graphs_.clear();
  lora_.reset();
  if (lora == nullptr || lora->empty()) return;
  lora_ =
      std::make_unique<DeviceLora>(*lora, config_, weights_.half(), options_.tile_rows, *backend_);
}

namespace {

/// Waits for the device when an exception passes through.
class QuietOnFailure {
 public:
  explicit QuietOnFailure(cuda::CudaBackend& backend)
      : backend_(backend), n_exceptions_(std::uncaught_exceptions()) {}
  QuietOnFailure(const QuietOnFailure&) = delete;
  QuietOnFailure& operator=(const QuietOnFailure&) = delete;
  ~QuietOnFailure() {
    if (std::uncaught_exceptions() > n_exceptions_) {
      backend_.api().synchronize(backend_.context());
    }
  }

 private:
  cuda::CudaBackend& backend_;
  int n_exceptions_;
};

/// Activations that products read: f32 for few rows, else what products are computed in.
DType activation(std::int64_t rows, DType half) { return rows <= kFewRows ? DType::kF32 : half; }

}  // namespace

void DeviceDecoder::project(const Tile& tile, std::int32_t layer, const ForwardBatch* batch,
                            DeviceArena& arena) {
  const DeviceLayer& w = weights_.layers[static_cast<std::size_t>(layer)];
  Buffers& b = *buffers_;
  const std::int64_t n = tile.padded;
  const Matrix x = rows_of(b.x, n, config_.model_dim, DType::kF32);
  const Matrix normed = rows_of(b.normed, n, config_.model_dim, activation(n, weights_.half()));
  const Matrix qkv = rows_of(b.qkv, n, sum_dims(config_), DType::kF32);
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
    if (batch != nullptr && batch->capture != nullptr) capture(layer, *batch, tile.n);
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

void DeviceDecoder::capture(std::int32_t layer, const ForwardBatch& batch, std::int64_t n) {
  Buffers& b = *buffers_;
  KvBlock& block = *batch.capture;
  if (layer == 0) {
    if (b.planes.size() < std::ssize(block.bytes())) {
      b.planes = {};
      b.planes = cuda::DeviceBuffer(*backend_, std::ssize(block.bytes()));
    }
    backend_->run(&Api::clear, b.planes.data(), std::ssize(block.bytes()));
  }
  auto* planes = b.planes.as<std::byte>();
  const cuda::KvStoreCall call{
      .keys = b.captured.as<float>(),
      .values = b.captured.as<float>() + options_.tile_rows * config_.kv_dim(),
      .n = n - batch.capture_from,
      .kv_dim = config_.kv_dim(),
      .dtype = block.layout().dtype,
      .key_plane = planes + block.plane_offset(layer, Plane::kKeys),
      .value_plane = planes + block.plane_offset(layer, Plane::kValues)};
  backend_->run(&Api::kv_store, &call);
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

void DeviceDecoder::download_logits(std::int64_t n, std::vector<float>& out) {
  Buffers& b = *buffers_;
  const std::int64_t count = n * config_.vocab_size;
  backend_->run(&Api::download, static_cast<void*>(b.logits_host.as<float>()),
                static_cast<const void*>(b.logits.data()), count * 4);
  out.insert(out.end(), b.logits_host.as<float>(), b.logits_host.as<float>() + count);
}

std::vector<float> DeviceDecoder::run_tile(const Tile& tile, const ForwardBatch& batch,
                                           const KvCache& cache, DeviceArena& arena,
                                           const LayerCallback& between_layers) {
  write_step(tile, batch, cache, arena);
  enqueue_layers(tile, &batch, arena, cache.n_rows(), between_layers);
  std::vector<float> logits;
  const auto n = std::ssize(tile.logit_rows);
  for (std::int64_t from = 0; from < n; from += kDeviceLogitRows) {
    const std::int64_t part = std::min(kDeviceLogitRows, n - from);
    enqueue_logits(tile, from, part);
    download_logits(part, logits);
  }
  // Before the step buffer is written again, and so that a stop is seen between tiles.
  backend_->run(&Api::synchronize);
  return logits;
}

bool DeviceDecoder::fits_graph(const ForwardBatch& batch, const DeviceArena& arena) const {
  return options_.graphs &&
         std::ssize(batch.rows) <= std::min(kDeviceGraphRows, options_.tile_rows) &&
         batch.capture == nullptr && batch.attention_mass.empty() && batch.values.data == nullptr &&
         batch.logit_rows.size() == 1 && batch.embeddings.rows <= kDeviceGraphRows &&
         arena.capacity() > 0 && !loader_->is_under_way();
}

/// What products and attention of a step will ask for, so that noting it allocates nothing.
void DeviceDecoder::reserve_for_graph(const Tile& tile, const DeviceArena& arena) {
  const Api& api = backend_->api();
  const cuda::AttentionCall attention = attention_call(tile, 0, arena, arena.capacity());
  std::int64_t bytes = api.attention_scratch(backend_->context(), &attention);
  const auto consider = [&](const cuda::Weights& w, std::int64_t rows) {
    const DType type = activation(rows, weights_.half());
    const cuda::MatmulCall call{
        {nullptr, rows, w.cols, w.cols, type}, w, {nullptr, rows, w.rows, w.rows, DType::kF32}, 0};
    bytes = std::max(bytes, api.matmul_scratch(backend_->context(), &call));
  };
  for (const DeviceLayer& layer : weights_.layers) {
    for (const DeviceMaps* maps : {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
      for (const DeviceMaps::Part& part : maps->parts) consider(part.w, tile.padded);
    }
  }
  consider(weights_.output, 1);
  if (bytes > 0) backend_->run(&Api::reserve_scratch, bytes);
}

std::vector<float> DeviceDecoder::run_graph(Tile tile, const ForwardBatch& batch,
                                            const KvCache& cache, DeviceArena& arena,
                                            const LayerCallback& between_layers) {
  // Few sizes, so that graphs are met again: one row, eight, or multiples of sixteen.
  tile.padded = tile.n == 1 ? 1 : (tile.n <= kFewRows ? kFewRows : (tile.n + 15) / 16 * 16);
  tile.stride = std::min(kDeviceGraphRows, options_.tile_rows);
  tile.padded = std::min(tile.padded, tile.stride);
  const auto is_it = [&](const KeptGraph& kept) {
    return kept.arena == arena.serial() && kept.padded == tile.padded;
  };
  auto kept = std::find_if(graphs_.begin(), graphs_.end(), is_it);
  if (kept == graphs_.end()) {
    // The first time runs as it is: it makes plans and scratch that a graph cannot make.
    if (graphs_.size() == kKeptGraphs) graphs_.erase(graphs_.begin());
    graphs_.push_back({arena.serial(), tile.padded, {}});
    return run_tile(tile, batch, cache, arena, between_layers);
  }
  if (between_layers) between_layers();
  write_step(tile, batch, cache, arena);
  if (!kept->graph) {
    reserve_for_graph(tile, arena);
    backend_->run(&Api::begin_graph);
    cuda::Graph* made = nullptr;
    try {
      enqueue_layers(tile, nullptr, arena, arena.capacity(), {});
      enqueue_logits(tile, 0, 1);
    } catch (...) {
      backend_->api().end_graph(backend_->context(), &made);
      const cuda::GraphHandle dropped(*backend_, made);
      throw;
    }
    backend_->run(&Api::end_graph, &made);
    kept->graph = cuda::GraphHandle(*backend_, made);
  }
  backend_->run(&Api::launch_graph, kept->graph.get());
  ++n_graph_launches_;
  std::vector<float> logits;
  download_logits(1, logits);
  if (between_layers) between_layers();
  return logits;
}

std::vector<float> DeviceDecoder::forward(const ForwardBatch& batch, const KvCache& cache,
                                          DeviceArena& arena, const LayerCallback& between_layers) {
  check_batch(batch, cache);
  const auto n = std::ssize(batch.token_ids);
  if (!batch.attention_mass.empty()) {
    const std::int64_t bytes = std::ssize(batch.attention_mass) * 4;
    if (buffers_->mass.size() < bytes) {
      buffers_->mass = {};
      buffers_->mass = cuda::DeviceBuffer(*backend_, bytes);
    }
    backend_->run(&Api::clear, buffers_->mass.data(), bytes);
  }
  // A pass that breaks off leaves copies under way, out of buffers that the next one writes.
  const QuietOnFailure quiet(*backend_);
  std::vector<float> logits;
  for (std::int64_t from = 0; from < n; from += options_.tile_rows) {
    Tile tile{.from = from,
              .n = std::min(options_.tile_rows, n - from),
              .padded = std::min(options_.tile_rows, n - from),
              .stride = options_.tile_rows};
    for (const std::int32_t i : batch.logit_rows) {
      if (i >= from && i < from + tile.n) {
        tile.logit_rows.push_back(i - static_cast<std::int32_t>(from));
      }
    }
    const auto part = fits_graph(batch, arena)
                          ? run_graph(tile, batch, cache, arena, between_layers)
                          : run_tile(tile, batch, cache, arena, between_layers);
    logits.insert(logits.end(), part.begin(), part.end());
  }
  loader_->finish();
  if (batch.capture != nullptr) {
    backend_->run(&Api::download, static_cast<void*>(batch.capture->bytes().data()),
                  static_cast<const void*>(buffers_->planes.data()),
                  std::ssize(batch.capture->bytes()));
  }
  if (!batch.attention_mass.empty()) {
    backend_->run(&Api::download, static_cast<void*>(batch.attention_mass.data()),
                  static_cast<const void*>(buffers_->mass.data()),
                  std::ssize(batch.attention_mass) * 4);
  }
  return logits;
}

}  // namespace kvlink::inference
