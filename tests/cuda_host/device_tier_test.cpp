// SPDX-License-Identifier: Apache-2.0
// Blocks that stay on a device: budget, eviction, memory that runs out; and when what was done.
#include "inference/device_kv.h"
#include "tests/cuda_host/decoder_fixture.h"

namespace kvlink::tests {
namespace {

Digest id_of(std::uint8_t number) {
  Digest id;
  id.bytes[0] = number;
  return id;
}

class DeviceTierTest : public DeviceBlocks {
 protected:
  using Block = std::shared_ptr<KvBlock>;

  /// Loads blocks one behind the other into a context of its own, forwards a question, and compares
  /// the logits with the CPU's.
  float load_and_ask(DeviceDecoder& decoder, const std::vector<Block>& blocks,
                     const std::vector<Digest>& ids, const DeviceOptions& options) {
    Pair p = pair(options);
    std::int64_t n_rows = 0;
    std::vector<std::vector<std::int32_t>> at;
    for (const Block& b : blocks) {
      at.push_back(
          counting(static_cast<std::size_t>(b->n_tokens()), static_cast<std::int32_t>(n_rows)));
      n_rows += b->n_tokens();
    }
    const auto question = tokens(9, 4);
    const auto positions = counting(static_cast<std::size_t>(n_rows) + question.size());
    p.cpu.append_rows(positions);
    p.device.append_rows(positions);
    std::vector<KvLoad> loads;
    std::int64_t row = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      loads.push_back({blocks[i].get(), nullptr, row, at[i], ids[i]});
      row += blocks[i]->n_tokens();
      for (std::int32_t layer = 0; layer < model_->config.n_layers; ++layer) {
        kernels::kv_load(cpu_backend_, *blocks[i], layer, model_->config.rope, at[i],
                         loads[i].first_row, p.cpu.layer(layer));
      }
    }
    decoder.loader().load(loads, p.arena, {});
    const auto rows = counting(question.size(), static_cast<std::int32_t>(n_rows));
    const auto last = counting(1, static_cast<std::int32_t>(question.size()) - 1);
    ForwardBatch batch;
    batch.token_ids = question;
    batch.rows = rows;
    batch.logit_rows = last;
    last_ = decoder.forward(batch, p.device, p.arena, {});
    return max_difference(cpu_->forward(batch, p.cpu), last_);
  }
};

TEST_F(DeviceTierTest, KeepsTheLastBlocksInsideTheBudget) {
  const auto one = encode(tokens(30, 1), DType::kF16);
  const auto two = encode(tokens(30, 2), DType::kF16);
  DeviceOptions options = exact(64);
  options.block_budget_bytes = std::ssize(one->bytes()) + 100;
  const auto decoder = make(options);
  DeviceArena own = arena(options);
  const auto at = counting(30);
  const auto load = [&](const std::shared_ptr<KvBlock>& block, bool owned) {
    const KvLoad l{block.get(), owned ? block : nullptr, 0, at};
    decoder->loader().load(std::span(&l, 1), own, {});
    decoder->loader().finish();
    return decoder->loader().last();
  };
  EXPECT_GT(load(one, true).bytes_from_host, 0);
  EXPECT_EQ(load(one, true).bytes_from_host, 0);
  EXPECT_GT(load(two, false).bytes_from_host, 0);  // nobody vouches for it: not kept
  EXPECT_EQ(load(one, true).bytes_from_host, 0);
  EXPECT_GT(load(two, true).bytes_from_host, 0);
  EXPECT_GT(load(one, true).bytes_from_host, 0);  // made room for the other
  EXPECT_LE(decoder->loader().resident().tier().used_bytes, options.block_budget_bytes);
  decoder->loader().resident().drop();
  EXPECT_EQ(decoder->loader().resident().tier().used_bytes, 0);
}

TEST_F(DeviceTierTest, NeverEvictsWhatTheLoadUnderWayUses) {
  std::vector<Block> blocks;
  std::vector<Digest> ids;
  for (std::uint8_t i = 1; i <= 4; ++i) {
    blocks.push_back(encode(tokens(20, i), DType::kF16));
    ids.push_back(id_of(i));
  }
  DeviceOptions options = exact(64);
  options.block_budget_bytes = 2 * std::ssize(blocks[0]->bytes()) + 100;
  const auto decoder = make(options);
  // Four blocks and room for two: the others come through the ring, and all are right.
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_LT(load_and_ask(*decoder, blocks, ids, options), kDeviceLogitsF16) << turn;
    const auto tier = decoder->loader().resident().tier();
    EXPECT_EQ(tier.n_blocks, 2);
    EXPECT_EQ(tier.n_evicted, 0);
    EXPECT_EQ(tier.n_served, 2 * turn);
  }
  // Others come: the longest unused ones go.
  EXPECT_LT(load_and_ask(*decoder, {blocks[3]}, {ids[3]}, options), kDeviceLogitsF16);
  EXPECT_EQ(decoder->loader().resident().tier().n_evicted, 1);
  EXPECT_EQ(decoder->loader().resident().ids(), (std::vector<Digest>{ids[3], ids[1]}));
}

