// SPDX-License-Identifier: Apache-2.0
#include "cache/block_arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

namespace kvlink::cache {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

TEST(BlockArena, GivesPagesThatWereLeftToTheNextBlock) {
  const auto arena = BlockArena::make();
  auto kept = arena->take(kMiB);
  auto first = arena->take(5 * kMiB);
  std::byte* const address = first.get();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(address) % 4096, 0U);
  first.reset();
  EXPECT_EQ(arena->take(4 * kMiB).get(), address);
  EXPECT_NE(arena->take(4 * kMiB).get(), kept.get());
}

TEST(BlockArena, OutlivesTheStoreWhileABlockIsInUse) {
  auto arena = BlockArena::make();
  const std::weak_ptr<BlockArena> watched = arena;
  auto memory = arena->take(kMiB);
  arena.reset();
  std::memset(memory.get(), 1, static_cast<std::size_t>(kMiB));
  EXPECT_FALSE(watched.expired());
  memory.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(BlockArena, GivesBackToTheSystemWhatIsMoreThanItKeeps) {
  const auto arena = BlockArena::make();
  std::vector<std::shared_ptr<std::byte>> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(arena->take(10 * kMiB));
  EXPECT_GE(arena->size_bytes(), 400 * kMiB);
  blocks.clear();
  EXPECT_LE(arena->size_bytes(), BlockArena::kIdleBytes);
  EXPECT_GT(arena->size_bytes(), 0);
  arena->take(300 * kMiB);  // longer than a slab
  EXPECT_LE(arena->size_bytes(), BlockArena::kIdleBytes);
}

/// Fills what it takes with a number of its own and finds it unchanged when it gives it back.
void use(BlockArena& arena, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  struct Piece {
    std::shared_ptr<std::byte> memory;
    std::size_t n_bytes;
    std::byte value;
  };
  std::vector<Piece> pieces;
  for (int step = 0; step < 600; ++step) {
    if (pieces.size() < 24 && random() % 5 < 3) {
      const std::size_t n_bytes = 1 + random() % (std::size_t{3} << 20);
      const auto value = static_cast<std::byte>(random() % 255);
      pieces.push_back({arena.take(static_cast<std::int64_t>(n_bytes)), n_bytes, value});
      std::memset(pieces.back().memory.get(), static_cast<int>(value), n_bytes);
    } else if (!pieces.empty()) {
      const auto at = pieces.begin() + static_cast<std::ptrdiff_t>(random() % pieces.size());
      const std::byte* bytes = at->memory.get();
      ASSERT_TRUE(std::all_of(bytes, bytes + at->n_bytes,
                              [&](std::byte byte) { return byte == at->value; }));
      pieces.erase(at);
    }
  }
}

TEST(BlockArena, NeverLendsAByteTwice) {
  const auto arena = BlockArena::make();
  std::thread other([&] { use(*arena, 1); });
  use(*arena, 2);
  other.join();
  EXPECT_LE(arena->size_bytes(), BlockArena::kIdleBytes);
}

}  // namespace
}  // namespace kvlink::cache
