// SPDX-License-Identifier: Apache-2.0
#include "inference/decoder.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kv.h"
#include "tests/inference/decoder_driver.h"
#include "tests/inference/reference_decoder.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::Decoder;
using inference::ForwardBatch;
using inference::KvCache;
using inference::Model;
using Ids = std::vector<std::int32_t>;

Model tiny_model(const TinyModelOptions& options) {
  const TemporaryFolder folder;
  write_tiny_generator(folder.path() / "tiny.gguf", options);
  return value_or_throw(inference::load_model(folder.path() / "tiny.gguf"));
}

Ids some_ids(std::size_t n, std::int32_t seed = 1) {
  Ids ids(n);
  for (std::size_t i = 0; i < n; ++i) {
    ids[i] = static_cast<std::int32_t>(
        (i * 37 + i * i * 11 + static_cast<std::size_t>(seed) * 101) % 256);
  }
  return ids;
}

Ids counting(std::int32_t first, std::size_t n) {
  Ids values(n);
  std::iota(values.begin(), values.end(), first);
  return values;
}

std::vector<float> flat(const Matrix& m) {
  std::vector<float> values;
  for (const auto& row : m) {
    for (const double v : row) values.push_back(static_cast<float>(v));
  }
  return values;
}

class DecoderOnTinyModel : public testing::TestWithParam<kernels::Isa> {
 protected:
  Model model_ = tiny_model({});
  kernels::CpuBackend backend_{
      {.n_threads = 2, .max_isa = GetParam(), .arithmetic = kernels::Arithmetic::kFloat}};
  Decoder decoder_{model_, backend_};
  std::size_t n_vocab_ = static_cast<std::size_t>(model_.config.vocab_size);

  KvCache cache(std::int64_t capacity, DType dtype = DType::kF32) const {
    return KvCache(model_.config, capacity, dtype);
  }
};

TEST_P(DecoderOnTinyModel, FollowsTheFormulas) {
  const Ids ids = some_ids(33);
  const auto expected =
      reference_forward(model_, token_embeddings(model_, ids), counting(0, ids.size()));
  KvCache f32 = cache(64);
  EXPECT_LE(max_difference(read_tokens(decoder_, f32, ids, Logits::kAll), flat(expected.logits)),
            kTinyLogitsF32);
  KvCache f16 = cache(64, DType::kF16);
  EXPECT_LE(max_difference(read_tokens(decoder_, f16, ids, Logits::kAll), flat(expected.logits)),
            kTinyLogitsF16Arena);
  KvCache bf16 = cache(64, DType::kBF16);
  EXPECT_LE(max_difference(read_tokens(decoder_, bf16, ids, Logits::kAll), flat(expected.logits)),
            kTinyLogitsBf16Arena);
  KvCache q8 = cache(64, DType::kQ8Kv);
  EXPECT_LE(max_difference(read_tokens(decoder_, q8, ids, Logits::kAll), flat(expected.logits)),
            kTinyLogitsQ8Arena);
}

TEST_P(DecoderOnTinyModel, SoftTokensTakeTheirEmbeddingsInOrder) {
  const Ids ids = {5, -1, 9, -1, -1, 7};
  const Ids positions = counting(0, ids.size());
  std::vector<float> soft(3 * 64);
  for (std::size_t i = 0; i < soft.size(); ++i) soft[i] = std::sin(static_cast<float>(i));
  Matrix x;
  std::size_t next = 0;
  for (const std::int32_t id : ids) {
    if (id >= 0) {
      x.push_back(weight_row(model_.embedding, id));
    } else {
      const auto row = soft.begin() + static_cast<std::ptrdiff_t>(64 * next++);
      x.emplace_back(row, row + 64);
    }
  }
  KvCache arena = cache(16);
  arena.append_rows(positions);
  ForwardBatch batch;
  batch.token_ids = ids;
  batch.embeddings = View<const float>(soft.data(), 3, 64);
  batch.rows = positions;
  batch.logit_rows = positions;
  EXPECT_LE(max_difference(decoder_.forward(batch, arena),
                           flat(reference_forward(model_, x, positions).logits)),
            kTinyLogitsF32);
}

