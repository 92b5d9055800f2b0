// SPDX-License-Identifier: Apache-2.0
// Reuse must change nothing where theory says it changes nothing: KV of a chunk put back where it
// was computed equals reading the chunk there.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "inference/decoder.h"
#include "inference/engine.h"
#include "kernels/embed.h"
#include "kernels/kv.h"
#include "kernels/logits.h"
#include "kernels/rope.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tolerances.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;
using tests::max_difference;

/// How KV is kept, and the largest logit difference from full prefill that this may cause.
struct Storage {
  const char* name;
  DType arena;
  DType block;
  float tiny_bound;
  float default_bound;
};

constexpr Storage kStorages[] = {
    {"f32", DType::kF32, DType::kF32, tests::kReuseF32, tests::kReuseF32},
    {"f16", DType::kF16, DType::kF16, tests::kTinyReuseF16, tests::kReuseF16},
    {"bf16", DType::kF16, DType::kBF16, tests::kTinyReuseBf16, tests::kReuseBf16},
    {"q8", DType::kF16, DType::kQ8Kv, tests::kTinyReuseQ8, tests::kReuseQ8},
    {"f16_kept_as_bf16", DType::kBF16, DType::kF16, tests::kTinyReuseInBf16, tests::kReuseInBf16},
    {"f16_kept_as_q8", DType::kQ8Kv, DType::kF16, tests::kTinyReuseInQ8, tests::kReuseInQ8},
    {"q8_kept_as_q8", DType::kQ8Kv, DType::kQ8Kv, tests::kTinyReuseInQ8, tests::kReuseInQ8},
};

/// Kullback-Leibler divergence of the next token's distribution, in nats.
double divergence(std::span<const float> from, std::span<const float> to) {
  std::vector<float> p(from.size());
  std::vector<float> q(to.size());
  kernels::log_softmax(from, p);
  kernels::log_softmax(to, q);
  double sum = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto log_p = static_cast<double>(p[i]);
    sum += std::exp(log_p) * (log_p - static_cast<double>(q[i]));
  }
  return sum;
}

enum class WhichModel { kTiny, kDefault };

/// The pieces of a prompt, tokenised for the model at hand.
struct Pieces {
  Ids prefix, question;
  std::vector<Ids> chunks;
};

class Identity : public testing::TestWithParam<WhichModel> {
 protected:
  void SetUp() override {
    if (GetParam() == WhichModel::kDefault) {
      KVLINK_SKIP_WITHOUT_GENERATOR();
      model_path_ = *tests::default_generator();
    } else {
      model_path_ = folder_.path() / "tiny.gguf";
      tests::write_tiny_generator(model_path_, {.n_layers = 3});
    }
    load(kStorages[0]);
    const auto& format = engine_->chat_format();
    pieces_.prefix = format.prefix("You answer questions about the documents below.");
    pieces_.question = format.question("\nWho keeps the lighthouse, and since when?");
    for (const char* text :
         {"The harbour\n\nThe old lighthouse has been kept by Marta Lindqvist since the spring of "
          "1987, when her father retired. She lights it by hand on the first of May.\n",
          "Bread\n\nMix 500 g of flour with 350 g of water and 10 g of salt; let the dough rest "
          "for "
          "twelve hours before baking it at 240 degrees.\n",
          "Tides\n\nSpring tides follow the new and the full moon by about two days; the range at "
          "the harbour is then 4.2 m.\n"}) {
      pieces_.chunks.push_back(engine_->tokenizer().encode(text));
    }
  }

  void load(const Storage& storage) {
    // In f32, so that differences are those of the storage alone.
    auto engine = Engine::load(model_path_,
                               {.cpu = {.n_threads = 2, .arithmetic = kernels::Arithmetic::kFloat},
                                .arena_dtype = storage.arena,
                                .block_dtype = storage.block,
                                .max_context = 1024});
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }
  float bound(const Storage& s) const {
    return GetParam() == WhichModel::kTiny ? s.tiny_bound : s.default_bound;
  }

  KvBlock encode(const Ids& chunk) {
    return value_or_throw(engine_->encode_chunk(pieces_.prefix, chunk, Priority::kIngestion));
  }
  /// Encodes these chunks, in this order.
  void use_chunks(std::initializer_list<std::size_t> order) {
    blocks_.clear();
    chunks_.clear();
    for (const std::size_t c : order) blocks_.push_back(encode(pieces_.chunks[c]));
    for (const KvBlock& block : blocks_) chunks_.push_back({block.token_ids(), &block});
  }

