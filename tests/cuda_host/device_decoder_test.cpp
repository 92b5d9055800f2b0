// SPDX-License-Identifier: Apache-2.0
// The decoder on a device against the decoder on the CPU: the same batches, the same masks.
#include <cmath>
#include <set>

#include "inference/sampler.h"
#include "tests/cuda_host/decoder_fixture.h"

namespace kvlink::tests {
namespace {

TEST_F(DeviceDecoderTest, GivesTheCpusLogitsInEveryPrecision) {
  struct Case {
    DType weights;
    Products products;
    DType arena;
    float tolerance;
  };
  for (const Case& c : {Case{DType::kF32, Products::kF32, DType::kF32, kDeviceLogitsF16},
                        Case{DType::kF32, Products::kF16, DType::kF16, kDeviceLogitsF16},
                        Case{DType::kBF16, Products::kAuto, DType::kBF16, kDeviceLogitsBf16},
                        Case{DType::kQ4_1, Products::kAuto, DType::kF16, kDeviceLogitsF16},
                        Case{DType::kQ8_0, Products::kAuto, DType::kQ8Kv, kDeviceLogitsBf16}}) {
    SCOPED_TRACE(std::string(dtype_name(c.weights)) + " in " + dtype_name(c.arena));
    use_model({.dtype = c.weights});
    DeviceOptions options = exact();
    options.products = c.products;
    options.arena_dtype = c.arena;
    const auto decoder = make(options);
    EXPECT_EQ(decoder->weights().half(), c.products == Products::kF32 ? DType::kF32
                                         : c.weights == DType::kBF16  ? DType::kBF16
                                                                      : DType::kF16);
    Pair p = pair(options);
    const auto prompt = tokens(20);
    const auto all = counting(20);
    EXPECT_LT(difference(*decoder, p, prompt, counting(20), all), c.tolerance);
    for (std::int32_t i = 0; i < 3; ++i) {
      const std::vector<std::int32_t> next = {prompt[static_cast<std::size_t>(i)]};
      EXPECT_LT(difference(*decoder, p, next, counting(1, 20 + i), counting(1)), c.tolerance);
    }
  }
}

TEST_F(DeviceDecoderTest, TilesGiveWhatOnePassGives) {
  const auto small = make(exact(16));
  const auto large = make(exact(64));
  Pair a = pair(exact(16));
  Pair b = pair(exact(64));
  const auto prompt = tokens(50);
  const std::vector<std::int32_t> wanted = {3, 15, 16, 49};
  EXPECT_LT(difference(*small, a, prompt, counting(50), wanted), kDeviceLogitsF16);
  const auto tiled = last_;
  EXPECT_LT(difference(*large, b, prompt, counting(50), wanted), kDeviceLogitsF16);
  EXPECT_LT(max_difference(tiled, last_), kDeviceLogitsF32);
}

TEST_F(DeviceDecoderTest, GraphsRepeatStepsWithTheSameResult) {
  DeviceOptions with = exact(64);
  DeviceOptions without = with;
  without.graphs = false;
  const auto graphs = make(with);
  const auto plain = make(without);
  Pair a = pair(with);
  Pair b = pair(without);
  const auto prompt = tokens(11);
  difference(*graphs, a, prompt, counting(11), counting(1, 10));
  difference(*plain, b, prompt, counting(11), counting(1, 10));
  for (std::int32_t i = 0; i < 4; ++i) {
    const std::vector<std::int32_t> next = {prompt[static_cast<std::size_t>(i)]};
    EXPECT_LT(difference(*graphs, a, next, counting(1, 11 + i), counting(1)), kDeviceLogitsF16);
    const auto by_graph = last_;
    difference(*plain, b, next, counting(1, 11 + i), counting(1));
    EXPECT_LT(max_difference(by_graph, last_), kDeviceLogitsF32) << "step " << i;
  }
  EXPECT_EQ(graphs->n_graph_launches(), 3);
  EXPECT_EQ(plain->n_graph_launches(), 0);
  // Another length of the same sixteen: padding rows change nothing.
  for (const std::size_t n : {13U, 15U, 16U}) {
    const auto part = tokens(n, n);
    const auto at = static_cast<std::int32_t>(a.cpu.n_rows());
    EXPECT_LT(difference(*graphs, a, part, counting(n, at),
                         counting(1, static_cast<std::int32_t>(n) - 1)),
              kDeviceLogitsF16);
  }
  EXPECT_EQ(graphs->n_graph_launches(), 6);
}

TEST_F(DeviceDecoderTest, TakesSoftTokensPositionsWithGapsAndTruncation) {
  const DeviceOptions options = exact(16);
  const auto decoder = make(options);
  Pair p = pair(options);
  const auto values = RandomFloats(5).uniform(2 * std::int64_t{model_->config.model_dim}, 0.5F);
  const View<const float> soft(values.data(), 2, model_->config.model_dim);
  const std::vector<std::int32_t> ids = {5, -1, 7, -1, 9};
  const std::vector<std::int32_t> positions = {0, 3, 4, 10, 11};
  EXPECT_LT(difference(*decoder, p, ids, positions, counting(5), soft), kDeviceLogitsF16);
  const auto more = tokens(4);
  difference(*decoder, p, more, counting(4, 12), counting(1, 3));
  p.cpu.truncate(5);
  p.device.truncate(5);
  EXPECT_LT(difference(*decoder, p, tokens(3, 8), counting(3, 20), counting(3)), kDeviceLogitsF16);
  const std::vector<std::int32_t> bad = {model_->config.vocab_size};
  p.device.append_rows(counting(1, 30));
  ForwardBatch batch;
  batch.token_ids = bad;
  const auto rows = counting(1, 8);
  batch.rows = rows;
  EXPECT_THROW(decoder->forward(batch, p.device, p.arena, {}), Exception);
}

TEST_F(DeviceBlocks, EncodesChunksAsTheCpuDoes) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kQ8Kv}) {
    const auto ids = tokens(21);
    const auto expected = encode(ids, dtype);
    const DeviceOptions options = exact(64);
    const auto decoder = make(options);
    DeviceArena own = arena(options);
    KvCache cache(model_->config, kCapacity, DType::kF32);
    // Behind three rows of something else, which are not captured.
    const auto lead = tokens(3, 9);
    auto with_lead = lead;
    with_lead.insert(with_lead.end(), ids.begin(), ids.end());
    auto captured = block(ids, dtype);
    const auto rows = counting(24);
    cache.append_rows(rows);
    ForwardBatch batch;
    batch.token_ids = with_lead;
    batch.rows = rows;
    batch.capture = captured.get();
    batch.capture_from = 3;
    EXPECT_TRUE(decoder->forward(batch, cache, own, {}).empty());
    auto expected_behind = block(ids, dtype);
    KvCache cpu_cache(model_->config, kCapacity, DType::kF32);
    cpu_cache.append_rows(rows);
    batch.capture = expected_behind.get();
    cpu_->forward(batch, cpu_cache);
    for (std::int32_t layer = 0; layer < model_->config.n_layers; ++layer) {
      for (const Plane plane : {Plane::kKeys, Plane::kValues}) {
        std::vector<float> a(static_cast<std::size_t>(21 * model_->config.kv_dim()));
        std::vector<float> b(a.size());
        const auto view = [&](std::vector<float>& v) {
          return View<float>(v.data(), 21, model_->config.kv_dim());
        };
        kernels::kv_dequantize(*captured, layer, plane, view(a));
        kernels::kv_dequantize(*expected_behind, layer, plane, view(b));
        EXPECT_LT(max_difference(a, b), dtype == DType::kQ8Kv ? 0.05F : 0.01F)
            << dtype_name(dtype) << " layer " << layer;
      }
    }
  }
}