TEST_P(DecoderOnTinyModel, VisibilityGoesByPositionNotByRow) {
  const Ids ids = some_ids(6);
  const Ids positions = {0, 1, 2, 9, 9, 30};  // two tokens share a position and see each other
  const auto expected = reference_forward(model_, token_embeddings(model_, ids), positions);
  // The same tokens in arena rows that are out of order.
  const Ids rows = {4, 0, 5, 1, 3, 2};
  Ids row_positions(6);
  for (std::size_t i = 0; i < 6; ++i) {
    row_positions[static_cast<std::size_t>(rows[i])] = positions[i];
  }
  KvCache arena = cache(16);
  arena.append_rows(row_positions);
  ForwardBatch batch;
  batch.token_ids = ids;
  batch.rows = rows;
  const Ids all = counting(0, 6);
  batch.logit_rows = all;
  EXPECT_LE(max_difference(decoder_.forward(batch, arena), flat(expected.logits)), kTinyLogitsF32);
}

TEST_P(DecoderOnTinyModel, CapturesKeysBeforeRotationAndValues) {
  const Ids ids = some_ids(12);
  const Ids rows = counting(0, ids.size());
  const auto expected = reference_forward(model_, token_embeddings(model_, ids), rows);
  KvBlock block({.n_layers = 2, .n_kv_heads = 2, .head_dim = 16, .dtype = DType::kF32},
                Ids(ids.begin() + 4, ids.end()));
  KvCache arena = cache(16);
  arena.append_rows(rows);
  ForwardBatch batch;
  batch.token_ids = ids;
  batch.rows = rows;
  batch.capture = &block;
  batch.capture_from = 4;
  EXPECT_TRUE(decoder_.forward(batch, arena).empty());
  for (std::int32_t layer = 0; layer < 2; ++layer) {
    for (auto [plane, all] :
         {std::pair{Plane::kKeys, &expected.keys}, std::pair{Plane::kValues, &expected.values}}) {
      const Matrix& m = (*all)[static_cast<std::size_t>(layer)];
      std::vector<float> captured(8 * 32);
      kernels::kv_dequantize(block, layer, plane, View<float>(captured.data(), 8, 32));
      EXPECT_LE(max_difference(captured, flat(Matrix(m.begin() + 4, m.end()))), kTinyLogitsF32);
    }
  }
}

TEST_P(DecoderOnTinyModel, GivesLogitsOfTheWantedRowsOnly) {
  const Ids ids = some_ids(10);
  KvCache one = cache(16);
  const auto all = read_tokens(decoder_, one, ids, Logits::kAll);
  KvCache other = cache(16);
  const Ids rows = counting(0, ids.size());
  other.append_rows(rows);
  const Ids wanted = {2, 7};
  ForwardBatch batch;
  batch.token_ids = ids;
  batch.rows = rows;
  batch.logit_rows = wanted;
  const auto some = decoder_.forward(batch, other);
  ASSERT_EQ(some.size(), 2 * n_vocab_);
  EXPECT_LE(max_difference(std::span(some).first(n_vocab_),
                           std::span(all).subspan(2 * n_vocab_, n_vocab_)),
            kTinyLogitsF32);
  EXPECT_LE(max_difference(std::span(some).last(n_vocab_),
                           std::span(all).subspan(7 * n_vocab_, n_vocab_)),
            kTinyLogitsF32);
}

INSTANTIATE_TEST_SUITE_P(EveryIsa, DecoderOnTinyModel, testing::ValuesIn(available_isas()),
                         [](const auto& info) {
                           return std::string(kernels::isa_name(info.param));
                         });

/// 1,100 tokens are three tiles.
class DecoderTiles : public testing::Test {
 protected:
  static constexpr std::size_t kTokens = 1100;
  Model model_ = tiny_model({});
  kernels::CpuBackend backend_{{.n_threads = 2}};
  Decoder decoder_{model_, backend_};
  Ids ids_ = some_ids(kTokens);
  KvLayout layout_{.n_layers = 2, .n_kv_heads = 2, .head_dim = 16, .dtype = DType::kF32};
};

