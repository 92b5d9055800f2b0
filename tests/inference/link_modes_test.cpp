// SPDX-License-Identifier: Apache-2.0
// Link modes of an engine with an adapter: what they must equal, and what they count.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "inference/engine.h"
#include "inference/link/attention_mass.h"
#include "inference/link/recompute.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_adapter.h"
#include "tests/support/tolerances.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;
using tests::max_difference;
using tests::TinyAdapterOptions;

class LinkModes : public testing::Test {
 protected:
  LinkModes() {
    tests::write_tiny_generator(model_path_, {.n_layers = 3});
    engine_ = value_or_throw(Engine::load(
        model_path_,
        {.cpu = {.n_threads = 2}, .arena_dtype = DType::kF32, .block_dtype = DType::kF32}));
  }

  std::shared_ptr<const Adapter> adapter(TinyAdapterOptions options) const {
    options.model.n_layers = 3;
    const auto file = folder_.path() / "adapter.safetensors";
    tests::write_tiny_adapter(file, model_path_, options);
    return value_or_throw(
        load_adapter(file, engine_->model().config, sha256(tests::read_file(model_path_))));
  }
  void use(const TinyAdapterOptions& options) { engine_->use_adapter(adapter(options)); }

  KvBlock encode(const Ids& ids) {
    return value_or_throw(engine_->encode_chunk(prefix_, ids, Priority::kIngestion));
  }
  /// Encodes the passages in this order of their numbers and puts them back in reading order.
  void encode_in_order(std::initializer_list<std::size_t> order) {
    blocks_.clear();
    blocks_.resize(passages_.size());
    for (const std::size_t i : order) blocks_[i] = encode(passages_[i]);
    chunks_.clear();
    for (std::size_t i = 0; i < passages_.size(); ++i) {
      chunks_.push_back({passages_[i], &*blocks_[i]});
    }
  }

  PlanRequest request(LinkMode mode) const {
    const Adapter* adapter = engine_->adapter();
    const bool links = mode == LinkMode::kLink;
    return {.mode = mode,
            .chunks = chunks_,
            .lead = prefix_,
            .question = question_,
            .encode_position = engine_->encode_position(prefix_),
            .n_link_tokens = links && adapter != nullptr ? adapter->n_link : 0,
            .max_rows = 2048};
  }
  std::vector<float> ask(const PlanRequest& request) {
    context_ = value_or_throw(engine_->new_context());
    return value_or_throw(engine_->prefill(*context_, value_or_throw(plan_context(request)),
                                           chunks_, Priority::kQuestion, report_));
  }
  std::vector<float> ask(LinkMode mode) { return ask(request(mode)); }