TEST_F(DeviceBlocks, LinkRepositionAndFullGiveTheCpusLogits) {
  const auto first = tokens(40, 1);
  const auto second = tokens(23, 2);
  const auto question = tokens(9, 4);
  for (const DType block_type : {DType::kF32, DType::kF16, DType::kQ8Kv}) {
    const auto a = encode(first, block_type);
    const auto b = encode(second, block_type);
    for (const std::size_t n_link : {0U, 3U}) {
      for (const bool graphs : {false, true}) {
        DeviceOptions options = exact(64);
        options.graphs = graphs;
        const auto decoder = make(options);
        // Twice: the second time from a graph, and from blocks that stayed on the device.
        const auto resident =
            std::make_unique<DeviceDecoder>(*model_, shared_backend_,
                                            DeviceOptions{.products = Products::kF32,
                                                          .arena_dtype = DType::kF32,
                                                          .tile_rows = 64,
                                                          .block_budget_bytes = 1 << 20,
                                                          .graphs = graphs},
                                            kCapacity);
        for (DeviceDecoder* d : {decoder.get(), resident.get(), resident.get()}) {
          Pair p = pair(options);
          const std::size_t n_rows = first.size() + second.size() + 2 * n_link + question.size();
          const auto positions = counting(n_rows);
          p.cpu.append_rows(positions);
          p.device.append_rows(positions);
          const auto second_row = static_cast<std::int64_t>(first.size() + n_link);
          const std::vector<std::int32_t> at_first = counting(first.size());
          const std::vector<std::int32_t> at_second =
              counting(second.size(), static_cast<std::int32_t>(second_row));
          const std::vector<KvLoad> loads = {{a.get(), a, 0, at_first},
                                             {b.get(), b, second_row, at_second}};
          for (const KvLoad& load : loads) {
            for (std::int32_t layer = 0; layer < model_->config.n_layers; ++layer) {
              kernels::kv_load(cpu_backend_, *load.block, layer, model_->config.rope,
                               load.positions, load.first_row, p.cpu.layer(layer));
            }
          }
          d->loader().load(loads, p.arena, {});
          // Soft link tokens behind each chunk, then the question.
          std::vector<std::int32_t> ids;
          std::vector<std::int32_t> rows;
          for (std::size_t i = 0; i < n_link; ++i) {
            ids.push_back(-1);
            rows.push_back(static_cast<std::int32_t>(first.size() + i));
          }
          for (std::size_t i = 0; i < n_link; ++i) {
            ids.push_back(-1);
            rows.push_back(static_cast<std::int32_t>(first.size() + n_link + second.size() + i));
          }
          ids.insert(ids.end(), question.begin(), question.end());
          while (rows.size() < ids.size()) {
            rows.push_back(static_cast<std::int32_t>(n_rows - (ids.size() - rows.size())));
          }
          const auto soft = RandomFloats(6).uniform(
              static_cast<std::int64_t>(2 * n_link) * model_->config.model_dim, 0.5F);
          const auto last = counting(1, static_cast<std::int32_t>(ids.size()) - 1);
          ForwardBatch batch;
          batch.token_ids = ids;
          batch.rows = rows;
          batch.logit_rows = last;
          batch.embeddings = View<const float>(soft.data(), static_cast<std::int64_t>(2 * n_link),
                                               model_->config.model_dim);
          const auto expected = cpu_->forward(batch, p.cpu);
          const auto logits = d->forward(batch, p.device, p.arena, {});
          EXPECT_LT(max_difference(expected, logits), kDeviceLogitsF16)
              << dtype_name(block_type) << ", " << n_link << " link tokens";
        }
        EXPECT_EQ(decoder->loader().resident().tier().n_blocks, 0);
        EXPECT_EQ(resident->loader().resident().tier().n_blocks, 2);
        EXPECT_EQ(resident->loader().last().bytes_from_host, 0);
        EXPECT_GT(resident->loader().last().bytes_from_device, 0);
      }
    }
  }
}