TEST_F(DecoderTiles, EqualOneTokenAtATime) {
  KvCache at_once(model_.config, kTokens, DType::kF32);
  const auto expected = read_tokens(decoder_, at_once, ids_, Logits::kAll);
  KvCache stepwise(model_.config, kTokens, DType::kF32);
  const auto n_vocab = static_cast<std::size_t>(model_.config.vocab_size);
  float worst = 0.0F;
  for (std::size_t i = 0; i < kTokens; ++i) {
    const auto logits =
        read_tokens(decoder_, stepwise, std::span(ids_).subspan(i, 1), Logits::kLast);
    worst =
        std::max(worst, max_difference(logits, std::span(expected).subspan(i * n_vocab, n_vocab)));
  }
  EXPECT_LE(worst, kTinyLogitsF32);
}

TEST_F(DecoderTiles, CaptureSpansTiles) {
  // The same tokens captured in one pass of three tiles and in passes of one tile.
  const Ids rows = counting(0, kTokens);
  KvCache arena(model_.config, kTokens, DType::kF32);
  arena.append_rows(rows);
  KvBlock whole(layout_, Ids(ids_.begin() + 30, ids_.end()));
  ForwardBatch batch;
  batch.token_ids = ids_;
  batch.rows = rows;
  batch.capture = &whole;
  batch.capture_from = 30;
  decoder_.forward(batch, arena);

  KvCache other(model_.config, kTokens, DType::kF32);
  read_tokens(decoder_, other, std::span(ids_).first(900), Logits::kNone);
  const Ids last_rows = counting(900, kTokens - 900);
  other.append_rows(last_rows);
  KvBlock tail(layout_, Ids(ids_.begin() + 900, ids_.end()));
  ForwardBatch last;
  last.token_ids = std::span(ids_).subspan(900);
  last.rows = last_rows;
  last.capture = &tail;
  decoder_.forward(last, other);

  for (auto plane : {Plane::kKeys, Plane::kValues}) {
    std::vector<float> all((kTokens - 30) * 32);
    std::vector<float> part((kTokens - 900) * 32);
    kernels::kv_dequantize(whole, 1, plane, View<float>(all.data(), kTokens - 30, 32));
    kernels::kv_dequantize(tail, 1, plane, View<float>(part.data(), kTokens - 900, 32));
    EXPECT_LE(max_difference(std::span(all).last(part.size()), part), kTinyLogitsF32);
  }
}

TEST_F(DecoderTiles, CallBackBeforeEveryLayerOfEveryTile) {
  KvCache arena(model_.config, kTokens, DType::kF32);
  const Ids rows = counting(0, kTokens);
  arena.append_rows(rows);
  ForwardBatch batch;
  batch.token_ids = ids_;
  batch.rows = rows;
  int n_calls = 0;
  decoder_.forward(batch, arena, [&] { ++n_calls; });
  EXPECT_EQ(n_calls, 3 * 2);
}

TEST_F(DecoderTiles, StopInTheMiddleLeavesRowsThatCanBeReadAgain) {
  KvCache arena(model_.config, kTokens, DType::kF32);
  const auto expected = read_tokens(decoder_, arena, ids_, Logits::kLast);
  arena.truncate(0);
  const Ids rows = counting(0, kTokens);
  arena.append_rows(rows);
  ForwardBatch batch;
  batch.token_ids = ids_;
  batch.rows = rows;
  int n_calls = 0;
  EXPECT_THROW(decoder_.forward(batch, arena,
                                [&] {
                                  if (++n_calls == 4) fail(ErrorCode::kCancelled, "stopped");
                                }),
               Exception);
  EXPECT_EQ(n_calls, 4);
  arena.truncate(0);
  EXPECT_EQ(max_difference(read_tokens(decoder_, arena, ids_, Logits::kLast), expected), 0.0F);
}

TEST_F(DecoderTiles, RefuseATokenOutsideTheVocabulary) {
  KvCache arena(model_.config, 4, DType::kF32);
  for (const std::int32_t id : {-2, -1, model_.config.vocab_size}) {
    arena.truncate(0);
    try {
      read_tokens(decoder_, arena, std::span(&id, 1), Logits::kLast);
      FAIL() << "accepted " << id;
    } catch (const Exception& e) {
      EXPECT_EQ(e.error().code, ErrorCode::kInvalidInput);
    }
  }
}

