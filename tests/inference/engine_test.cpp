// SPDX-License-Identifier: Apache-2.0
#include "inference/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;

class EngineOnTinyModel : public testing::Test {
 protected:
  EngineOnTinyModel() { tests::write_tiny_generator(model_path_); }

  std::unique_ptr<Engine> load(EngineOptions options = {}) const {
    auto engine = Engine::load(model_path_, options);
    EXPECT_TRUE(engine) << engine.error().message;
    return std::move(*engine);
  }
  static KvBlock encode(Engine& engine, const Ids& prefix, const Ids& chunk) {
    auto block = engine.encode_chunk(prefix, chunk, Priority::kIngestion);
    EXPECT_TRUE(block) << block.error().message;
    return std::move(*block);
  }
  static bool same_bytes(const KvBlock& a, const KvBlock& b) {
    return std::ranges::equal(a.bytes(), b.bytes());
  }

  tests::TemporaryFolder folder_;
  std::filesystem::path model_path_ = folder_.path() / "tiny.gguf";
  Ids prefix_ = {1, 40, 41, 42};
  Ids chunk_ = {100, 101, 102, 103, 104, 105};
  Ids question_ = {60, 61, 62};
};

TEST_F(EngineOnTinyModel, NamesWhatItLoaded) {
  const auto engine = load();
  EXPECT_EQ(engine->model().config.n_layers, 2);
  EXPECT_EQ(engine->chat_format().name(), "chatml");
  EXPECT_EQ(engine->tokenizer().vocab_size(), engine->model().config.vocab_size);
  EXPECT_EQ(engine->max_context(), 2048);
  EXPECT_EQ(load({.max_context = 512})->max_context(), 512);
  EXPECT_EQ(load({.cpu = {.n_threads = 1}})->backend().n_threads(), 1);
}

TEST_F(EngineOnTinyModel, LoadRefusesWhatItCannotUse) {
  EXPECT_EQ(Engine::load(folder_.path() / "absent.gguf", {}).error().code, ErrorCode::kNotFound);
  const auto cut = folder_.path() / "cut.gguf";
  std::filesystem::copy_file(model_path_, cut);
  std::filesystem::resize_file(cut, 200);
  EXPECT_EQ(Engine::load(cut, {}).error().code, ErrorCode::kCorrupt);
  for (const EngineOptions& options : {EngineOptions{.max_context = 2049},
                                       {.max_context = -1},
                                       {.arena_dtype = DType::kQ8_0},
                                       {.block_dtype = DType::kQ4_0},
                                       {.cpu = {.n_threads = -2}}}) {
    const auto engine = Engine::load(model_path_, options);
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().code, ErrorCode::kInvalidInput) << engine.error().message;
  }
  EXPECT_NE(Engine::load(model_path_, {.max_context = 4096}).error().message.find("2048"),
            std::string::npos);
}

TEST_F(EngineOnTinyModel, LoadingTellsHowFarItIsAndStopsWhereverItIs) {
  std::vector<std::int64_t> told;
  std::int64_t whole = 0;
  const auto note = [&](std::int64_t done, std::int64_t total) {
    told.push_back(done);
    whole = total;
  };
  ASSERT_TRUE(Engine::load(model_path_, {}, {.progress = note, .stop = {}}));
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), whole);
  EXPECT_GT(whole, 0);
  // While numbers are checked, and before either of the two layers is packed.
  for (std::size_t at = 0; at + 1 < told.size(); ++at) {
    std::stop_source stop;
    std::size_t n = 0;
    const auto stop_there = [&](std::int64_t, std::int64_t) {
      if (n++ == at) stop.request_stop();
    };
    const auto engine =
        Engine::load(model_path_, {}, {.progress = stop_there, .stop = stop.get_token()});
    const bool is_last_layer = at + 2 == told.size();
    EXPECT_EQ(engine.has_value(), is_last_layer) << at;
    if (!engine) {
      EXPECT_EQ(engine.error().code, ErrorCode::kCancelled);
    }
  }
}

TEST_F(EngineOnTinyModel, RecipeIsThePrefix) {
  const auto engine = load();
  EXPECT_EQ(engine->encode_recipe(prefix_), load()->encode_recipe(prefix_));
  EXPECT_EQ(engine->encode_recipe(prefix_),
            load({.block_dtype = DType::kQ8Kv})->encode_recipe(prefix_));
  EXPECT_NE(engine->encode_recipe(prefix_), engine->encode_recipe(Ids{1, 40, 41}));
  EXPECT_NE(engine->encode_recipe(prefix_), engine->encode_recipe(Ids{}));
  EXPECT_NE(engine->encode_recipe(Ids{1, 256}), engine->encode_recipe(Ids{257, 0}));
}

