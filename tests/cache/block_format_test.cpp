// SPDX-License-Identifier: Apache-2.0
#include "cache/block_format.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/support/kv_blocks.h"
#include "tests/support/memory_file.h"

namespace kvlink::cache {
namespace {

using tests::KvSample;
using tests::make_kv_sample;
using tests::MemoryFile;

using Bytes = std::vector<std::byte>;

// Offsets of FORMAT.md.
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kHeaderChecksumAt = 200;
constexpr std::size_t kFixedBytes = 256;

Bytes make_file(const KvSample& sample) {
  Bytes file = make_header(sample.key, sample.block, sample.content, 1'700'000'000,
                           std::chrono::milliseconds(12));
  file.insert(file.end(), sample.block.bytes().begin(), sample.block.bytes().end());
  return file;
}

std::optional<MissReason> rejection(std::span<const std::byte> file) {
  try {
    MemoryFile memory(file);
    read_block(memory);
    return std::nullopt;
  } catch (const BlockRejected& e) {
    return e.reason();
  }
}

void put_checksum(Bytes& file, std::size_t at, XXH128_hash_t hash) {
  std::memcpy(file.data() + at, &hash.low64, 8);
  std::memcpy(file.data() + at + 8, &hash.high64, 8);
}

/// Makes the header checksum right again after a change: what a hostile writer would do.
void reseal(Bytes& file, std::size_t n_header) {
  std::memset(file.data() + kHeaderChecksumAt, 0, 16);
  put_checksum(file, kHeaderChecksumAt, XXH3_128bits(file.data(), n_header));
}

template <typename T>
void set(Bytes& file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof(value));
}

TEST(BlockFormat, RoundTripsHeaderAndPlanes) {
  const KvSample sample = make_kv_sample(3, {.n_layers = 5, .n_tokens = 33});
  const Bytes file = make_file(sample);
  MemoryFile memory(file);
  const BlockRead read = read_block(memory);
  EXPECT_TRUE(tests::same_block(*read.block, sample.block));
  EXPECT_EQ(read.header.key, sample.key);
  EXPECT_EQ(read.header.content, sample.content);
  EXPECT_EQ(read.header.created_unix, 1'700'000'000);
  EXPECT_EQ(read.header.encode_time, std::chrono::milliseconds(12));
  EXPECT_EQ(std::int64_t(file.size()), file_bytes(sample.block.layout(), 33));
}

TEST(BlockFormat, IsStableByteForByte) {
  // The first bytes and the digest of a fixed block: a change here is a change of the format.
  KvBlock block({.n_layers = 1, .n_kv_heads = 1, .head_dim = 2, .dtype = DType::kF16}, {7, 8, 9});
  for (std::size_t i = 0; i < 12; ++i) {
    block.plane(0, Plane::kKeys)[i] = static_cast<std::byte>(i);
    block.plane(0, Plane::kValues)[i] = static_cast<std::byte>(i + 32);
  }
  const BlockKey key = BlockKey::of(sha256("m"), sha256("r"), block.token_ids());
  Bytes file = make_header(key, block, sha256("c"), 1, std::chrono::nanoseconds(2));
  file.insert(file.end(), block.bytes().begin(), block.bytes().end());
  EXPECT_EQ(file.size(), 3 * 4096U);
  EXPECT_EQ(std::memcmp(file.data(), "KVLKBLK1\x01\0\0\0\0\x10\0\0", 16), 0);
  EXPECT_EQ(std::memcmp(file.data() + kFixedBytes, "\x07\0\0\0\x08\0\0\0\x09\0\0\0", 12), 0);
  EXPECT_EQ(sha256(file).hex(), "c53778f86838841eb5bf8d6ddd36f584a32ce70ae312dd77fa5a706c34363246");
}

TEST(BlockFormat, DetectsEverySingleFlippedBit) {
  const KvSample sample = make_kv_sample(1, {.n_layers = 1, .dtype = DType::kQ8Kv});
  Bytes file = make_file(sample);
  ASSERT_FALSE(rejection(file));
  std::size_t n_undetected = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      file[at] ^= std::byte{1} << bit;
      const auto reason = rejection(file);
      n_undetected += reason ? 0 : 1;
      if (at >= kVersionAt && at < kVersionAt + 4) {
        EXPECT_EQ(reason, MissReason::kVersion);
      } else {
        EXPECT_EQ(reason, MissReason::kChecksum) << "byte " << at;
      }
      file[at] ^= std::byte{1} << bit;
    }
  }
  EXPECT_EQ(n_undetected, 0U);
}

TEST(BlockFormat, DetectsRandomFlipsInALargerBlock) {
  const KvSample sample =
      make_kv_sample(1, {.n_layers = 30, .n_kv_heads = 3, .head_dim = 64, .n_tokens = 64});
  Bytes file = make_file(sample);
  std::mt19937_64 random(11);
  for (int i = 0; i < 300; ++i) {
    const std::size_t at = random() % file.size();
    const auto mask = static_cast<std::byte>(1U << (random() % 8));
    file[at] ^= mask;
    EXPECT_TRUE(rejection(file)) << "byte " << at;
    file[at] ^= mask;
  }
  EXPECT_FALSE(rejection(file));
}

