// SPDX-License-Identifier: Apache-2.0
#include "cache/load_all.h"

#include <gtest/gtest.h>

#include "tests/support/kv_blocks.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::cache {
namespace {

using tests::KvSample;
using tests::make_kv_sample;
using tests::same_block;

class LoadAll : public ::testing::Test {
 protected:
  static constexpr std::size_t kBlocks = 9;
  static constexpr std::size_t kDamaged = 4;

  LoadAll() {
    store_ = value_or_throw(KvStore::open(temporary_.path() / "cache",
                                          {.memory_budget_bytes = 0, .min_free_bytes = 0}));
    for (std::size_t i = 0; i < kBlocks; ++i) {
      samples_.push_back(make_kv_sample(
          i, {.n_layers = 2, .n_kv_heads = 2, .head_dim = 16, .n_tokens = 5 + std::int64_t(i)}));
      ids_.emplace_back(samples_[i].tokens().begin(), samples_[i].tokens().end());
      value_or_throw(store_->put(samples_[i].key, samples_[i].block, samples_[i].content,
                                 std::chrono::milliseconds(1)));
    }
    for (std::size_t i = 0; i < kBlocks; ++i) requests_.push_back({samples_[i].key, ids_[i]});
    requests_[kDamaged].token_ids = ids_[0];  // other tokens than the block's
  }

  tests::TemporaryFolder temporary_;
  std::unique_ptr<KvStore> store_;
  std::vector<KvSample> samples_;
  std::vector<std::vector<std::int32_t>> ids_;
  std::vector<BlockRequest> requests_;
};

TEST_F(LoadAll, GivesEveryBlockInItsPlaceWithAnyNumberOfThreads) {
  for (const int n_threads : {0, 1, 2, 3, 16}) {
    const auto lookups = load_all(*store_, requests_, n_threads, {});
    ASSERT_EQ(lookups.size(), kBlocks);
    for (std::size_t i = 0; i < kBlocks; ++i) {
      if (i == kDamaged) {
        EXPECT_EQ(std::get<Miss>(lookups[i]).reason, MissReason::kTokensDiffer);
        continue;
      }
      ASSERT_TRUE(std::holds_alternative<Hit>(lookups[i])) << std::get<Miss>(lookups[i]).detail;
      EXPECT_TRUE(same_block(*std::get<Hit>(lookups[i]).block, samples_[i].block)) << i;
    }
  }
  EXPECT_EQ(store_->totals().n_hits, 5 * std::int64_t(kBlocks - 1));
}

TEST_F(LoadAll, OfNothingIsNothing) { EXPECT_TRUE(load_all(*store_, {}, 4, {}).empty()); }

TEST_F(LoadAll, ReadsNothingOnceStopped) {
  std::stop_source stop;
  stop.request_stop();
  for (const Lookup& lookup : load_all(*store_, requests_, 3, stop.get_token())) {
    EXPECT_FALSE(std::get<Miss>(lookup).detail.empty());
  }
  EXPECT_EQ(store_->totals().n_hits, 0);
}

}  // namespace
}  // namespace kvlink::cache
