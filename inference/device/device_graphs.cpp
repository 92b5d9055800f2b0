// SPDX-License-Identifier: Apache-2.0
// Small steps that are repeated as CUDA graphs.
#include <algorithm>

#include "inference/device/device_step.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using cuda::Api;

constexpr std::size_t kKeptGraphs = 8;

}  // namespace

bool DeviceDecoder::fits_graph(const ForwardBatch& batch, const DeviceArena& arena) const {
  return options_.graphs &&
         std::ssize(batch.rows) <= std::min(kDeviceGraphRows, options_.tile_rows) &&
         batch.capture == nullptr && batch.attention_mass.empty() && batch.values.data == nullptr &&
         batch.logit_rows.size() == 1 && batch.embeddings.rows <= kDeviceGraphRows &&
         arena.capacity() > 0 &&
         // A load from the host goes on beside the layers, which a graph could not wait for one by
         // one; blocks that lie on the device are there in a moment.
         (!loader_->is_under_way() || loader_->last().bytes_from_host == 0);
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
  if (tile.draws) bytes = std::max(bytes, cuda::kSampleScratchBytes);
  if (bytes > 0) backend_->run(&Api::reserve_scratch, bytes);
}

/// Makes a step's graph. False: the device cannot, and steps run as they are from here on.
bool DeviceDecoder::note_graph(KeptGraph& kept, const Tile& tile, DeviceArena& arena) {
  bool is_noting = false;
  cuda::Graph* made = nullptr;
  try {
    reserve_for_graph(tile, arena);
    backend_->run(&Api::begin_graph);
    is_noting = true;
    enqueue_layers(tile, nullptr, arena, arena.capacity(), {});
    enqueue_logits(tile, 0, 1);
    if (tile.draws) enqueue_draw();
    is_noting = false;
    backend_->run(&Api::end_graph, &made);
    kept.graph = cuda::GraphHandle(*backend_, made);
    return true;
  } catch (const Exception& failure) {
    if (is_noting) {
      backend_->api().end_graph(backend_->context(), &made);
      const cuda::GraphHandle dropped(*backend_, made);
    }
    const ErrorCode code = failure.error().code;
    if (code != ErrorCode::kUnsupported && code != ErrorCode::kOutOfMemory) throw;
    options_.graphs = false;
    graphs_.clear();
    why_no_graphs_ = failure.error().message;
    return false;
  }
}

std::vector<float> DeviceDecoder::run_graph(Tile tile, const ForwardBatch& batch,
                                            const KvCache& cache, DeviceArena& arena,
                                            const LayerCallback& between_layers) {
  // Few sizes, so that graphs are met again: one row, eight, or multiples of sixteen.
  tile.padded = tile.n == 1 ? 1 : (tile.n <= kFewRows ? kFewRows : (tile.n + 15) / 16 * 16);
  tile.stride = std::min(kDeviceGraphRows, options_.tile_rows);
  tile.padded = std::min(tile.padded, tile.stride);
  const auto is_it = [&](const KeptGraph& kept) {
    return kept.arena == arena.serial() && kept.padded == tile.padded && kept.draws == tile.draws;
  };
  auto kept = std::find_if(graphs_.begin(), graphs_.end(), is_it);
  if (kept == graphs_.end()) {
    // The first time runs as it is, with the kernels that the graph will have: it makes plans and
    // scratch and loads code, none of which a graph can do.
    if (graphs_.size() == kKeptGraphs) graphs_.erase(graphs_.begin());
    graphs_.push_back({arena.serial(), tile.padded, tile.draws, {}});
    return run_tile(tile, batch, cache, arena, arena.capacity(), between_layers);
  }
  if (between_layers) between_layers();
  write_step(tile, batch, cache, arena);
  if (!kept->graph && !note_graph(*kept, tile, arena)) {
    return run_tile(tile, batch, cache, arena, cache.n_rows(), between_layers);
  }
  if (tile.draws) write_draw(*batch.draw);
  loader_->wait_for_layer(config_.n_layers - 1);
  backend_->run(&Api::launch_graph, kept->graph.get());
  ++n_graph_launches_;
  std::vector<float> logits;
  if (tile.draws) {
    logits = finish_draw(*batch.draw);
  } else {
    download_logits(1, logits);
  }
  if (between_layers) between_layers();
  return logits;
}

}  // namespace kvlink::inference