TEST_F(EngineOnTinyModel, BlocksCarryTheirTokensInTheChosenType) {
  for (auto dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv}) {
    const auto engine = load({.block_dtype = dtype});
    const KvBlock block = encode(*engine, prefix_, chunk_);
    EXPECT_EQ(block.layout(), (KvLayout{2, 2, 16, dtype}));
    EXPECT_TRUE(std::ranges::equal(block.token_ids(), chunk_));
  }
}

TEST_F(EngineOnTinyModel, BlockDependsOnPrefixAndChunkAloneWhateverCameBefore) {
  const auto engine = load();
  const KvBlock first = encode(*engine, prefix_, chunk_);
  const KvBlock other_prefix = encode(*engine, Ids{1, 7}, chunk_);
  const KvBlock other_chunk = encode(*engine, prefix_, Ids{9, 9, 9});
  const KvBlock long_chunk = encode(*engine, prefix_, Ids(1500, 12));
  EXPECT_FALSE(same_bytes(first, other_prefix));
  EXPECT_TRUE(same_bytes(first, encode(*engine, prefix_, chunk_)));
  EXPECT_TRUE(same_bytes(other_prefix, encode(*engine, Ids{1, 7}, chunk_)));
  EXPECT_TRUE(same_bytes(other_prefix, encode(*load(), Ids{1, 7}, chunk_)));
  EXPECT_TRUE(same_bytes(encode(*engine, Ids{}, chunk_), encode(*load(), Ids{}, chunk_)));
}

TEST_F(EngineOnTinyModel, EncodeRefusesWhatCannotBeAChunk) {
  const auto engine = load({.max_context = 8});
  const auto code = [&](const Ids& prefix, const Ids& chunk) {
    return engine->encode_chunk(prefix, chunk, Priority::kIngestion).error().code;
  };
  EXPECT_EQ(code(prefix_, {}), ErrorCode::kInvalidInput);
  EXPECT_EQ(code(prefix_, {100, 101, 102, 103, 104}), ErrorCode::kOutOfMemory);
  EXPECT_EQ(code(prefix_, {288}), ErrorCode::kInvalidInput);
  EXPECT_EQ(code({1, -1}, {100}), ErrorCode::kInvalidInput);
  EXPECT_TRUE(engine->encode_chunk(prefix_, Ids{100, 101, 102, 103}, Priority::kIngestion));
}

/// A question about one encoded chunk.
class EngineAnswering : public EngineOnTinyModel {
 protected:
  ContextPlan plan(LinkMode mode, const Context& context) const {
    auto plan = plan_context({.mode = mode,
                              .chunks = chunks_,
                              .lead = prefix_,
                              .question = question_,
                              .first_row = context.n_rows(),
                              .first_position = context.next_position(),
                              .max_rows = context.capacity()});
    EXPECT_TRUE(plan) << plan.error().message;
    return *plan;
  }
  std::unique_ptr<Context> new_context() const { return value_or_throw(engine_->new_context()); }
  std::vector<float> prefill(Context& context, LinkMode mode = LinkMode::kReposition) {
    auto logits =
        engine_->prefill(context, plan(mode, context), chunks_, Priority::kQuestion, report_);
    EXPECT_TRUE(logits) << logits.error().message;
    return *logits;
  }

  std::unique_ptr<Engine> engine_ = load();
  KvBlock block_ = encode(*engine_, prefix_, chunk_);
  std::vector<PlannedChunk> chunks_{{chunk_, &block_}};
  PrefillReport report_;
};

TEST_F(EngineAnswering, ReportCountsWhatWasLoadedAndWhatWasComputed) {
  const auto reused = new_context();
  prefill(*reused);
  EXPECT_EQ(reused->n_rows(), 13);
  EXPECT_EQ(reused->next_position(), 13);
  EXPECT_EQ(report_.n_loaded_tokens, 6);
  EXPECT_EQ(report_.n_prefilled_tokens, 7);
  EXPECT_EQ(report_.n_document_tokens_prefilled, 0);
  EXPECT_EQ(report_.loaded_bytes, 2 * 2 * 6 * 32 * 2);
  EXPECT_GT(report_.rotate.count(), 0);
  EXPECT_GT(report_.prefill.count(), 0);
  const auto full = new_context();
  prefill(*full, LinkMode::kFull);
  EXPECT_EQ(report_.n_loaded_tokens, 0);
  EXPECT_EQ(report_.n_prefilled_tokens, 13);
  EXPECT_EQ(report_.n_document_tokens_prefilled, 6);
  EXPECT_EQ(report_.loaded_bytes, 0);
}

