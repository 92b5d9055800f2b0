// SPDX-License-Identifier: Apache-2.0
#include "inference/engine_arena.h"

#include <gtest/gtest.h>

#include <vector>

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;

class Arenas : public testing::Test {
 protected:
  Arenas() {
    config_.n_layers = 1;
    config_.n_kv_heads = 1;
    config_.head_dim = 4;
  }
  /// Reads a prefix and a chunk of 3 into an arena on loan; returns which arena it was.
  static const KvCache* read(ArenaLoan& arena, const Ids& prefix) {
    arena->cache.append_rows(Ids(prefix.size() - arena->prefix.size()));
    arena->prefix = prefix;
    arena->cache.append_rows(Ids(3));
    return &arena->cache;
  }

  ModelConfig config_;
  EncodeArenas arenas_{config_, DType::kF16};
  Ids prefix_ = {1, 2, 3, 4};
  Ids other_ = {1, 2};
};

TEST_F(Arenas, KeepThePrefixAndForgetTheChunk) {
  const KvCache* used = nullptr;
  {
    ArenaLoan arena(arenas_, prefix_, 7);
    EXPECT_TRUE(arena->prefix.empty());
    EXPECT_EQ(arena->cache.n_rows(), 0);
    used = read(arena, prefix_);
  }
  ArenaLoan again(arenas_, prefix_, 7);
  EXPECT_EQ(&again->cache, used);
  EXPECT_EQ(again->prefix, prefix_);
  EXPECT_EQ(again->cache.n_rows(), 4);
}

TEST_F(Arenas, AnotherPrefixStartsEmpty) {
  {
    ArenaLoan arena(arenas_, prefix_, 7);
    read(arena, prefix_);
  }
  ArenaLoan other(arenas_, other_, 5);
  EXPECT_TRUE(other->prefix.empty());
  EXPECT_EQ(other->cache.n_rows(), 0);
}

TEST_F(Arenas, FindTheArenaThatHoldsThePrefix) {
  const KvCache* first = nullptr;
  {
    ArenaLoan a(arenas_, prefix_, 7);
    ArenaLoan b(arenas_, other_, 5);
    first = read(a, prefix_);
    EXPECT_NE(read(b, other_), first);
  }
  ArenaLoan again(arenas_, prefix_, 7);
  EXPECT_EQ(&again->cache, first);
  ArenaLoan meanwhile(arenas_, prefix_, 7);
  EXPECT_NE(&meanwhile->cache, first);
  EXPECT_TRUE(meanwhile->prefix.empty());
}

TEST_F(Arenas, GrowForALongChunk) {
  {
    ArenaLoan arena(arenas_, prefix_, 7);
    read(arena, prefix_);
    EXPECT_EQ(arena->cache.capacity(), EncodeArenas::kRows);
  }
  ArenaLoan larger(arenas_, prefix_, EncodeArenas::kRows + 1);
  EXPECT_EQ(larger->cache.capacity(), 2 * EncodeArenas::kRows);
  EXPECT_TRUE(larger->prefix.empty());
}

TEST_F(Arenas, PrefixThatWasNotReadToItsEndIsForgotten) {
  {
    ArenaLoan arena(arenas_, prefix_, 7);
    arena->cache.append_rows(prefix_);  // and then the pass was cancelled
  }
  ArenaLoan again(arenas_, prefix_, 7);
  EXPECT_TRUE(again->prefix.empty());
  EXPECT_EQ(again->cache.n_rows(), 0);
}

TEST(IdleKvMemory, GoesToTheNextCacheOfItsSize) {
  ModelConfig config;
  config.n_layers = config.n_kv_heads = 1;
  config.head_dim = 64;
  const auto idle = std::make_shared<IdleKvMemory>();
  const std::byte* first = nullptr;
  {
    KvCache cache(config, 1000, DType::kF16, idle);
    first = cache.layer(0).keys;
    KvCache moved(std::move(cache));
    EXPECT_EQ(moved.layer(0).keys, first);
  }
  KvCache again(config, 1000, DType::kF16, idle);
  EXPECT_EQ(again.layer(0).keys, first);
  KvCache meanwhile(config, 1000, DType::kF16, idle);
  EXPECT_NE(meanwhile.layer(0).keys, first);
  meanwhile = KvCache(config, 2000, DType::kF16, idle);
  EXPECT_EQ(meanwhile.capacity(), 2000);
  EXPECT_EQ(meanwhile.size_bytes(), 2000 * 64 * 2 * 2);
}

}  // namespace
}  // namespace kvlink::inference