TEST_F(DeviceTierTest, FindsABlockByItsIdWhenTheHostHasReadItAnew) {
  DeviceOptions options = exact(64);
  options.block_budget_bytes = 1 << 20;
  const auto decoder = make(options);
  for (int turn = 0; turn < 2; ++turn) {
    const auto block = encode(tokens(20, 1), DType::kF16);  // another object every time
    EXPECT_LT(load_and_ask(*decoder, {block}, {id_of(1)}, options), kDeviceLogitsF16);
    EXPECT_EQ(decoder->loader().last().bytes_from_host == 0, turn == 1);
  }
  // The same passage in another precision is another block, which takes the first one's place.
  const auto other = encode(tokens(20, 1), DType::kQ8Kv);
  EXPECT_LT(load_and_ask(*decoder, {other}, {id_of(1)}, options), kDeviceLogitsBf16);
  EXPECT_GT(decoder->loader().last().bytes_from_host, 0);
  EXPECT_EQ(decoder->loader().resident().tier().n_blocks, 1);
  EXPECT_EQ(decoder->loader().resident().tier().used_bytes, std::ssize(other->bytes()));
}

TEST_F(DeviceTierTest, LoadsBlocksOfSeveralPrecisionsTogether) {
  DeviceOptions options = exact(64);
  options.block_budget_bytes = 1 << 20;
  const auto decoder = make(options);
  const std::vector<Block> blocks = {encode(tokens(20, 1), DType::kF16),
                                     encode(tokens(17, 2), DType::kQ8Kv),
                                     encode(tokens(5, 3), DType::kF32)};
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_LT(load_and_ask(*decoder, blocks, {id_of(1), id_of(2), {}}, options), kDeviceLogitsBf16);
  }
  EXPECT_EQ(decoder->loader().resident().tier().n_blocks, 2);  // nobody knows the third again
}

TEST_F(DeviceTierTest, GivesWayWhenTheMemoryIsShort) {
  const auto block = encode(tokens(120, 1), DType::kF32);
  DeviceOptions options = exact(64);
  options.block_budget_bytes = 64 << 20;
  // Room for the decoder, one context and a little more: less than the budget promises.
  const auto needed = inference::device_memory(*model_, options, kCapacity, 0);
  const std::int64_t context =
      DeviceArena::size_bytes(model_->config, kCapacity, options.arena_dtype);
  const std::int64_t limit =
      needed.total() + 2 * std::ssize(block->bytes()) + context + (std::int64_t{2} << 20);
  auto small = std::make_shared<CudaBackend>(
      plugin_, cuda::BackendOptions{.memory_limit_bytes = limit, .blas_library = ""});
  DeviceDecoder decoder(*model_, small, options, kCapacity);
  std::vector<std::unique_ptr<inference::DeviceKv>> contexts;
  contexts.push_back(decoder.new_kv(kCapacity));
  KvCache cache(model_->config, kCapacity, DType::kF32);
  const auto at = counting(120);
  cache.append_rows(at);
  for (std::uint8_t i = 1; i < 120; ++i) {
    const KvLoad load{block.get(), nullptr, 0, at, id_of(i)};
    contexts[0]->load(std::span(&load, 1), cache, {});
    decoder.loader().finish();
  }
  const auto full = decoder.loader().resident().tier();
  EXPECT_GT(full.n_blocks, 0);
  EXPECT_LT(full.used_bytes, options.block_budget_bytes);
  EXPECT_GT(full.n_evicted, 0);
  // Another context needs what the blocks have: they go, and it is there.
  while (decoder.loader().resident().tier().n_blocks > 0) {
    const auto made = returning([&] { contexts.push_back(decoder.new_kv(kCapacity)); });
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_LT(contexts.size(), 50U);
  }
  // And when nothing can make room any more it is a typed error, after which everything works.
  const auto make_one = [&] { contexts.push_back(decoder.new_kv(kCapacity)); };
  auto made = returning(make_one);
  while (made && contexts.size() < 200) made = returning(make_one);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kOutOfMemory);
  contexts.resize(1);
  const KvLoad load{block.get(), nullptr, 0, at, id_of(1)};
  contexts[0]->load(std::span(&load, 1), cache, {});
  decoder.loader().finish();
  EXPECT_EQ(decoder.loader().resident().tier().n_blocks, 1);
}