TEST_F(DeviceBlocks, RecomputeFindsTheAttentionAndTheValuesOfTheCpu) {
  const DeviceOptions options = exact(16);
  const auto decoder = make(options);
  Pair p = pair(options);
  const auto ids = tokens(20);
  const auto rows = counting(20);
  p.cpu.append_rows(rows);
  p.device.append_rows(rows);
  std::vector<float> mass_cpu(20);
  std::vector<float> mass(20);
  ForwardBatch batch;
  batch.token_ids = ids;
  batch.rows = rows;
  batch.mass_from = 12;
  batch.attention_mass = mass_cpu;
  cpu_->forward(batch, p.cpu);
  batch.attention_mass = mass;
  decoder->forward(batch, p.device, p.arena, {});
  EXPECT_LT(max_difference(mass_cpu, mass), 0.01F);
  std::vector<float> values_cpu(static_cast<std::size_t>(20 * model_->config.kv_dim()));
  std::vector<float> values(values_cpu.size());
  batch.attention_mass = {};
  batch.values_layer = 1;
  batch.values = View<float>(values_cpu.data(), 20, model_->config.kv_dim());
  cpu_->forward(batch, p.cpu);
  batch.values = View<float>(values.data(), 20, model_->config.kv_dim());
  decoder->forward(batch, p.device, p.arena, {});
  EXPECT_LT(max_difference(values_cpu, values), 0.01F);
}