  struct Answer {
    std::unique_ptr<Context> context;
    std::vector<float> logits;
    PrefillReport report;
  };
  Answer ask(PlanRequest request) {
    Answer answer{.context = value_or_throw(engine_->new_context()), .logits = {}, .report = {}};
    request.chunks = chunks_;
    request.lead = pieces_.prefix;
    request.question = pieces_.question;
    request.encode_position = static_cast<std::int32_t>(pieces_.prefix.size());
    request.max_rows = answer.context->capacity();
    answer.logits =
        value_or_throw(engine_->prefill(*answer.context, value_or_throw(plan_context(request)),
                                        chunks_, Priority::kQuestion, answer.report));
    return answer;
  }
  Answer ask(LinkMode mode) { return ask(PlanRequest{.mode = mode}); }

  tests::TemporaryFolder folder_;
  std::filesystem::path model_path_;
  std::unique_ptr<Engine> engine_;
  Pieces pieces_;
  std::vector<KvBlock> blocks_;
  std::vector<PlannedChunk> chunks_;
};

TEST_P(Identity, AChunkReusedWhereItWasEncodedEqualsFullPrefill) {
  for (const Storage& storage : kStorages) {
    load(storage);
    use_chunks({0});
    const Answer full = ask(LinkMode::kFull);
    const Answer reused = ask(LinkMode::kReposition);
    EXPECT_EQ(reused.report.n_document_tokens_prefilled, 0);
    EXPECT_EQ(reused.context->next_position(), full.context->next_position());
    const float difference = max_difference(full.logits, reused.logits);
    EXPECT_LE(difference, bound(storage)) << storage.name;
    RecordProperty(std::string("max_logit_difference_") + storage.name, std::to_string(difference));
    if (storage.block == DType::kF32) {
      EXPECT_EQ(kernels::argmax(full.logits), kernels::argmax(reused.logits));
    }
  }
}

TEST_P(Identity, ReuseStaysIdenticalWhileTokensAreDecoded) {
  use_chunks({0});
  Answer full = ask(LinkMode::kFull);
  Answer reused = ask(LinkMode::kReposition);
  for (int i = 0; i < 8; ++i) {
    const std::int32_t token = kernels::argmax(full.logits);
    full.logits = value_or_throw(engine_->decode(*full.context, token, Priority::kQuestion));
    reused.logits = value_or_throw(engine_->decode(*reused.context, token, Priority::kQuestion));
    EXPECT_LE(max_difference(full.logits, reused.logits), tests::kReuseF32) << "token " << i;
  }
}

TEST_P(Identity, BlocksDependNeitherOnOrderNorOnSubset) {
  use_chunks({0, 1, 2});
  const std::vector<KvBlock> in_order = std::move(blocks_);
  use_chunks({2, 0});
  EXPECT_TRUE(std::ranges::equal(blocks_[0].bytes(), in_order[2].bytes()));
  EXPECT_TRUE(std::ranges::equal(blocks_[1].bytes(), in_order[0].bytes()));
}

TEST_P(Identity, RecomputingEveryTokenEqualsFullPrefill) {
  use_chunks({1, 0, 2});
  const Answer full = ask(LinkMode::kFull);
  const auto every = first_tokens_of_chunks(chunks_, 1.0);
  const Answer recomputed = ask({.mode = LinkMode::kRecompute, .recompute = every});
  EXPECT_EQ(recomputed.report.n_document_tokens_prefilled, full.report.n_document_tokens_prefilled);
  EXPECT_LE(max_difference(full.logits, recomputed.logits), tests::kReuseF32);
}

TEST_P(Identity, RecomputingNothingEqualsReposition) {
  use_chunks({1, 0});
  const Answer reposition = ask(LinkMode::kReposition);
  const auto nothing = first_tokens_of_chunks(chunks_, 0.0);
  const Answer recomputed = ask({.mode = LinkMode::kRecompute, .recompute = nothing});
  EXPECT_EQ(reposition.logits, recomputed.logits);
}

TEST_P(Identity, LinkTokensThatSpellATextReadLikeThatText) {
  // Soft tokens with the embeddings of real ones, in a plan of mode link, against full prefill.
  use_chunks({0});
  const Decoder decoder(engine_->model(), engine_->backend());
  const auto& config = engine_->model().config;
  const Ids links = {pieces_.chunks[1][0], pieces_.chunks[1][1], pieces_.chunks[1][2]};
  std::vector<float> soft(links.size() * static_cast<std::size_t>(config.model_dim));
  const View<float> embeddings(soft.data(), std::ssize(links), config.model_dim);
  kernels::embed(engine_->backend(), engine_->model().embedding, links, embeddings);
  const auto plan = value_or_throw(plan_context({.mode = LinkMode::kLink,
                                                 .chunks = chunks_,
                                                 .lead = pieces_.prefix,
                                                 .question = pieces_.question,
                                                 .n_link_tokens = 3,
                                                 .max_rows = 1000}));
  const auto last = static_cast<std::int32_t>(plan.forward.rows.size() - 1);
  ForwardBatch batch;
  batch.token_ids = plan.forward.token_ids;
  batch.embeddings = embeddings;
  batch.rows = plan.forward.rows;
  batch.logit_rows = std::span(&last, 1);

  Ids text = pieces_.prefix;
  for (const Ids& piece : {pieces_.chunks[0], links, pieces_.question}) {
    text.insert(text.end(), piece.begin(), piece.end());
  }
  for (const Storage& kept : kStorages) {
    if (kept.block != DType::kF32 && kept.arena == DType::kF16) continue;  // differ in blocks only
    KvCache cache(config, plan.n_rows, kept.arena);
    cache.append_rows(plan.row_positions);
    for (std::int32_t layer = 0; layer < config.n_layers; ++layer) {
      kernels::kv_load(engine_->backend(), blocks_[0], layer, config.rope, plan.loads[0].positions,
                       plan.loads[0].first_row, cache.layer(layer));
    }
    const auto linked = decoder.forward(batch, cache);
    KvCache whole(config, std::ssize(text), kept.arena);
    const auto expected = tests::read_tokens(decoder, whole, text, tests::Logits::kLast);
    EXPECT_LE(max_difference(expected, linked), bound(kept)) << kept.name;
  }
}

