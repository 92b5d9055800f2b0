// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>

#include "kernels/base/byte_reader.h"
#include "kernels/base/dtype.h"
#include "kernels/base/file_system.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"
#include "kernels/base/utf8.h"

namespace kvlink {
namespace {

TEST(Sha256, MatchesPublishedVectors) {
  EXPECT_EQ(sha256("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowBytesArrive) {
  const std::string text(1000, 'q');
  for (std::size_t cut = 0; cut < 200; ++cut) {
    const std::string_view all = text;
    EXPECT_EQ(Sha256().update(all.substr(0, cut)).update(all.substr(cut)).finish(), sha256(text));
  }
}

TEST(Sha256, FieldsDoNotRunTogether) {
  EXPECT_NE(Sha256().field("ab").field("c").finish(), Sha256().field("a").field("bc").finish());
}

TEST(Digest, HexRoundTripsAndRefusesNonsense) {
  const Digest d = sha256("x");
  EXPECT_EQ(Digest::from_hex(d.hex()), d);
  EXPECT_THROW(Digest::from_hex("abc"), Exception);
  EXPECT_THROW(Digest::from_hex(std::string(64, 'g')), Exception);
}

TEST(DType, HalfFloatsRoundTripBitForBit) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (std::isnan(f16_to_f32(half))) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(f16_to_f32(half)))));
      continue;
    }
    ASSERT_EQ(f32_to_f16(f16_to_f32(half)), half);
  }
}

TEST(DType, HalfFloatsRoundToNearestEven) {
  EXPECT_EQ(f32_to_f16(1.0F + 0x1.0p-11F), f32_to_f16(1.0F));
  EXPECT_EQ(f32_to_f16(1.0F + 0x1.8p-10F), f32_to_f16(1.0F + 0x1.0p-9F));
  EXPECT_EQ(f32_to_f16(65520.0F), 0x7C00);
  EXPECT_EQ(f32_to_f16(65519.0F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(0x1.0p-24F), 0x0001);
  EXPECT_EQ(f32_to_f16(0x1.0p-26F), 0x0000);
  EXPECT_EQ(f32_to_bf16(1.0F + 0x1.0p-8F), f32_to_bf16(1.0F));
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(ByteReader, RefusesToReadPastTheEnd) {
  const std::array<std::byte, 6> bytes{};
  ByteReader reader(bytes, "test.bin");
  EXPECT_EQ(reader.read<std::uint32_t>("first"), 0U);
  try {
    reader.read<std::uint32_t>("second");
    FAIL() << "read past the end";
  } catch (const Exception& e) {
    EXPECT_EQ(e.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(e.error().message.find("test.bin"), std::string::npos);
    EXPECT_NE(e.error().message.find("second"), std::string::npos);
  }
  EXPECT_THROW(reader.take(std::numeric_limits<std::uint64_t>::max(), "huge"), Exception);
  EXPECT_THROW(reader.checked_count(1ULL << 61, 8, "count"), Exception);
  EXPECT_THROW(reader.seek(7, "offset"), Exception);
}

TEST(ByteReader, CheckedArithmeticRefusesToWrap) {
  EXPECT_EQ(checked_mul(3, 4, "n"), 12U);
  EXPECT_THROW(checked_mul(1ULL << 33, 1ULL << 33, "n"), Exception);
  EXPECT_THROW(checked_add(~0ULL, 1, "n"), Exception);
}

TEST(Utf8, KnowsWellFormedText) {
  EXPECT_TRUE(is_valid_utf8("plain, Äpfel, 漢字, 🦙"));
  for (const char* bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
    EXPECT_TRUE(is_valid_utf8(repair_utf8(bad)));
  }
  EXPECT_EQ(repair_utf8("a\xE2\x82z"), "a\xEF\xBF\xBDz");
}

TEST(Utf8, HoldsBackOnlyAnUnfinishedCharacter) {
  const std::string llama = "x🦙";
  for (std::size_t n = 2; n < 5; ++n) EXPECT_EQ(complete_utf8_prefix(llama.substr(0, n)), 1U);
  EXPECT_EQ(complete_utf8_prefix(llama), 5U);
  EXPECT_EQ(complete_utf8_prefix("x\xFF"), 2U);
}

TEST(Utf8, CodePointsRoundTrip) {
  for (std::uint32_t c = 1; c < 0x110000; c += 7) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    std::size_t pos = 0;
    ASSERT_EQ(next_code_point(text, pos), c);
    ASSERT_EQ(pos, text.size());
  }
}

TEST(KvBlock, PlanesAreAlignedDisjointAndZeroed) {
  const KvLayout layout{.n_layers = 3, .n_kv_heads = 2, .head_dim = 8, .dtype = DType::kQ8Kv};
  KvBlock block(layout, {1, 2, 3, 4, 5});
  EXPECT_EQ(layout.plane_bytes(Plane::kKeys, 5), 5 * 16 + 16 * 4);
  EXPECT_EQ(layout.plane_bytes(Plane::kValues, 5), 5 * 16 + 5 * 4);
  std::int64_t end = 0;
  for (std::int32_t layer = 0; layer < 3; ++layer) {
    for (const Plane plane : {Plane::kKeys, Plane::kValues}) {
      EXPECT_EQ(block.plane_offset(layer, plane) % KvBlock::kPlaneAlignment, 0);
      EXPECT_GE(block.plane_offset(layer, plane), end);
      end = block.plane_offset(layer, plane) + layout.plane_bytes(plane, 5);
    }
  }
  EXPECT_LE(end, static_cast<std::int64_t>(block.bytes().size()));
  for (const std::byte b : block.bytes()) ASSERT_EQ(b, std::byte{0});
}

TEST(FileSystem, GivesUpWhereNoFolderCanBeMade) {
  // /proc answers "no such file" for a new folder although its parent exists.
  EXPECT_THROW(FileSystem::posix().make_folder("/proc/kvlink-test/deep"), Exception);
  EXPECT_THROW(FileSystem::posix().make_folder("/dev/null/below-a-file"), Exception);
}

TEST(Result, CarriesTheErrorThatWasThrown) {
  const Result<int> bad = returning([]() -> int { fail(ErrorCode::kIo, "disk on fire"); });
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code, ErrorCode::kIo);
  EXPECT_EQ(bad.error().message, "disk on fire");
  const Result<int> good = returning([] { return 7; });
  EXPECT_EQ(good.value(), 7);
  EXPECT_STREQ(error_code_name(ErrorCode::kBusy), "busy");
}

}  // namespace
}  // namespace kvlink
