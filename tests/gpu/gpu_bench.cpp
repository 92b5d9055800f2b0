// SPDX-License-Identifier: Apache-2.0
// The table: time to first token with blocks in pinned memory, on the device and on disk,
// full prefill, decoding and KV precompute. Prints one JSON object.
//
// gpu_bench PLUGIN [--toy] [--model FILE] [--folder DIR] [--out FILE]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "inference/device/device_decoder.h"
#include "inference/sampler.h"
#include "kernels/logits.h"
#include "tests/gpu/block_file.h"
#include "tests/gpu/shapes.h"

namespace kvlink::tests {
namespace {

using cuda::Api;
using cuda::CudaBackend;
using cuda::Lane;
using inference::DeviceDecoder;
using inference::DeviceKv;
using inference::DeviceOptions;
using inference::ForwardBatch;
using inference::KvCache;
using inference::KvLoad;
using Clock = std::chrono::steady_clock;
using nlohmann::json;

struct Arguments {
  std::string plugin, model, folder = "/tmp";
  std::string out = {};  ///< file; "": what comes out is printed
  bool toy = false;

  /// So that a run that is cut off leaves what it had.
  void save(const json& results) const {
    if (out.empty()) return;
    const std::string part = out + ".part";
    std::ofstream(part) << results.dump(1) << "\n";
    std::filesystem::rename(part, out);
  }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Median and spread of `runs` timed runs behind `warm` others, in milliseconds.
json timed(int warm, int runs, const std::function<double()>& run) {
  for (int i = 0; i < warm; ++i) run();
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) times.push_back(run());
  return {{"ms", median(times)},
          {"least_ms", *std::min_element(times.begin(), times.end())},
          {"most_ms", *std::max_element(times.begin(), times.end())},
          {"runs", runs}};
}

std::vector<std::int32_t> counting(std::int64_t n, std::int64_t first = 0) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), static_cast<std::int32_t>(first));
  return values;
}

std::vector<std::int32_t> token_ids(std::int64_t n, std::int32_t vocab) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < n; ++i) ids.push_back(static_cast<std::int32_t>(i * 7919 % vocab));
  return ids;
}

/// One model on the device, and the questions that the table asks.
class Bench {
 public:
  Bench(const inference::Model& model, std::shared_ptr<CudaBackend> backend, DType block_dtype,
        std::int64_t capacity, std::int64_t budget)
      : model_(model),
        backend_(std::move(backend)),
        block_dtype_(block_dtype),
        capacity_(capacity),
        decoder_(model, backend_,
                 DeviceOptions{.tile_rows = std::min<std::int64_t>(capacity, 8192),
                               .block_budget_bytes = budget},
                 capacity),
        kv_(decoder_.new_kv(capacity)) {
    decoder_.loader().stage_with(&threads_);
  }

  DeviceDecoder& decoder() { return decoder_; }

  /// A cache of n rows' positions; the arena on the device is the same every time.
  KvCache positions(std::int64_t n) const {
    KvCache cache(model_.config, capacity_, DType::kF16);
    cache.append_rows(counting(n));
    return cache;
  }

  double prefill(std::int64_t n) {
    const auto ids = token_ids(n, model_.config.vocab_size);
    const KvCache cache = positions(n);
    const auto rows = counting(n);
    const auto last = counting(1, n - 1);
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = last;
    const auto begin = Clock::now();
    first_token_ = kernels::argmax(kv_->forward(batch, cache, {}));
    return milliseconds(begin);
  }

