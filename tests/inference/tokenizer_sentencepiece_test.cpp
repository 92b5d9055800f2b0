// SPDX-License-Identifier: Apache-2.0
// Sentencepiece vocabularies rebuilt from scores, and what may reach the library.
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/base/utf8.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

using Ids = std::vector<std::int32_t>;
constexpr const char* kSpace = "\xE2\x96\x81";

/// <unk> <s> </s>, 256 byte tokens from 3 on, then the tokens of a test from 259 on.
inference::TokenizerSource score_source() {
  inference::TokenizerSource source;
  source.kind = "llama";
  source.unk_id = add_token(source, "<unk>", kUnknownType);
  source.bos_id = add_token(source, "<s>", kControlType);
  source.eos_id = add_token(source, "</s>", kControlType);
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (std::size_t b = 0; b < 256; ++b) {
    add_token(source, std::string("<0x") + kDigits[b / 16] + kDigits[b % 16] + ">", kByteType);
  }
  return source;
}

TEST(ScoreBpe, JoinsTheHighestScoreFirst) {
  auto source = score_source();
  source.add_space_prefix = false;
  for (const char* letter : {"a", "b", "c"}) add_token(source, letter, kNormalType, -100);
  const std::int32_t ab = add_token(source, "ab", kNormalType, -2);
  const std::int32_t bc = add_token(source, "bc", kNormalType, -1);
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->encode("abc"), (Ids{259, bc}));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{ab}));
  EXPECT_EQ(tokenizer->describe(), "sentencepiece");
}

TEST(ScoreBpe, OfEqualScoresTheLeftmostJoins) {
  auto source = score_source();
  source.add_space_prefix = false;
  for (const char* letter : {"a", "b", "c"}) add_token(source, letter, kNormalType, -100);
  const std::int32_t ab = add_token(source, "ab", kNormalType, -1);
  add_token(source, "bc", kNormalType, -1);
  EXPECT_EQ(make(source)->encode("abc"), (Ids{ab, 261}));
}

TEST(ScoreBpe, CharactersThatOnlyOccurInsideTokensStillJoin) {
  auto source = score_source();
  source.add_space_prefix = false;
  const std::int32_t xy = add_token(source, "xy", kNormalType, -1);
  EXPECT_EQ(make(source)->encode("xyx"), (Ids{xy, 3 + 'x'}));
}

TEST(ScoreBpe, FallsBackToBytes) {
  auto source = score_source();
  source.add_space_prefix = false;
  add_token(source, "a", kNormalType, -1);
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->encode("a€"), (Ids{259, 3 + 0xE2, 3 + 0x82, 3 + 0xAC}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a€")), "a€");
}

TEST(ScoreBpe, FallsBackToUnknownWithoutBytes) {
  inference::TokenizerSource source;
  source.kind = "llama";
  source.unk_id = add_token(source, "<unk>", kUnknownType);
  const std::int32_t a = add_token(source, "a", kNormalType, -1);
  source.add_space_prefix = false;
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->encode("a€"), (Ids{a, 0}));
  EXPECT_EQ(tokenizer->decode(Ids{a, 0}), "a\uFFFD");
}

TEST(ScoreBpe, PutsASpaceInFrontWhereTheModelWantsOne) {
  auto source = score_source();
  add_token(source, kSpace, kNormalType, -10);
  add_token(source, "a", kNormalType, -11);
  const std::int32_t word = add_token(source, std::string(kSpace) + "a", kNormalType, -1);
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->encode("a a"), (Ids{word, word}));
  EXPECT_EQ(tokenizer->encode(""), Ids{});
  EXPECT_EQ(tokenizer->decode(Ids{word, word}), " a a");
  source.add_space_prefix = false;
  EXPECT_EQ(make(source)->encode("a a"), (Ids{260, word}));
}

TEST(ScoreBpe, WordsThatJoinAcrossSpacesAreNotCutThere) {
  auto source = score_source();
  source.add_space_prefix = false;
  add_token(source, "a", kNormalType, -10);
  add_token(source, kSpace, kNormalType, -11);
  add_token(source, std::string("a") + kSpace, kNormalType, -2);
  const std::int32_t across = add_token(source, std::string("a") + kSpace + "a", kNormalType, -1);
  EXPECT_EQ(make(source)->encode("a a"), (Ids{across}));
}

TEST(ScoreBpe, ControlTokensInTextAreText) {
  auto source = score_source();
  source.add_space_prefix = false;
  for (const char* token : {"<", "/", "s", ">"}) add_token(source, token, kNormalType, -9);
  add_token(source, "</", kNormalType, -2);
  add_token(source, "s>", kNormalType, -1);
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->encode("</s>"), (Ids{263, 264}));
  EXPECT_EQ(tokenizer->encode("<0x41>").front(), 259);
  EXPECT_EQ(tokenizer->piece(*tokenizer->control_id("</s>")), "");
}

TEST(ScoreBpe, AMillionOfOneLetterIsMergedInLinearithmicTime) {
  // A quadratic merge would need hours, and this test has minutes.
  auto source = score_source();
  source.add_space_prefix = false;
  add_token(source, "a", kNormalType, -9);
  add_token(source, "aa", kNormalType, -2);
  const std::int32_t four = add_token(source, "aaaa", kNormalType, -1);
  constexpr std::size_t kMany = std::size_t{1} << 20;
  EXPECT_EQ(make(source)->encode(std::string(kMany, 'a')), Ids(kMany / 4, four));
}

TEST(ScoreBpe, RepairsMalformedText) {
  auto source = score_source();
  source.add_space_prefix = false;
  const auto tokenizer = make(source);
  const std::string text = "a\xFFz\xE2\x82";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), repair_utf8(text));
}