TEST(Decoder, TilesShrinkAsModelsGrow) {
  inference::ModelConfig config;
  config.n_heads = 9;
  config.n_kv_heads = 3;
  config.head_dim = 64;
  config.model_dim = 576;
  config.ffn_dim = 1536;
  EXPECT_EQ(Decoder::tile_rows(config, 2), Decoder::kTile);  // 135M parameters
  config.n_heads = 32;
  config.n_kv_heads = 8;
  config.head_dim = 64;
  config.model_dim = 2048;
  config.ffn_dim = 8192;
  EXPECT_EQ(Decoder::tile_rows(config, 2), 82);  // 1B
  EXPECT_EQ(Decoder::tile_rows(config, 64), Decoder::kTile);
  config.head_dim = 128;
  config.model_dim = 4096;
  config.ffn_dim = 14336;
  EXPECT_EQ(Decoder::tile_rows(config, 1), 32);  // 8B
}

TEST(Decoder, ReadsQuantisedWeightsAndAnUntiedOutput) {
  for (auto dtype : {DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1}) {
    const Model model = tiny_model({.seed = 5, .dtype = dtype, .tied_output = false});
    kernels::CpuBackend backend({.n_threads = 2, .arithmetic = kernels::Arithmetic::kFloat});
    const Ids ids = some_ids(20);
    const auto expected =
        reference_forward(model, token_embeddings(model, ids), counting(0, ids.size()));
    KvCache arena(model.config, 32, DType::kF32);
    EXPECT_LE(max_difference(read_tokens(Decoder(model, backend), arena, ids, Logits::kAll),
                             flat(expected.logits)),
              kTinyLogitsF32)
        << dtype_name(dtype);
  }
}

TEST(KvCache, RowsEndAtTheCapacity) {
  const Model model = tiny_model({});
  KvCache cache(model.config, 4, DType::kF16);
  EXPECT_EQ(cache.size_bytes(), 2 * 2 * 4 * 32 * 2);
  EXPECT_EQ(cache.append_rows(Ids{7, 8, 9}), 0);
  try {
    cache.append_rows(Ids{10, 11});
    FAIL() << "took five rows";
  } catch (const Exception& e) {
    EXPECT_EQ(e.error().code, ErrorCode::kOutOfMemory);
  }
  EXPECT_EQ(cache.n_rows(), 3);
  EXPECT_EQ(cache.append_rows(Ids{10}), 3);
  cache.truncate(1);
  EXPECT_EQ(cache.n_rows(), 1);
  EXPECT_EQ(cache.positions()[0], 7);
}

TEST(KvCache, LayersStandOneBehindTheOther) {
  const Model model = tiny_model({});
  KvCache cache(model.config, 4, DType::kF32);
  const std::int64_t plane = 4 * 32 * 4;
  EXPECT_EQ(cache.layer(0).values - cache.layer(0).keys, plane);
  EXPECT_EQ(cache.layer(1).keys - cache.layer(0).values, plane);
  EXPECT_EQ(cache.layer(1).values + plane - cache.layer(0).keys, cache.size_bytes());
}

TEST(KvCache, KeepsAScaleForEachRowOfInt8) {
  const Model model = tiny_model({});
  constexpr std::int64_t kRows = 512;
  const KvCache half(model.config, kRows, DType::kF16);
  const KvCache small(model.config, kRows, DType::kQ8Kv);
  const std::int64_t n = std::int64_t{2} * model.config.n_layers * model.config.n_kv_heads * kRows;
  EXPECT_EQ(half.size_bytes(), n * 2 * model.config.head_dim);
  EXPECT_EQ(small.size_bytes(), n * (model.config.head_dim + 4));
  EXPECT_EQ(KvCache(model.config, kRows, DType::kBF16).size_bytes(), half.size_bytes());
}

TEST(KvCache, RefusesOtherTypesAndSizes) {
  const Model model = tiny_model({});
  EXPECT_THROW(KvCache(model.config, 4, DType::kQ8_0), Exception);
  EXPECT_THROW(KvCache(model.config, 0, DType::kF16), Exception);
  EXPECT_THROW(KvCache(model.config, std::int64_t{1} << 60, DType::kF16), Exception);
  EXPECT_THROW(KvCache(model.config, std::int64_t{1} << 60, DType::kQ8Kv), Exception);
}

}  // namespace
}  // namespace kvlink::tests
