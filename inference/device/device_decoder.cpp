// SPDX-License-Identifier: Apache-2.0
#include "inference/device/device_decoder.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "inference/device/device_step.h"
#include "inference/sampler.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;
using cuda::Lane;

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

}  // namespace

DeviceDecoder::DeviceDecoder(const Model& model, std::shared_ptr<cuda::CudaBackend> backend,
                             const DeviceOptions& options, std::int64_t capacity)
    : model_(model),
      config_(model.config),
      backend_(std::move(backend)),
      options_(options),
      memory_(plan_device_memory(model, *backend_, options, capacity)),
      weights_(model, *backend_, options.products, memory_.copies),
      buffers_(std::make_unique<Buffers>(config_, options.tile_rows, capacity, *backend_)),
      trace_(*backend_),
      loader_(std::make_unique<BlockLoader>(config_, weights_.rope_frequencies, *backend_,
                                            LoadRoom(config_, capacity, options.ring_slot_bytes),
                                            options.block_budget_bytes, trace_)),
      capture_(std::make_unique<BlockCapture>(config_, *backend_)) {}

DeviceDecoder::~DeviceDecoder() = default;

std::string DeviceDecoder::describe() const {
  return std::string(backend_->device().name) + ", " + dtype_name(weights_.half()) + " products, " +
         backend_->api().describe_blas(backend_->context()) +
         (why_no_graphs_.empty() ? "" : ", without graphs (" + why_no_graphs_ + ")");
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
  upload_soft(batch);
  // Last: what it notes as written is written by the next call that is queued.
  arena.bring_up(
      cache.positions(), cache.biases(),
      batch.rows.subspan(static_cast<std::size_t>(tile.from), static_cast<std::size_t>(tile.n)));
}

/// Soft tokens, through pinned memory.
void DeviceDecoder::upload_soft(const ForwardBatch& batch) {
  const std::int64_t soft_bytes = batch.embeddings.rows * config_.model_dim * 4;
  if (soft_bytes == 0) return;
  Buffers& b = *buffers_;
  const bool is_much = soft_bytes > b.soft.size();
  if (is_much && std::min(b.more_soft.size(), b.more_soft_host.size()) < soft_bytes) {
    b.more_soft = {};
    b.more_soft_host = {};
    b.more_soft_host = cuda::PinnedBuffer(*backend_, soft_bytes);
    b.more_soft = cuda::DeviceBuffer(*backend_, soft_bytes);
  }
  KVLINK_CHECK(batch.embeddings.row_stride == config_.model_dim);
  auto* staged = (is_much ? b.more_soft_host : b.soft_host).as<std::byte>();
  std::memcpy(staged, batch.embeddings.data, static_cast<std::size_t>(soft_bytes));
  backend_->run(&Api::upload, Lane::kCompute, (is_much ? b.more_soft : b.soft).data(),
                static_cast<const void*>(staged), soft_bytes);
}

void DeviceDecoder::use_lora(const LoraWeights* lora) {
  graphs_.clear();
  lora_.reset();
  if (lora == nullptr || lora->empty()) return;
  with_room([&] {
    lora_ = std::make_unique<DeviceLora>(*lora, config_, weights_.half(), options_.tile_rows,
                                         *backend_);
  });
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
                                           std::int64_t most_keys,
                                           const LayerCallback& between_layers) {
  write_step(tile, batch, cache, arena);
  enqueue_layers(tile, &batch, arena, most_keys, between_layers);
  // While the last layers are computed, the first ones come into the block.
  if (batch.capture != nullptr) capture_->finish();
  std::vector<float> logits;
  const auto n = std::ssize(tile.logit_rows);
  if (tile.draws) {
    write_draw(*batch.draw);
    enqueue_logits(tile, 0, 1);
    enqueue_draw();
    return finish_draw(*batch.draw);
  }
  for (std::int64_t from = 0; from < n; from += kDeviceLogitRows) {
    const std::int64_t part = std::min(kDeviceLogitRows, n - from);
    enqueue_logits(tile, from, part);
    download_logits(part, logits);
  }
  // Before the step buffer is written again, and so that a stop is seen between tiles.
  backend_->run(&Api::synchronize);
  return logits;
}