TEST_F(EngineAnswering, AContextInTheMemoryOfAnotherKnowsNothingOfIt) {
  const std::vector<float> first = prefill(*new_context());
  const std::vector<float> full = prefill(*new_context(), LinkMode::kFull);
  {
    auto longer = new_context();
    for (int i = 0; i < 3; ++i) prefill(*longer);
    for (std::int32_t token = 70; token < 90; ++token) {
      ASSERT_TRUE(engine_->decode(*longer, token, Priority::kQuestion));
    }
  }
  EXPECT_EQ(prefill(*new_context()), first);
  EXPECT_EQ(prefill(*new_context(), LinkMode::kFull), full);
}

TEST_F(EngineAnswering, FollowUpGoesOnWhereTheAnswerEnded) {
  const auto context = new_context();
  prefill(*context);
  ASSERT_TRUE(engine_->decode(*context, 70, Priority::kQuestion));
  EXPECT_EQ(context->n_rows(), 14);
  prefill(*context);
  EXPECT_EQ(context->n_rows(), 27);
  EXPECT_EQ(context->next_position(), 27);
}

TEST_F(EngineAnswering, RefusesPlansWithLinkTokensAndBlocksOfAnotherModel) {
  const auto context = new_context();
  auto with_links = plan_context({.mode = LinkMode::kLink,
                                  .chunks = chunks_,
                                  .question = question_,
                                  .n_link_tokens = 1,
                                  .max_rows = 100});
  ASSERT_TRUE(with_links);
  auto refused = engine_->prefill(*context, *with_links, chunks_, Priority::kQuestion, report_);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message.find("adapter"), std::string::npos);

  const KvBlock foreign({.n_layers = 3, .n_kv_heads = 2, .head_dim = 16, .dtype = DType::kF16},
                        chunk_);
  chunks_[0].block = &foreign;
  refused = engine_->prefill(*context, plan(LinkMode::kReposition, *context), chunks_,
                             Priority::kQuestion, report_);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(context->n_rows(), 0);
}

TEST_F(EngineAnswering, FullContextRefusesTheNextTokenAndStaysUsable) {
  engine_ = load({.max_context = 14});
  const auto context = new_context();
  prefill(*context);
  ASSERT_TRUE(engine_->decode(*context, 70, Priority::kQuestion));
  const auto refused = engine_->decode(*context, 71, Priority::kQuestion);
  EXPECT_EQ(refused.error().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(context->n_rows(), 14);
  EXPECT_EQ(context->next_position(), 14);
}

TEST_F(EngineAnswering, BadTokenLeavesTheContextAsItWas) {
  const auto context = new_context();
  prefill(*context);
  EXPECT_EQ(engine_->decode(*context, 288, Priority::kQuestion).error().code,
            ErrorCode::kInvalidInput);
  EXPECT_EQ(context->n_rows(), 13);
  const auto other = new_context();
  prefill(*other);
  EXPECT_EQ(*engine_->decode(*context, 70, Priority::kQuestion),
            *engine_->decode(*other, 70, Priority::kQuestion));
}

TEST_F(EngineAnswering, StopBeforeTheStartIsCancelledEverywhere) {
  const auto context = new_context();
  prefill(*context);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(engine_->decode(*context, 70, Priority::kQuestion, stop.get_token()).error().code,
            ErrorCode::kCancelled);
  EXPECT_EQ(engine_
                ->prefill(*context, plan(LinkMode::kReposition, *context), chunks_,
                          Priority::kQuestion, report_, stop.get_token())
                .error()
                .code,
            ErrorCode::kCancelled);
  EXPECT_EQ(
      engine_->encode_chunk(prefix_, chunk_, Priority::kIngestion, stop.get_token()).error().code,
      ErrorCode::kCancelled);
  EXPECT_EQ(context->n_rows(), 13);
  EXPECT_EQ(context->next_position(), 13);
}

TEST_F(EngineAnswering, StopInTheMiddleOfAPrefillLeavesTheConversationUsable) {
  const Ids long_text(2000, 77);
  std::unique_ptr<Context> context;
  std::optional<ErrorCode> code;
  // On a busy machine a pass may end before the stop comes; then another one is stopped.
  for (int i = 0; i < 20 && code != ErrorCode::kCancelled; ++i) {
    context = new_context();
    prefill(*context);
    const auto long_plan = plan_context({.mode = LinkMode::kFull,
                                         .question = long_text,
                                         .first_row = context->n_rows(),
                                         .first_position = context->next_position(),
                                         .max_rows = context->capacity()});
    ASSERT_TRUE(long_plan);
    std::stop_source stop;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      stop.request_stop();
    });
    const auto logits =
        engine_->prefill(*context, *long_plan, {}, Priority::kQuestion, report_, stop.get_token());
    if (!logits) code = logits.error().code;
  }
  ASSERT_EQ(code, ErrorCode::kCancelled);
  EXPECT_EQ(context->n_rows(), 13);
  EXPECT_EQ(context->next_position(), 13);
  const auto undisturbed = new_context();
  prefill(*undisturbed);
  EXPECT_EQ(*engine_->decode(*context, 70, Priority::kQuestion),
            *engine_->decode(*undisturbed, 70, Priority::kQuestion));
}