TEST(BlockFormat, DetectsEveryTruncationAndAnyTail) {
  const Bytes file = make_file(make_kv_sample(1, {.n_layers = 1}));
  for (std::size_t n = 0; n < file.size(); ++n)
    ASSERT_EQ(rejection(std::span(file).first(n)), MissReason::kChecksum) << n << " bytes";
  for (const std::size_t n_more : {1, 4095, 4096, 100'000}) {
    Bytes longer = file;
    longer.resize(file.size() + n_more);
    EXPECT_EQ(rejection(longer), MissReason::kChecksum);
  }
}

TEST(BlockFormat, DetectsPlanesThatChangedPlaces) {
  const Bytes file = make_file(make_kv_sample(1, {.n_layers = 2}));
  const std::size_t first = file.size() - 4 * 4096;
  Bytes swapped = file;
  std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(first),
                   swapped.begin() + static_cast<std::ptrdiff_t>(first + 4096),
                   swapped.begin() + static_cast<std::ptrdiff_t>(first + 8192));
  EXPECT_EQ(rejection(swapped), MissReason::kChecksum);
  Bytes holes = file;
  std::fill(holes.begin() + static_cast<std::ptrdiff_t>(first), holes.end(), std::byte{0});
  EXPECT_EQ(rejection(holes), MissReason::kChecksum);
}

TEST(BlockFormat, RejectsImpossibleFieldsBehindAValidChecksum) {
  const KvSample sample = make_kv_sample(1, {.n_layers = 1});
  const Bytes file = make_file(sample);
  const std::size_t n_header = file.size() - sample.block.bytes().size();
  const auto expect_rejected = [&](std::size_t at, auto value) {
    Bytes crafted = file;
    set(crafted, at, value);
    if (std::memcmp(crafted.data(), file.data(), file.size()) == 0) return;
    reseal(crafted, n_header);
    EXPECT_TRUE(rejection(crafted)) << "offset " << at << " = " << value;
  };
  constexpr std::uint32_t kMax32 = std::numeric_limits<std::uint32_t>::max();
  for (const std::size_t at : {12, 32, 36, 40, 44}) {  // 32-bit sizes and counts
    for (const std::uint32_t value : {0U, 1U, 2U, 0x7fffffffU, 0x80000000U, 0x10000U, kMax32})
      expect_rejected(at, value);
  }
  for (const std::size_t at : {16, 24}) {  // file_bytes, payload_bytes
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{4096}, std::uint64_t{1} << 63, ~std::uint64_t{0}})
      expect_rejected(at, value);
  }
  for (unsigned dtype = 0; dtype < 256; ++dtype) {
    if (dtype == 2) continue;  // bf16 has f16's sizes: another valid block
    expect_rejected(48, static_cast<std::uint8_t>(dtype));
  }
  expect_rejected(136, std::uint8_t{0});  // token digest
  expect_rejected(kFixedBytes, std::int32_t{-1});
  const std::size_t table = (kFixedBytes + 5 * 4 + 7) / 8 * 8;
  expect_rejected(table, std::uint64_t{0});
  expect_rejected(table, ~std::uint64_t{0});
  expect_rejected(table + 8, std::uint64_t{1} << 40);
}

TEST(BlockFormat, RejectsReservedBytesThatAreUsed) {
  const KvSample sample = make_kv_sample(1, {.n_layers = 1});
  const Bytes file = make_file(sample);
  const std::size_t n_header = file.size() - sample.block.bytes().size();
  for (const std::size_t at : {49UL, 55UL, 216UL, 255UL, n_header - 1}) {
    Bytes crafted = file;
    crafted[at] = std::byte{1};
    reseal(crafted, n_header);
    EXPECT_EQ(rejection(crafted), MissReason::kChecksum) << at;
  }
}

TEST(BlockFormat, RejectsAScaleThatIsNotFiniteBehindValidChecksums) {
  KvSample sample = make_kv_sample(1, {.n_layers = 1, .dtype = DType::kQ8Kv});
  for (const float scale :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    for (const Plane plane : {Plane::kKeys, Plane::kValues}) {
      KvSample crafted = make_kv_sample(1, {.n_layers = 1, .dtype = DType::kQ8Kv});
      std::memcpy(crafted.block.plane(0, plane).data(), &scale, sizeof(scale));
      EXPECT_EQ(rejection(make_file(crafted)), MissReason::kChecksum) << scale;
    }
  }
  // The int8 rows behind the scales may hold any bits.
  std::memset(sample.block.plane(0, Plane::kValues).data() + 5 * sizeof(float), 0xff, 5 * 8);
  EXPECT_FALSE(rejection(make_file(sample)));
}

}  // namespace
}  // namespace kvlink::cache