  /// Random blocks in pinned memory.
  void make_blocks(std::int64_t n_blocks, std::int64_t tokens) {
    const auto& c = model_.config;
    for (std::int64_t i = 0; i < n_blocks; ++i) {
      auto block = std::make_shared<KvBlock>(KvLayout{.n_layers = c.n_layers,
                                                      .n_kv_heads = c.n_kv_heads,
                                                      .head_dim = c.head_dim,
                                                      .dtype = block_dtype_},
                                             token_ids(tokens, c.vocab_size));
      for (std::int32_t layer = 0; layer < c.n_layers; ++layer) {
        for (const Plane plane : {Plane::kKeys, Plane::kValues}) fill(block->plane(layer, plane));
      }
      pin(*block);
      blocks_.push_back(std::move(block));
    }
  }
  void pin(KvBlock& block) {
    backend_->run(&Api::pin, static_cast<void*>(block.bytes().data()), std::ssize(block.bytes()));
  }
  void pin_blocks() {
    for (const auto& block : blocks_) pin(*block);
  }
  void unpin_blocks() {
    for (const auto& block : blocks_) {
      backend_->api().unpin(backend_->context(), block->bytes().data());
    }
  }
  void fill(std::span<std::byte> plane) const {
    // Small numbers in every type: int8 rows behind f32 scales, or 16-bit floats.
    const std::int64_t n =
        block_dtype_ == DType::kQ8Kv ? std::ssize(plane) / 4 : std::ssize(plane) / 2;
    if (block_dtype_ == DType::kQ8Kv) {
      for (std::int64_t i = 0; i < n; ++i) {
        reinterpret_cast<float*>(plane.data())[i] = 0.005F;
      }
    } else {
      fill_random(plane.data(), block_dtype_, n, 1.0F, 5);
    }
  }
  ~Bench() { unpin_blocks(); }

  /// Loads every block and forwards link tokens and question; from the load to the first token.
  double answer(std::int64_t link, std::int64_t question, bool owned) {
    const auto& c = model_.config;
    std::vector<KvLoad> loads;
    std::vector<std::vector<std::int32_t>> at;
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> rows;
    std::int64_t row = 0;
    for (const auto& block : blocks_) {
      at.push_back(counting(block->n_tokens(), row));
      loads.push_back({block.get(), owned ? block : nullptr, row, {}});
      row += block->n_tokens();
      for (std::int64_t i = 0; i < link; ++i, ++row) {
        ids.push_back(-1);
        rows.push_back(static_cast<std::int32_t>(row));
      }
    }
    for (std::size_t i = 0; i < loads.size(); ++i) loads[i].positions = at[i];
    const std::vector<float> soft(ids.size() * static_cast<std::size_t>(c.model_dim), 0.1F);
    const auto n_soft = std::ssize(ids);
    for (const std::int32_t id : token_ids(question, c.vocab_size)) {
      ids.push_back(id);
      rows.push_back(static_cast<std::int32_t>(row++));
    }
    const KvCache cache = positions(row);
    const auto last = counting(1, std::ssize(ids) - 1);
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = last;
    batch.embeddings = View<const float>(soft.data(), n_soft, c.model_dim);
    const auto begin = Clock::now();
    kv_->load(loads, cache, {});
    first_token_ = kernels::argmax(kv_->forward(batch, cache, {}));
    const double ms = milliseconds(begin);
    if (!owned && decoder_.loader().last().bytes_from_host == 0) {
      fail(ErrorCode::kInvalidInput, "blocks that were to be loaded lay on the device already");
    }
    return ms;
  }
  std::int64_t block_bytes_total() const {
    std::int64_t n = 0;
    for (const auto& block : blocks_) n += std::ssize(block->bytes());
    return n;
  }

  /// One token behind n_keys others, as a graph, and the choice of the next.
  double decode(std::int64_t n_keys) {
    const KvCache cache = positions(n_keys + 1);
    const auto ids = counting(1, 5);
    const auto rows = counting(1, n_keys);
    const auto last = counting(1);
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = last;
    inference::TokenDraw greedy;
    batch.draw = &greedy;
    const auto begin = Clock::now();
    kv_->forward(batch, cache, {});
    const double ms = milliseconds(begin);
    if (greedy.token < 0) fail(ErrorCode::kDevice, "logits that are no numbers");
    return ms;
  }