  /// The logits of one forward of everything under KVLink's mask, without blocks: pieces are
  /// forwarded one after the other, and rows that a piece must not see are hidden meanwhile by
  /// reading the piece in a cache of its own and moving its KV.
  std::vector<float> explicit_mask() {
    const Adapter& adapter = *engine_->adapter();
    const auto& config = engine_->model().config;
    const Decoder decoder(engine_->model(), engine_->backend(), &adapter.lora);
    const Ids header(static_cast<std::size_t>(adapter.n_header), -1);
    const Ids link(static_cast<std::size_t>(adapter.n_link), -1);
    KvCache all(config, 512, DType::kF32);
    std::int32_t position = 0;
    std::vector<float> logits;
    const auto read = [&](KvCache& cache, const Ids& ids, const std::vector<float>& soft) {
      Ids rows(ids.size());
      std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(cache.n_rows()));
      Ids positions(ids.size());
      std::iota(positions.begin(), positions.end(), position);
      cache.append_rows(positions);
      const auto last = static_cast<std::int32_t>(ids.size()) - 1;
      ForwardBatch batch;
      batch.token_ids = ids;
      batch.embeddings =
          View<const float>(soft.data(), std::ssize(soft) / config.model_dim, config.model_dim);
      batch.rows = rows;
      batch.logit_rows = std::span(&last, 1);
      logits = decoder.forward(batch, cache);
    };
    const auto read_on = [&](const Ids& ids, const std::vector<float>& soft) {
      read(all, ids, soft);
      position += static_cast<std::int32_t>(ids.size());
    };
    read_on(prefix_, {});
    for (const Ids& passage : passages_) {
      Ids ids = header;
      ids.insert(ids.end(), passage.begin(), passage.end());
      KvCache alone(config, std::ssize(ids), DType::kF32);
      read(alone, ids, adapter.header);
      move_rows(alone, all, position);
      position += static_cast<std::int32_t>(ids.size());
      if (!link.empty()) read_on(link, adapter.link);
    }
    read_on(question_, {});
    return logits;
  }

  static void move_rows(KvCache& from, KvCache& to, std::int32_t position) {
    const std::int64_t n = from.n_rows();
    Ids positions(static_cast<std::size_t>(n));
    std::iota(positions.begin(), positions.end(), position);
    const std::int64_t first = to.append_rows(positions);
    for (std::int32_t layer = 0; layer < 3; ++layer) {
      const KvArenaView a = from.layer(layer);
      const KvArenaView b = to.layer(layer);
      for (std::int64_t head = 0; head < a.n_kv_heads; ++head) {
        const std::int64_t row = a.head_dim * static_cast<std::int64_t>(sizeof(float));
        const auto copy = [&](const std::byte* source, std::byte* target) {
          std::copy_n(source + head * a.capacity * row, n * row,
                      target + (head * b.capacity + first) * row);
        };
        copy(a.keys, b.keys);
        copy(a.values, b.values);
      }
    }
  }

  tests::TemporaryFolder folder_;
  std::filesystem::path model_path_ = folder_.path() / "tiny.gguf";
  std::unique_ptr<Engine> engine_;
  Ids prefix_ = {1, 40, 41, 42};
  Ids question_ = {60, 61, 62, 63};
  std::vector<Ids> passages_ = {{100, 101, 102, 103, 104}, {110, 111, 112}, {120, 121, 122, 123}};
  std::vector<std::optional<KvBlock>> blocks_;
  std::vector<PlannedChunk> chunks_;
  std::unique_ptr<Context> context_;
  PrefillReport report_;
};

TEST_F(LinkModes, LinkThroughBlocksEqualsOneForwardUnderTheReuseMask) {
  for (const TinyAdapterOptions& options : {TinyAdapterOptions{},
                                            {.n_header = 0},
                                            {.rank = 0},
                                            {.n_header = 0, .rank = 0},
                                            {.lora_dtype = DType::kF32}}) {
    use(options);
    encode_in_order({2, 0, 1});
    EXPECT_LE(max_difference(explicit_mask(), ask(LinkMode::kLink)), tests::kReuseF32);
    EXPECT_EQ(report_.n_document_tokens_prefilled, 0);
    EXPECT_EQ(report_.n_prefilled_tokens, 4 + 3 * 3 + 4);
    EXPECT_EQ(report_.n_loaded_tokens, 12 + 3 * options.n_header);
  }
}

TEST_F(LinkModes, RepositionWithAnAdapterIsTheSameWithoutLinkTokens) {
  use({.n_link = 0});
  encode_in_order({1, 2, 0});
  EXPECT_LE(max_difference(explicit_mask(), ask(LinkMode::kReposition)), tests::kReuseF32);
  use({});
  EXPECT_GT(max_difference(ask(LinkMode::kReposition), ask(LinkMode::kLink)), 0.01F);
}

TEST_F(LinkModes, BlocksOfAnAdapterHoldItsHeaderAndNothingOfThePrefix) {
  use({});
  const KvBlock block = encode(passages_[0]);
  EXPECT_TRUE(std::ranges::equal(block.token_ids(), Ids{-1, -1, 100, 101, 102, 103, 104}));
  prefix_ = {7, 8};
  EXPECT_TRUE(std::ranges::equal(block.bytes(), encode(passages_[0]).bytes()));
  EXPECT_EQ(engine_->encode_position(prefix_), 0);
  use({.link_seed = 5});
  EXPECT_TRUE(std::ranges::equal(block.bytes(), encode(passages_[0]).bytes()));
}