TEST_P(Identity, ConcatIsNotReposition) {
  // One chunk stands where it was encoded in both modes; two do not.
  use_chunks({0});
  EXPECT_EQ(ask(LinkMode::kConcat).logits, ask(LinkMode::kReposition).logits);
  use_chunks({1, 0});
  const Answer concat = ask(LinkMode::kConcat);
  const Answer reposition = ask(LinkMode::kReposition);
  EXPECT_EQ(concat.context->next_position(), reposition.context->next_position());
  EXPECT_GT(max_difference(concat.logits, reposition.logits), 0.05F);
}

TEST_P(Identity, RotatingForthAndBackChangesNothing) {
  use_chunks({0});
  const auto& config = engine_->model().config;
  const std::int64_t n = blocks_[0].n_tokens();
  std::vector<float> original(static_cast<std::size_t>(n * config.kv_dim()));
  kernels::kv_dequantize(blocks_[0], 1, Plane::kKeys,
                         View<float>(original.data(), n, config.kv_dim()));
  std::vector<float> keys = original;
  const View<float> view(keys.data(), n, config.kv_dim());
  Ids there(static_cast<std::size_t>(n));
  Ids back(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < there.size(); ++i) {
    there[i] = 37 + static_cast<std::int32_t>(i) * 113;
    back[i] = -there[i];
  }
  kernels::rope(engine_->backend(), config.rope, config.head_dim, there, view);
  EXPECT_GT(max_difference(keys, original), 0.1F);
  kernels::rope(engine_->backend(), config.rope, config.head_dim, back, view);
  float largest = 0.0F;
  for (const float k : original) largest = std::max(largest, std::abs(k));
  EXPECT_LE(max_difference(keys, original), tests::kRotationShare * largest);
}

TEST_P(Identity, ReadingAtOnceEqualsReadingTokenByToken) {
  use_chunks({0, 1});
  const Answer at_once = ask(LinkMode::kFull);
  const auto context = value_or_throw(engine_->new_context());
  std::vector<float> logits;
  for (const Ids* piece :
       {&pieces_.prefix, &pieces_.chunks[0], &pieces_.chunks[1], &pieces_.question}) {
    for (const std::int32_t id : *piece) {
      logits = value_or_throw(engine_->decode(*context, id, Priority::kQuestion));
    }
  }
  EXPECT_EQ(context->next_position(), at_once.context->next_position());
  EXPECT_LE(max_difference(at_once.logits, logits), tests::kReuseF32);
}

/// What a trained model makes of the modes; random weights would show nothing.
class ModesOfTheDefaultModel : public Identity {};

TEST_P(ModesOfTheDefaultModel, MoreWorkComesNearerToFullPrefill) {
  use_chunks({1, 0, 2});
  const Answer full = ask(LinkMode::kFull);
  const auto most = first_tokens_of_chunks(chunks_, 0.95);
  const Answer recomputed = ask({.mode = LinkMode::kRecompute, .recompute = most});
  const double concat = divergence(full.logits, ask(LinkMode::kConcat).logits);
  const double reposition = divergence(full.logits, ask(LinkMode::kReposition).logits);
  EXPECT_LT(divergence(full.logits, recomputed.logits), reposition);
  EXPECT_LT(reposition, concat);
}

INSTANTIATE_TEST_SUITE_P(Models, Identity, testing::Values(WhichModel::kTiny, WhichModel::kDefault),
                         [](const auto& info) {
                           return info.param == WhichModel::kTiny ? "tiny" : "default_generator";
                         });

INSTANTIATE_TEST_SUITE_P(Models, ModesOfTheDefaultModel, testing::Values(WhichModel::kDefault));

}  // namespace
}  // namespace kvlink::inference