  double encode(std::int64_t tokens) {
    const auto& c = model_.config;
    const auto ids = token_ids(tokens, c.vocab_size);
    KvBlock block({.n_layers = c.n_layers,
                   .n_kv_heads = c.n_kv_heads,
                   .head_dim = c.head_dim,
                   .dtype = block_dtype_},
                  ids);
    const KvCache cache = positions(tokens);
    const auto rows = counting(tokens);
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.capture = &block;
    const auto begin = Clock::now();
    kv_->forward(batch, cache, {});
    return milliseconds(begin);
  }

  /// GB/s of one more answer's stages by the device's own clock: copies over the bus, and rotation
  /// (of the bytes that it reads).
  json stages() {
    using Work = inference::DeviceSpan::Work;
    decoder_.trace().begin();
    answer(5, 40, false);
    double ms[2] = {};
    double bytes[2] = {};
    for (const auto& span : decoder_.trace().end()) {
      if (span.work == Work::kForward) continue;
      const int i = span.work == Work::kCopy ? 0 : 1;
      ms[i] += std::chrono::duration<double, std::milli>(span.end - span.begin).count();
      bytes[i] += static_cast<double>(span.bytes);
    }
    return {{"copy_gb_per_s", bytes[0] / std::max(ms[0], 1e-6) / 1e6},
            {"rotate_gb_per_s", bytes[1] / std::max(ms[1], 1e-6) / 1e6}};
  }

  /// The blocks in a file.
  BlockFile write_blocks(const std::string& folder) const {
    BlockFile file(folder + "/kvlink_gpu_bench.blocks");
    for (const auto& block : blocks_) file.append(std::as_const(*block).bytes());
    file.flush();
    return file;
  }

  /// Blocks from their file into their pinned memory, then the answer.
  json disk(const BlockFile& file, bool cold) {
    decoder_.loader().finish();
    decoder_.loader().resident().drop();
    if (cold) file.forget();
    std::vector<std::span<std::byte>> parts;
    for (const auto& block : blocks_) parts.push_back(block->bytes());
    const double read_ms = file.read(parts);
    const double answer_ms = answer(5, 40, false);
    json out = {{"ms", read_ms + answer_ms},
                {"read_ms", read_ms},
                {"read_gb_per_s", static_cast<double>(file.size()) / read_ms / 1e6},
                {"load_and_answer_ms", answer_ms}};
    out.update(stages());
    return out;
  }

 private:
  const inference::Model& model_;
  std::shared_ptr<CudaBackend> backend_;
  DType block_dtype_;
  std::int64_t capacity_;
  kernels::ThreadPool threads_{kernels::granted_cores()};
  DeviceDecoder decoder_;
  std::unique_ptr<DeviceKv> kv_;
  std::vector<std::shared_ptr<KvBlock>> blocks_;
  std::int32_t first_token_ = 0;
};

/// GB/s of a copy on the device (read plus written) and of pinned copies to it.
json ceilings(CudaBackend& backend, bool toy) {
  const std::int64_t bytes = toy ? 1 << 20 : std::int64_t{1} << 31;
  const cuda::DeviceBuffer a(backend, bytes);
  const cuda::DeviceBuffer b(backend, bytes);
  const cuda::PinnedBuffer pinned(backend, bytes);
  const auto begin = cuda::make_event(backend);
  const auto end = cuda::make_event(backend);
  const auto rate = [&](Lane lane, const std::function<void()>& copy, std::int64_t moved) {
    double best = 0.0;
    for (int i = 0; i < 5; ++i) {
      backend.run(&Api::record_event, lane, begin.get());
      copy();
      backend.run(&Api::record_event, lane, end.get());
      float ms = 0.0F;
      backend.run(&Api::elapsed, begin.get(), end.get(), &ms);
      if (i > 0) best = std::max(best, static_cast<double>(moved) / std::max(ms, 1e-6F) / 1e6);
    }
    return best;
  };
  const double device = rate(
      Lane::kCompute,
      [&] {
        backend.run(&Api::copy, Lane::kCompute, b.data(), static_cast<const void*>(a.data()),
                    bytes);
      },
      2 * bytes);
  const double bus = rate(
      Lane::kCopy,
      [&] {
        backend.run(&Api::upload, Lane::kCopy, a.data(),
                    static_cast<const void*>(pinned.as<std::byte>()), bytes);
      },
      bytes);
  return {{"device_copy_gb_per_s", device}, {"pinned_to_device_gb_per_s", bus}};
}