TEST_F(DeviceTierTest, TheOrderOfTheLanesDoesNotMatter) {
  if (!fake_.is_there()) GTEST_SKIP() << "a device chooses the order itself";
  const std::vector<Block> blocks = {encode(tokens(40, 1), DType::kF16),
                                     encode(tokens(23, 2), DType::kQ8Kv)};
  DeviceOptions options = exact(64);
  options.block_budget_bytes = 1 << 20;
  std::vector<std::vector<float>> results;
  for (const int late : {0, 1, 2, 3}) {
    fake_.set_late(late);
    const auto decoder = make(options);
    // Through the ring, from the device, and again as a graph.
    for (int turn = 0; turn < 4; ++turn) {
      EXPECT_LT(load_and_ask(*decoder, blocks, {id_of(1), id_of(2)}, options), kDeviceLogitsBf16);
      results.push_back(last_);
    }
  }
  fake_.set_late(3);
  for (const auto& result : results) EXPECT_LT(max_difference(result, results[0]), 1e-5F);
}

TEST_F(DeviceTierTest, RingsAreUsedAgainOnlyWhenTheirCopiesAreDone) {
  use_model({.n_layers = 9});  // more than either ring has slots
  const DeviceOptions options = exact(64);
  const auto decoder = make(options);
  const std::vector<Block> blocks = {encode(tokens(20, 1), DType::kF16),
                                     encode(tokens(11, 2), DType::kF16)};
  EXPECT_LT(load_and_ask(*decoder, blocks, {{}, {}}, options), kDeviceLogitsF16);
  const auto ids = tokens(20, 1);
  auto captured = block(ids, DType::kF16);
  DeviceArena own = arena(options);
  KvCache cache(model_->config, kCapacity, DType::kF32);
  const auto rows = counting(20);
  cache.append_rows(rows);
  ForwardBatch batch;
  batch.token_ids = ids;
  batch.rows = rows;
  batch.capture = captured.get();
  decoder->forward(batch, cache, own, {});
  for (std::int32_t layer = 0; layer < model_->config.n_layers; ++layer) {
    for (const Plane plane : {Plane::kKeys, Plane::kValues}) {
      std::vector<float> a(static_cast<std::size_t>(20 * model_->config.kv_dim()));
      std::vector<float> b(a.size());
      const auto view = [&](std::vector<float>& v) {
        return View<float>(v.data(), 20, model_->config.kv_dim());
      };
      kernels::kv_dequantize(*captured, layer, plane, view(a));
      kernels::kv_dequantize(*blocks[0], layer, plane, view(b));
      EXPECT_LT(max_difference(a, b), 0.02F) << "layer " << layer;
    }
  }
}

TEST_F(DeviceTierTest, LayersLargerThanASlotGoThroughInPieces) {
  use_model({.n_layers = 3});
  const std::vector<Block> blocks = {encode(tokens(40, 1), DType::kF16),
                                     encode(tokens(7, 2), DType::kQ8Kv),
                                     encode(tokens(33, 3), DType::kF32)};
  DeviceOptions options = exact(64);
  options.block_budget_bytes = 1 << 20;
  std::vector<std::vector<float>> results;
  kernels::ThreadPool threads(3);
  // From one block a piece to all of them in one.
  for (const std::int64_t slot : {20 << 10, 28 << 10, 1 << 20}) {
    options.ring_slot_bytes = slot;
    const auto decoder = make(options);
    if (slot != 28 << 10) decoder->loader().stage_with(&threads);
    for (int turn = 0; turn < 3; ++turn) {
      // The second stays on the device, so that the pieces of later turns are others.
      EXPECT_LT(load_and_ask(*decoder, blocks, {{}, id_of(2), {}}, options), kDeviceLogitsBf16)
          << slot;
      results.push_back(last_);
    }
  }
  for (const auto& result : results) EXPECT_LT(max_difference(result, results[0]), 1e-5F);
}