TEST(ScoreBpe, DamagedVocabulariesAreRefusedByName) {
  const auto good = score_source();
  auto source = good;
  source.scores.clear();
  expect_error(source, ErrorCode::kCorrupt, "scores");
  source = good;
  source.tokens[5] = "<0x-1>";
  expect_error(source, ErrorCode::kCorrupt, "token 5");
  source = good;
  source.scores[7] = std::numeric_limits<float>::quiet_NaN();
  expect_error(source, ErrorCode::kCorrupt, "score");
  source = good;
  add_token(source, std::string(300, 'x'), kNormalType, -1);
  expect_error(source, ErrorCode::kUnsupported, "token 259");
}

// --- tokenizer.model: protobuf written here
// -------------------------------------------------------

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
std::string bytes_field(int number, const std::string& bytes) {
  return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string number_field(int number, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(number) << 3) + varint(value);
}
std::string piece(const std::string& text, float score, std::uint64_t type) {
  std::string score_bytes(sizeof score, '\0');
  std::memcpy(score_bytes.data(), &score, sizeof score);
  return bytes_field(
      1, bytes_field(1, text) + varint(2 << 3 | 5) + score_bytes + number_field(3, type));
}

constexpr std::uint64_t kUnigram = 1;
constexpr std::uint64_t kBpe = 2;

std::string small_model(std::uint64_t model_type = kBpe) {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece(kSpace, -4, 1) +
         piece("a", -5, 1) + piece("b", -6, 1) + piece("ab", -1, 1) +
         bytes_field(2, number_field(3, model_type));
}

inference::TokenizerSource model_source(const std::string& bytes) {
  inference::TokenizerSource source;
  source.kind = "tokenizer.model";
  source.model_bytes = bytes;
  return source;
}

TEST(SentencepieceModel, EncodesThroughTheLibrary) {
  for (const std::uint64_t type : {kUnigram, kBpe}) {
    const auto tokenizer = make(model_source(small_model(type)));
    EXPECT_EQ(tokenizer->encode("ab"), (Ids{3, 6})) << type;
    EXPECT_EQ(tokenizer->bos_id(), 1);
    EXPECT_EQ(tokenizer->eos_id(), 2);
    EXPECT_TRUE(tokenizer->is_control(2));
    EXPECT_EQ(tokenizer->decode(Ids{1, 3, 6, 2}), " ab");
    EXPECT_EQ(tokenizer->control_id("</s>"), 2);
    EXPECT_EQ(tokenizer->piece(1 << 30), "");
  }
}

TEST(SentencepieceModel, ControlPiecesInTextAreText) {
  const auto tokenizer = make(model_source(small_model()));
  for (const std::int32_t id : tokenizer->encode("</s>a<s>")) {
    EXPECT_NE(id, tokenizer->bos_id());
    EXPECT_NE(id, tokenizer->eos_id());
  }
}

TEST(SentencepieceModel, DamagedModelsNeverReachTheLibrary) {
  const std::string good = small_model();
  const auto refuse = [&](const std::string& bytes, const std::string& named) {
    expect_error(model_source(bytes), ErrorCode::kCorrupt, named);
  };
  refuse("", "no pieces");
  refuse(good.substr(0, good.size() - 1), "damaged");
  refuse(good + piece("", 0, 1), "empty");
  refuse(good + piece("x", 0, 7), "type");
  refuse(good + piece("x", INFINITY, 1), "score");
  refuse(good + piece("<0x-1>", 0, 6), "byte");
  refuse(good + piece(std::string("x\0y", 3), 0, 1), "not text");
  refuse(good + piece("\xFF", 0, 1), "not text");
  refuse(good + piece("<unk2>", 0, 2), "exactly one unknown");
  refuse(good + bytes_field(2, number_field(3, 9)), "model type");
  refuse(good + std::string(11, '\xFF'), "damaged");
  refuse(good + number_field(1, 5), "wrong type");
  refuse(good + varint(1 << 3 | 3), "wire type");
  expect_error(model_source(good + piece(std::string(300, 'x'), 0, 1)), ErrorCode::kUnsupported,
               "300");
}

std::string chars_map(std::uint32_t trie_bytes, std::uint32_t first_unit, const char* texts) {
  std::string map(4 + 1024, '\0');
  std::memcpy(map.data(), &trie_bytes, 4);
  std::memcpy(map.data() + 4, &first_unit, 4);
  map.append(texts, std::strlen(texts) + 1);
  return bytes_field(3, bytes_field(2, map));
}

TEST(SentencepieceModel, CharacterMapsThatPointOutsideAreRefused) {
  const std::string good = small_model();
  const auto refuse = [&](const std::string& map, const std::string& named) {
    expect_error(model_source(good + map), ErrorCode::kCorrupt, named);
  };
  EXPECT_TRUE(inference::make_tokenizer(model_source(good + chars_map(1024, 0, "x"))).has_value());
  refuse(chars_map(0xFFFFFFF0U, 0, "x"), "trie");
  refuse(chars_map(1020, 0, "x"), "size is wrong");
  refuse(chars_map(1024, 0x3FFFU << 10, "x"), "points past its end");
  refuse(chars_map(1024, 0x8000'0000U | 0x3FFFU << 10, "x"), "points past its end");
  refuse(chars_map(1024, 0x100U, ""), "names a text past its end");
  refuse(bytes_field(3, bytes_field(2, std::string(3, 'x'))), "damaged");
}

}  // namespace
}  // namespace kvlink::tests