std::int64_t weight_bytes(const inference::Model& model) {
  std::int64_t n = model.output.rows * row_bytes(model.output.dtype, model.output.cols);
  for (const auto& w : model.layers) {
    for (const WeightView* m : {&w.wq, &w.wk, &w.wv, &w.wo, &w.gate, &w.up, &w.down}) {
      n += m->rows * row_bytes(m->dtype, m->cols);
    }
  }
  return n;
}

void measure_large(const Arguments& arguments, const std::shared_ptr<CudaBackend>& backend,
                   json& out) {
  const auto config = arguments.toy ? toy() : llama_8b();
  const std::int64_t per_block = arguments.toy ? 40 : 500;
  const std::int64_t n_blocks = 10;
  const std::int64_t full = n_blocks * (per_block + 5) + 40;
  const int runs = arguments.toy ? 1 : 10;
  const RandomModel random = random_model(config, DType::kBF16);
  out["full_tokens"] = full;
  for (const DType dtype : {DType::kQ8Kv, DType::kF16}) {
    Bench bench(random.model, backend, dtype, full + 512, std::int64_t{4} << 30);
    bench.make_blocks(n_blocks, per_block);
    const std::string name = dtype_name(dtype);
    out["device"] = bench.decoder().describe();
    out["ttft_pinned_" + name] = timed(2, runs, [&] { return bench.answer(5, 40, false); });
    bench.unpin_blocks();
    out["ttft_pageable_" + name] = timed(2, runs, [&] { return bench.answer(5, 40, false); });
    bench.pin_blocks();
    out["block_bytes_" + name] = bench.block_bytes_total();
    out["ttft_device_" + name] = timed(3, runs, [&] { return bench.answer(5, 40, true); });
    const BlockFile file = bench.write_blocks(arguments.folder);
    out["disk_gb_per_s_" + name] = file.direct_gb_per_s();
    out["ttft_disk_cold_" + name] = bench.disk(file, true);
    out["ttft_disk_warm_" + name] = bench.disk(file, false);
    out["encode_" + name] = timed(1, 3, [&] { return bench.encode(per_block); });
    out["encode_" + name]["tokens"] = per_block;
    arguments.save(out);
    if (dtype == DType::kQ8Kv) continue;
    out["prefill_full"] = timed(1, arguments.toy ? 1 : 5, [&] { return bench.prefill(full); });
    for (std::int64_t tokens = 1; tokens <= 5; ++tokens) {
      const std::int64_t n = tokens * 2 * per_block;
      out["prefill_by_length"][std::to_string(n)] = timed(1, 3, [&] { return bench.prefill(n); });
    }
    out["decode_bf16"] = timed(3, 3 * runs, [&] { return bench.decode(full); });
    out["decode_bf16"]["weight_bytes"] = weight_bytes(random.model);
    out["prefill_of_encode"] = timed(1, 3, [&] { return bench.prefill(per_block); });
    arguments.save(out);
  }
}