TEST_F(LinkModes, RecipeIsHeaderAndLoraAndWithoutAnAdapterThePrefix) {
  const Digest without = engine_->encode_recipe(prefix_);
  use({});
  const Digest with = engine_->encode_recipe(prefix_);
  EXPECT_NE(with, without);
  EXPECT_EQ(engine_->encode_recipe(Ids{9}), with);
  use({.link_seed = 5});
  EXPECT_EQ(engine_->encode_recipe(prefix_), with);
  use({.seed = 5});
  EXPECT_NE(engine_->encode_recipe(prefix_), with);
  engine_->use_adapter(nullptr);
  EXPECT_EQ(engine_->encode_recipe(prefix_), without);
}

TEST_F(LinkModes, LoraThatAddsNothingIsTheBaseAndAnyOtherIsNot) {
  encode_in_order({0, 1, 2});
  const auto base = ask(LinkMode::kFull);
  use({.n_header = 0, .n_link = 0, .b_spread = 0.0F});
  EXPECT_EQ(ask(LinkMode::kFull), base);
  use({.n_header = 0, .n_link = 0});
  EXPECT_GT(max_difference(ask(LinkMode::kFull), base), 0.01F);
  engine_->use_adapter(nullptr);
  EXPECT_EQ(ask(LinkMode::kFull), base);
  encode_in_order({0, 1, 2});
  EXPECT_GT(max_difference(ask(LinkMode::kReposition), base), 1e-4F);
}

TEST_F(LinkModes, FullHasNeitherHeaderNorLinkTokens) {
  use({});
  encode_in_order({0, 1, 2});
  ask(LinkMode::kFull);
  EXPECT_EQ(context_->n_rows(), 4 + 12 + 4);
}

TEST_F(LinkModes, APassageThatIsHeldImpossibleIsAsGoodAsAbsent) {
  use({});
  encode_in_order({0, 1, 2});
  const auto all = ask(LinkMode::kReposition);
  chunks_[1].log_prior = -1.0F;
  const auto doubted = ask(LinkMode::kReposition);
  EXPECT_GT(max_difference(all, doubted), 1e-4F);
  chunks_[1].log_prior = -1000.0F;
  const auto impossible = ask(LinkMode::kReposition);
  EXPECT_GT(max_difference(doubted, impossible), 1e-4F);
  // Its values do not matter any more: another block at its rows changes nothing.
  blocks_[1]->plane(0, Plane::kValues)[0] = std::byte{0x11};
  EXPECT_EQ(ask(LinkMode::kReposition), impossible);
}

TEST_F(LinkModes, FullReadsEveryPassageAndWeighsItForTheQuestionAlone) {
  encode_in_order({0, 1, 2});
  const auto all = ask(LinkMode::kFull);
  chunks_[2].log_prior = -1e-30F;  // next to nothing, but read in two steps
  EXPECT_LE(max_difference(ask(LinkMode::kFull), all), tests::kReuseF32);
  EXPECT_EQ(report_.n_document_tokens_prefilled, 12);
  chunks_[2].log_prior = 0.0F;
  for (PlannedChunk& chunk : chunks_) chunk.log_prior = -1000.0F;
  const auto none = ask(LinkMode::kFull);
  EXPECT_GT(max_difference(none, all), 1e-4F);
  // The passages are not seen any more, so what they say does not matter.
  std::vector<std::int32_t> other(chunks_[1].token_ids.rbegin(), chunks_[1].token_ids.rend());
  ASSERT_FALSE(std::equal(other.begin(), other.end(), chunks_[1].token_ids.begin()));
  chunks_[1].token_ids = other;
  EXPECT_EQ(ask(LinkMode::kFull), none);
}

TEST_F(LinkModes, RecomputingEverythingEqualsFullByEveryMethod) {
  encode_in_order({0, 1, 2});
  const auto full = ask(LinkMode::kFull);
  for (const auto method : {RecomputeMethod::kDeviation, RecomputeMethod::kQuery}) {
    PlanRequest every = request(LinkMode::kRecompute);
    every.selection = {.method = method, .share = 1.0};
    EXPECT_LE(max_difference(full, ask(every)), tests::kReuseF32) << recompute_method_name(method);
    EXPECT_EQ(report_.n_document_tokens_prefilled, 12);
    EXPECT_GT(report_.n_selection_tokens, 0);
  }
}