/// Whether the token behind the batch can be drawn here.
bool DeviceDecoder::can_draw(const ForwardBatch& batch) {
  if (batch.draw == nullptr || batch.logit_rows.size() != 1) return false;
  const TokenDraw& draw = *batch.draw;
  if (std::ssize(draw.seen) > Draw::kMostSeen) return false;
  return !(draw.temperature > 0.0F) || (draw.top_k >= 1 && draw.top_k <= cuda::kMostCandidates);
}

void DeviceDecoder::write_draw(const TokenDraw& draw) {
  auto* to = buffers_->draw_host.as<Draw>();
  to->parameters = {.uniform = draw.uniform,
                    .temperature = draw.temperature,
                    .top_p = draw.top_p,
                    .penalty = draw.penalty,
                    .top_k = draw.top_k,
                    .n_seen = static_cast<std::int32_t>(draw.seen.size())};
  std::copy(draw.seen.begin(), draw.seen.end(), to->seen);
}

/// Draws out of the first row of logits; everything that changes is read when it runs.
void DeviceDecoder::enqueue_draw() {
  Buffers& b = *buffers_;
  backend_->run(&Api::upload, Lane::kCompute, b.draw.data(),
                static_cast<const void*>(b.draw_host.as<std::byte>()), b.draw.size());
  auto* draw = b.draw.as<Draw>();
  const cuda::SampleCall call{b.logits.as<float>(), config_.vocab_size, &draw->parameters,
                              draw->seen, &draw->token};
  backend_->run(&Api::sample, &call);
}

/// Nothing but the token comes back, unless the logits are no numbers: then they do, so that the
/// host says so.
std::vector<float> DeviceDecoder::finish_draw(TokenDraw& draw) {
  std::int32_t& token = buffers_->draw_host.as<Draw>()->token;
  backend_->run(&Api::download, static_cast<void*>(&token),
                static_cast<const void*>(&buffers_->draw.as<Draw>()->token),
                std::int64_t{sizeof(token)});
  std::vector<float> logits;
  if (token < 0) {
    download_logits(1, logits);
  } else {
    draw.token = token;
  }
  return logits;
}

std::vector<float> DeviceDecoder::forward(const ForwardBatch& batch, const KvCache& cache,
                                          DeviceArena& arena, const LayerCallback& between_layers) {
  check_batch(batch, cache);
  const auto n = std::ssize(batch.token_ids);
  if (!batch.attention_mass.empty()) {
    const std::int64_t bytes = std::ssize(batch.attention_mass) * 4;
    if (buffers_->mass.size() < bytes) {  // a context larger than the one that was planned for
      buffers_->mass = {};
      buffers_->mass = cuda::DeviceBuffer(*backend_, bytes);
    }
    backend_->run(&Api::clear, buffers_->mass.data(), bytes);
  }
  // A pass that breaks off leaves copies under way, out of buffers that the next one writes.
  const QuietOnFailure quiet(*backend_);
  const std::size_t begun = trace_.is_on() ? trace_.mark(Lane::kCompute) : 0;
  if (batch.capture != nullptr) capture_->begin(*batch.capture);
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
    tile.draws = can_draw(batch) && tile.logit_rows.size() == 1;
    const auto part = fits_graph(batch, arena)
                          ? run_graph(tile, batch, cache, arena, between_layers)
                          : run_tile(tile, batch, cache, arena, cache.n_rows(), between_layers);
    logits.insert(logits.end(), part.begin(), part.end());
  }
  loader_->finish();
  if (trace_.is_on()) {
    trace_.add(DeviceSpan::Work::kForward, begun, trace_.mark(Lane::kCompute));
  }
  if (!batch.attention_mass.empty()) {
    backend_->run(&Api::download, static_cast<void*>(batch.attention_mass.data()),
                  static_cast<const void*>(buffers_->mass.data()),
                  std::ssize(batch.attention_mass) * 4);
  }
  return logits;
}

}  // namespace kvlink::inference