TEST_F(DeviceTierTest, RefusesWhatNoSlotHolds) {
  const auto large = encode(tokens(120, 1), DType::kF32);
  const auto small = encode(tokens(5, 2), DType::kF16);
  DeviceOptions options = exact(64);
  options.ring_slot_bytes = 8 << 10;
  const auto decoder = make(options);
  const auto refused = returning([&] { load_and_ask(*decoder, {large}, {{}}, options); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message.find("a passage of 120 tokens"), std::string::npos)
      << refused.error().message;
  EXPECT_LT(load_and_ask(*decoder, {small}, {{}}, options), kDeviceLogitsBf16);
}

TEST_F(DeviceTierTest, EverythingThatLoadsTakeIsTakenBefore) {
  if (!fake_.is_there()) GTEST_SKIP() << "a device does not say what is in use by whom";
  const auto block = encode(tokens(120, 1), DType::kF32);
  const DeviceOptions options = exact(64);
  const auto decoder = make(options);
  DeviceArena own = arena(options);
  KvCache cache(model_->config, kCapacity, DType::kF32);
  const auto at = counting(120);
  cache.append_rows(at);
  const std::int64_t used = fake_.used();
  fake_.set_pinned(0);
  const KvLoad load{block.get(), nullptr, 0, at};
  decoder->loader().load(std::span(&load, 1), own, {});
  decoder->loader().finish();
  EXPECT_EQ(fake_.used(), used);
}

TEST_F(DeviceTierTest, SaysSoWhenThereIsNoPinnedMemoryForTheRing) {
  if (!fake_.is_there()) GTEST_SKIP() << "a machine cannot be told to have little memory";
  const DeviceOptions options = exact(64);
  const inference::LoadRoom room(model_->config, kCapacity, options.ring_slot_bytes);
  const std::int64_t used = fake_.used();
  fake_.set_pinned(room.slot - 1);
  const auto made = returning([&] { make(options); });
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(made.error().message.find("pinned memory"), std::string::npos) << made.error().message;
  EXPECT_EQ(fake_.used(), used) << "nothing stays on the device";
  fake_.set_pinned(INT64_MAX);
  EXPECT_TRUE(returning([&] { make(options); }));
}

TEST_F(DeviceTierTest, TheTraceSaysWhatWasDoneWhenAndHowMuch) {
  using Work = inference::DeviceSpan::Work;
  DeviceOptions options = exact(64);
  options.block_budget_bytes = 1 << 20;
  const auto decoder = make(options);
  const auto block = encode(tokens(20, 1), DType::kF16);
  const std::int64_t n_layers = model_->config.n_layers;
  for (int turn = 0; turn < 2; ++turn) {
    const auto before = std::chrono::steady_clock::now();
    decoder->trace().begin();
    load_and_ask(*decoder, {block}, {id_of(1)}, options);
    const auto spans = decoder->trace().end();
    const auto after = std::chrono::steady_clock::now();
    std::int64_t n_copies = 0;
    std::int64_t n_rotations = 0;
    std::int64_t copied = 0;
    std::int64_t rotated = 0;
    for (const auto& span : spans) {
      EXPECT_LE(span.begin, span.end);
      EXPECT_GE(span.begin, before);
      EXPECT_LE(span.end, after + std::chrono::milliseconds(1));
      n_copies += span.work == Work::kCopy ? 1 : 0;
      n_rotations += span.work == Work::kRotate ? 1 : 0;
      (span.work == Work::kCopy ? copied : rotated) += span.bytes;
    }
    EXPECT_EQ(n_rotations, n_layers);
    EXPECT_EQ(n_copies, turn == 0 ? n_layers : 0) << "the second time it is there already";
    EXPECT_EQ(std::ssize(spans), n_copies + n_rotations + 1);
    EXPECT_EQ(copied, decoder->loader().last().bytes_from_host);
    std::int64_t planes = 0;
    for (std::int32_t layer = 0; layer < n_layers; ++layer) {
      planes += std::ssize(block->plane(layer, Plane::kKeys)) +
                std::ssize(block->plane(layer, Plane::kValues));
    }
    EXPECT_EQ(rotated, planes);
  }
  EXPECT_FALSE(decoder->trace().is_on());
}

}  // namespace
}  // namespace kvlink::tests