TEST_F(DeviceBlocks, CorrectsRowsWithLoraAndLeavesBaseRows) {
  const auto& c = model_->config;
  std::vector<std::vector<float>> kept;
  std::vector<inference::LoraPair> pairs;
  const auto tensor = [&](std::int64_t rows, std::int64_t cols) {
    kept.push_back(RandomFloats(kept.size() + 1).uniform(rows * cols, 0.2F));
    inference::TensorEntry entry;
    entry.dtype = DType::kF32;
    entry.shape = {rows, cols};
    entry.bytes = std::as_bytes(std::span(kept.back()));
    return entry;
  };
  kept.reserve(100);
  for (std::int32_t layer = 0; layer < c.n_layers; ++layer) {
    for (std::size_t t = 0; t < inference::kLoraTargets; ++t) {
      const auto target = static_cast<inference::LoraTarget>(t);
      if (target == inference::LoraTarget::kK) continue;  // a map without a correction
      const auto shape = inference::linear_shape(c, target);
      const std::int64_t rank = 3 + static_cast<std::int64_t>(t);
      const auto a = tensor(rank, shape.inputs);
      pairs.push_back({layer, target, a, tensor(shape.outputs, rank)});
    }
  }
  const inference::LoraWeights lora(c, pairs);
  cpu_ = std::make_unique<inference::Decoder>(*model_, cpu_backend_, &lora);
  const auto ids = tokens(20);
  const auto rows = counting(20);
  std::vector<std::uint8_t> base(20);
  std::fill_n(base.begin(), 7, std::uint8_t{1});
  for (const DType half : {DType::kF32, DType::kF16, DType::kBF16}) {
    DeviceOptions options = exact(16);
    options.products = half == DType::kF32   ? Products::kF32
                       : half == DType::kF16 ? Products::kF16
                                             : Products::kBF16;
    const auto decoder = make(options);
    decoder->use_lora(&lora);
    Pair p = pair(options);
    p.cpu.append_rows(rows);
    p.device.append_rows(rows);
    ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = rows;
    batch.base_rows = base;
    const float allowed = half == DType::kBF16 ? kDeviceLogitsBf16 : kDeviceLogitsF16;
    EXPECT_LT(
        max_difference(cpu_->forward(batch, p.cpu), decoder->forward(batch, p.device, p.arena, {})),
        allowed)
        << dtype_name(half);
    // Without it the same step gives something else: the correction is not lost in the tolerance.
    decoder->use_lora(nullptr);
    Pair plain = pair(options);
    plain.device.append_rows(rows);
    EXPECT_GT(max_difference(cpu_->forward(batch, p.cpu),
                             decoder->forward(batch, plain.device, plain.arena, {})),
              2 * allowed);
  }
}

TEST_F(DeviceBlocks, StopsBetweenLayersAndGoesOnAfterwards) {
  const DeviceOptions options = exact(16);
  const auto decoder = make(options);
  Pair p = pair(options);
  const auto ids = tokens(40);
  const auto rows = counting(40);
  p.device.append_rows(rows);
  ForwardBatch batch;
  batch.token_ids = ids;
  batch.rows = rows;
  int calls = 0;
  const auto stop = [&] {
    if (++calls == 3) fail(ErrorCode::kCancelled, "stopped");
  };
  EXPECT_THROW(decoder->forward(batch, p.device, p.arena, stop), Exception);
  EXPECT_EQ(calls, 3);
  p.device.truncate(0);
  EXPECT_LT(difference(*decoder, p, ids, rows, counting(1, 39)), kDeviceLogitsF16);
  const auto block = encode(tokens(30, 1), DType::kF16);
  const auto at = counting(30);
  const KvLoad load{block.get(), nullptr, 0, at};
  calls = 1;
  EXPECT_THROW(decoder->loader().load(std::span(&load, 1), p.arena, stop), Exception);
  EXPECT_FALSE(decoder->loader().is_under_way());
}