/// The same question behind 2, 4, … blocks.
void measure_lengths(const Arguments& arguments, const std::shared_ptr<CudaBackend>& backend,
                     json& out) {
  const std::int64_t per_block = arguments.toy ? 40 : 500;
  const std::int64_t most = 10;
  const int runs = arguments.toy ? 1 : 10;
  const RandomModel random = random_model(arguments.toy ? toy() : llama_8b(), DType::kBF16);
  Bench bench(random.model, backend, DType::kF16, most * (per_block + 5) + 100, 0);
  for (std::int64_t n = 2; n <= most; n += 2) {
    bench.make_blocks(2, per_block);
    out["ttft_by_length"][std::to_string(n * per_block)] =
        timed(2, runs, [&] { return bench.answer(5, 40, false); });
    arguments.save(out);
  }
}

void measure_q4(const Arguments& arguments, const std::shared_ptr<CudaBackend>& backend,
                json& out) {
  const RandomModel random = random_model(arguments.toy ? toy() : llama_8b(), DType::kQ4_0);
  Bench bench(random.model, backend, DType::kF16, 1024, 0);
  bench.prefill(256);
  out["decode_q4_0"] = timed(3, arguments.toy ? 1 : 30, [&] { return bench.decode(256); });
  out["decode_q4_0"]["weight_bytes"] = weight_bytes(random.model);
}

void measure_default(const Arguments& arguments, const std::shared_ptr<CudaBackend>& backend,
                     json& out) {
  if (arguments.model.empty() && !arguments.toy) return;
  RandomModel random;
  if (arguments.model.empty()) {
    random = random_model(toy(), DType::kQ4_0);
  } else {
    random.model = value_or_throw(inference::load_model(arguments.model));
  }
  const inference::Model& model = random.model;
  const std::int64_t per_block = arguments.toy ? 20 : 200;
  Bench bench(model, backend, DType::kF16, 10 * (per_block + 5) + 100, std::int64_t{1} << 30);
  bench.make_blocks(10, per_block);
  const int runs = arguments.toy ? 1 : 30;
  out["default_ttft_pinned"] = timed(3, runs, [&] { return bench.answer(5, 40, false); });
  out["default_ttft_device"] = timed(3, runs, [&] { return bench.answer(5, 40, true); });
  out["default_decode"] = timed(3, runs, [&] { return bench.decode(10 * per_block); });
}

using Measure = void (*)(const Arguments&, const std::shared_ptr<CudaBackend>&, json&);

int run(const Arguments& arguments) {
  json out;
  const auto result = returning([&] {
    const auto plugin = value_or_throw(cuda::CudaPlugin::load(arguments.plugin));
    const auto backend = std::make_shared<CudaBackend>(plugin, cuda::BackendOptions{});
    out["gpu"] = cuda::describe(backend->device());
    out["ceilings"] = ceilings(*backend, arguments.toy);
    // What fails is said, and the rest is measured all the same.
    const std::pair<const char*, Measure> parts[] = {{"default model", measure_default},
                                                     {"large", measure_large},
                                                     {"q4", measure_q4},
                                                     {"lengths", measure_lengths}};
    for (const auto& [name, measure] : parts) {
      const auto part = returning([&] { measure(arguments, backend, out); });
      if (!part) out["error"] = std::string(name) + ": " + part.error().message;
      arguments.save(out);
      if (!part && part.error().code == ErrorCode::kDevice) return;
    }
  });
  if (!result) out["error"] = result.error().message;
  arguments.save(out);
  if (arguments.out.empty()) std::printf("%s\n", out.dump(1).c_str());
  return out.contains("error") ? 1 : 0;
}

}  // namespace
}  // namespace kvlink::tests

int main(int argc, char** argv) {
  kvlink::tests::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--toy") {
      arguments.toy = true;
    } else if (word == "--model" && i + 1 < argc) {
      arguments.model = argv[++i];
    } else if (word == "--folder" && i + 1 < argc) {
      arguments.folder = argv[++i];
    } else if (word == "--out" && i + 1 < argc) {
      arguments.out = argv[++i];
    } else {
      arguments.plugin = word;
    }
  }
  return kvlink::tests::run(arguments);
}