TEST_F(EngineAnswering, QuestionsAndIngestionAtTheSameTimeComputeWhatTheyComputeAlone) {
  const Ids long_chunk(700, 33);
  const KvBlock expected_block = encode(*engine_, prefix_, long_chunk);
  const auto alone = new_context();
  const auto expected_logits = prefill(*alone);
  const auto expected_next = *engine_->decode(*alone, 70, Priority::kQuestion);

  std::atomic<int> n_wrong = 0;
  std::jthread ingestion([&] {
    for (int i = 0; i < 6; ++i) {
      if (!same_bytes(encode(*engine_, prefix_, long_chunk), expected_block)) ++n_wrong;
    }
  });
  std::jthread second([&] {
    for (int i = 0; i < 6; ++i) {
      auto block = engine_->encode_chunk(prefix_, chunk_, Priority::kQuestion);
      if (!block || !same_bytes(*block, block_)) ++n_wrong;
    }
  });
  for (int i = 0; i < 10; ++i) {
    const auto hold = engine_->hold_for_question();
    const auto context = new_context();
    if (prefill(*context) != expected_logits) ++n_wrong;
    if (*engine_->decode(*context, 70, Priority::kQuestion) != expected_next) ++n_wrong;
  }
  ingestion.join();
  second.join();
  EXPECT_EQ(n_wrong, 0);
}

TEST_F(EngineAnswering, WithBackendTakesTurnsAndPassesErrorsOn) {
  int n_runs = 0;
  engine_->with_backend(Priority::kIngestion, [&](kernels::CpuBackend& backend, auto&) {
    EXPECT_EQ(&backend, &engine_->backend());
    ++n_runs;
  });
  EXPECT_THROW(engine_->with_backend(Priority::kQuestion,
                                     [](auto&, auto&) { fail(ErrorCode::kCorrupt, "no"); }),
               Exception);
  const auto context = new_context();
  prefill(*context);  // would wait for ever if the turn had been lost
  EXPECT_EQ(n_runs, 1);
}

TEST_F(EngineAnswering, WithBackendLetsQuestionsGoFirstWhenItGivesWay) {
  std::atomic<bool> began = false, answered = false;
  std::thread ingestion([&] {
    engine_->with_backend(Priority::kIngestion, [&](auto&, const Engine::GiveWay& give_way) {
      began = true;
      while (!answered) give_way();
    });
  });
  while (!began) std::this_thread::yield();
  {
    const auto hold = engine_->hold_for_question();
    const auto context = new_context();
    prefill(*context);  // comes to its turn only if the other gave it away
  }
  answered = true;
  ingestion.join();
}

TEST_F(EngineAnswering, WhatIngestionDoesElsewhereWaitsForTheEndOfAQuestion) {
  std::atomic<bool> began = false;
  std::atomic<bool> went_on = false;
  std::optional<EngineGate::Hold> hold(engine_->hold_for_question());
  std::thread reader([&] {
    began = true;
    began.notify_one();
    engine_->wait_for_questions({});
    went_on = true;
  });
  began.wait(false);
  for (int i = 0; i < 3; ++i) prefill(*new_context());
  EXPECT_FALSE(went_on);
  hold.reset();
  reader.join();
  EXPECT_TRUE(went_on);

  const auto again = engine_->hold_for_question();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(engine_->wait_for_questions(stop.get_token()), Exception);
}

}  // namespace
}  // namespace kvlink::inference