TEST_F(DeviceBlocks, SaysWhatDoesNotFitBeforeItTakesAnything) {
  auto small = std::make_shared<CudaBackend>(
      plugin_, cuda::BackendOptions{.memory_limit_bytes = 1 << 17, .blas_library = ""});
  const auto result = returning(
      [&] { return std::make_unique<DeviceDecoder>(*model_, small, exact(), kCapacity); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(result.error().message.find("of weights"), std::string::npos) << result.error().message;
  std::int64_t used = 0;
  std::int64_t free_bytes = 0;
  small->run(&Api::memory, &used, &free_bytes);
  EXPECT_EQ(used, 0);
}

TEST_F(DeviceDecoderTest, DrawsWhatTheHostWouldDrawFromItsLogits) {
  const inference::SamplerOptions ways[] = {
      {},
      {.repetition_penalty = 1.3F},
      {.temperature = 1.5F, .top_k = 20, .top_p = 0.9F, .repetition_penalty = 1.1F, .seed = 7},
      {.temperature = 1.0F, .top_k = 0, .seed = 7},  // more candidates than a device looks at
  };
  for (const auto& way : ways) {
    const bool is_ours = way.temperature <= 0.0F || way.top_k > 0;
    const DeviceOptions options = exact();
    const auto decoder = make(options);
    Pair p = pair(options);
    inference::Sampler host(way);
    inference::Sampler device(way);
    std::vector<std::int32_t> answer;
    std::int32_t token = 3;
    // The first steps as they are, those behind them as graphs, with and without a draw.
    for (std::int32_t step = 0; step < 8; ++step) {
      p.device.append_rows(std::span(&step, 1));
      const auto only = counting(1);
      ForwardBatch batch;
      batch.token_ids = std::span(&token, 1);
      batch.rows = std::span(&step, 1);
      batch.logit_rows = only;
      const auto logits = decoder->forward(batch, p.device, p.arena, {});
      auto draw = device.plan(answer);
      batch.draw = &draw;
      const auto drawn = decoder->forward(batch, p.device, p.arena, {});
      const std::int32_t expected = host.next(logits, answer);
      if (is_ours) {
        EXPECT_TRUE(drawn.empty());
        EXPECT_EQ(draw.token, expected) << "step " << step;
        device.advance();
      } else {
        EXPECT_EQ(draw.token, -1);
        EXPECT_EQ(max_difference(drawn, logits), 0.0F);
      }
      answer.push_back(expected);
      token = expected;
    }
    EXPECT_GT(decoder->n_graph_launches(), 8);
  }
}

TEST_F(DeviceDecoderTest, LogitsThatAreNoNumbersComeBackToTheHost) {
  const DeviceOptions options = exact();
  const auto decoder = make(options);
  Pair p = pair(options);
  const std::vector<float> soft(static_cast<std::size_t>(model_->config.model_dim), NAN);
  for (std::int32_t step = 0; step < 3; ++step) {
    p.device.append_rows(std::span(&step, 1));
    const auto only = counting(1);
    const std::int32_t none = -1;
    inference::TokenDraw draw;
    ForwardBatch batch;
    batch.token_ids = std::span(&none, 1);
    batch.rows = std::span(&step, 1);
    batch.logit_rows = only;
    batch.embeddings = View<const float>(soft.data(), 1, model_->config.model_dim);
    batch.draw = &draw;
    const auto logits = decoder->forward(batch, p.device, p.arena, {});
    EXPECT_EQ(draw.token, -1);
    ASSERT_EQ(std::ssize(logits), model_->config.vocab_size);
    EXPECT_TRUE(std::isnan(logits[0]));
  }
}

TEST_F(DeviceBlocks, PlansTheMemoryThatItTakes) {
  auto backend = std::make_shared<CudaBackend>(plugin_, cuda::BackendOptions{.blas_library = ""});
  use_model({.dtype = DType::kQ4_1});
  DeviceOptions options{.tile_rows = 32, .block_budget_bytes = 0};
  const DeviceDecoder decoder(*model_, backend, options, kCapacity);
  const DeviceArena own(model_->config, kCapacity, options.arena_dtype, *backend);
  std::int64_t used = 0;
  std::int64_t free_bytes = 0;
  backend->run(&Api::memory, &used, &free_bytes);
  const auto planned = decoder.planned_memory();
  EXPECT_GT(planned.copies, 0);
  EXPECT_TRUE(decoder.weights().has_copies());
  EXPECT_LE(used, planned.total() + 64 * 1024);
  EXPECT_GE(used, planned.total() * 9 / 10);
}

TEST_F(DeviceBlocks, ALostDeviceEndsInATypedErrorAtEveryStep) {
  std::set<ErrorCode> codes;
  for (std::int64_t n = 1; n < 260; n += 13) {
    const auto result = returning([&] {
      auto failing = std::make_shared<CudaBackend>(
          plugin_, cuda::BackendOptions{.blas_library = "", .fail_after_calls = n});
      DeviceOptions options = exact(16);
      DeviceDecoder decoder(*model_, failing, options, kCapacity);
      DeviceArena own(model_->config, kCapacity, DType::kF32, *failing);
      KvCache cache(model_->config, kCapacity, DType::kF32);
      for (std::int32_t i = 0; i < 4; ++i) {
        const auto id = counting(1, 5);
        const auto row = counting(1, i);
        const auto wanted = counting(1);
        cache.append_rows(row);
        ForwardBatch batch;
        batch.token_ids = id;
        batch.rows = row;
        batch.logit_rows = wanted;
        decoder.forward(batch, cache, own, {});
      }
    });
    if (!result) codes.insert(result.error().code);
    EXPECT_TRUE(result || result.error().code == ErrorCode::kDevice) << n;
  }
  EXPECT_EQ(codes, std::set<ErrorCode>{ErrorCode::kDevice});
}

}  // namespace
}  // namespace kvlink::tests