TEST_F(LinkModes, RecomputingAShareCountsItAndComesWithLinkTokens) {
  use({});
  encode_in_order({0, 1, 2});
  PlanRequest some = request(LinkMode::kRecompute);
  some.n_link_tokens = 3;
  some.selection = {.method = RecomputeMethod::kQuery, .share = 0.25};
  const auto logits = ask(some);
  EXPECT_EQ(report_.n_document_tokens_prefilled, 3);
  EXPECT_EQ(report_.n_selection_tokens, 4 + 9 + 4);
  EXPECT_EQ(report_.n_prefilled_tokens, 3 + 9 + 4);  // the prefix was final
  EXPECT_GT(max_difference(logits, ask(LinkMode::kLink)), 1e-4F);
  some.selection->share = 0.0;
  EXPECT_LE(max_difference(ask(some), ask(LinkMode::kLink)), tests::kReuseF32);
}

TEST_F(LinkModes, HighestTokensAreChosenAcrossChunksEarlierOnesFirst) {
  const std::vector<std::vector<float>> scores = {{1, 5, 2}, {}, {5, 0, 9, 2}};
  EXPECT_EQ(highest_tokens(scores, 0.0), (ChosenTokens{{}, {}, {}}));
  EXPECT_EQ(highest_tokens(scores, 0.2), (ChosenTokens{{1}, {}, {2}}));
  EXPECT_EQ(highest_tokens(scores, 0.5), (ChosenTokens{{1, 2}, {}, {0, 2}}));
  EXPECT_EQ(highest_tokens(scores, 1.0), (ChosenTokens{{0, 1, 2}, {}, {0, 1, 2, 3}}));
}

TEST_F(LinkModes, AttentionMassOfALayerIsWhatSoftmaxGives) {
  // One head, two queries at positions 1 and 2, three keys; the last key is hidden from the first.
  std::vector<float> keys = {1, 0, 0, 1, 1, 1};
  const std::vector<float> queries = {2, 0, 0, 3};
  std::vector<float> mass(3);
  const KvArenaView arena{.keys = reinterpret_cast<std::byte*>(keys.data()),
                          .values = nullptr,
                          .dtype = DType::kF32,
                          .n_kv_heads = 1,
                          .capacity = 3,
                          .head_dim = 2};
  add_attention_mass(engine_->backend(), View<const float>(queries.data(), 2, 2), arena,
                     Ids{0, 1, 2}, Ids{1, 2}, mass);
  const double s = 1.0 / std::sqrt(2.0);
  const double first = std::exp(2 * s) + 1.0;
  const double second = 1.0 + 2 * std::exp(3 * s);
  EXPECT_NEAR(mass[0], std::exp(2 * s) / first + 1.0 / second, 1e-4);
  EXPECT_NEAR(mass[1], 1.0 / first + std::exp(3 * s) / second, 1e-4);
  EXPECT_NEAR(mass[2], std::exp(3 * s) / second, 1e-4);
}

TEST_F(LinkModes, LinkIdsDifferByPassageAndStandBetweenMarks) {
  tests::write_file(link_ids_file(model_path_),
                    R"({"format":"kvlink-link-ids-1","first":200,"per_passage":2,
                        "max_passages":3,"memory_start":260,"memory_end":261})");
  engine_->use_adapter(value_or_throw(load_link_id_adapter(model_path_, engine_->model().config)));
  encode_in_order({0, 1, 2});
  PlanRequest with_ids = request(LinkMode::kLink);
  with_ids.link_ids = &*engine_->adapter()->link_ids;
  const auto plan = value_or_throw(plan_context(with_ids));
  EXPECT_EQ(plan.forward.token_ids,
            (Ids{1, 40, 41, 42, 260, 200, 201, 202, 203, 204, 205, 261, 60, 61, 62, 63}));
  EXPECT_EQ(plan.forward.positions,
            (Ids{0, 1, 2, 3, 4, 10, 11, 15, 16, 21, 22, 23, 24, 25, 26, 27}));
  EXPECT_EQ(plan.n_link_tokens, 6);
  EXPECT_TRUE(std::ranges::equal(blocks_[0]->token_ids(), passages_[0]));
  ask(with_ids);
  EXPECT_EQ(report_.n_document_tokens_prefilled, 0);
  chunks_.push_back(chunks_[0]);
  with_ids.chunks = chunks_;
  const auto too_many = plan_context(with_ids);
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace kvlink::inference
