// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE on vocabularies made here: exactness, hostile input, monstrous words.
#include <algorithm>
#include <limits>
#include <random>

#include "inference/tokenizer/merge_table.h"
#include "inference/tokenizer/pre_tokenizer.h"
#include "kernels/base/utf8.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

using inference::MergeTable;
using inference::PreTokenizer;
using Ids = std::vector<std::int32_t>;

std::vector<std::string> words(PreTokenizer kind, std::string_view text) {
  std::vector<std::string> result;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t end = inference::next_word(kind, text, pos);
    result.emplace_back(text.substr(pos, end - pos));
    pos = end;
  }
  return result;
}

using Words = std::vector<std::string>;

TEST(PreTokenizer, Gpt2KeepsASpaceWithItsWord) {
  EXPECT_EQ(words(PreTokenizer::kGpt2, "I've  3 x, 'll'LL\n\n y "),
            (Words{"I", "'ve", " ", " 3", " x", ",", " '", "ll", "'", "LL", "\n\n", " y", " "}));
}

TEST(PreTokenizer, SmolLmIsolatesEveryDigit) {
  EXPECT_EQ(words(PreTokenizer::kSmolLm, "a 12\n  ½b"),
            (Words{"a", " ", "1", "2", "\n  ", "½", "b"}));
}

TEST(PreTokenizer, Llama3GroupsThreeDigitsAndLineEnds) {
  EXPECT_EQ(words(PreTokenizer::kLlama3, "1234 I'LL\t(x)\n\n \n  y"),
            (Words{"123", "4", " I", "'LL", "\t", "(x", ")\n\n", " \n", " ", " y"}));
}

TEST(PreTokenizer, Qwen2TakesOneDigitAtATime) {
  EXPECT_EQ(words(PreTokenizer::kQwen2, "12 3"), (Words{"1", "2", " ", "3"}));
}

TEST(PreTokenizer, ClassesAreThoseOfUnicode) {
  // A no-break space is white space; a combining mark is neither letter nor number.
  EXPECT_EQ(words(PreTokenizer::kGpt2, "é\u00A0Ж٣e\u0301"),
            (Words{"é", "\u00A0", "Ж", "٣", "e", "\u0301"}));
}

/// The definition: the lowest rank anywhere, the leftmost among equals, until none applies.
Ids merged_by_definition(const MergeTable& table, Ids symbols) {
  for (;;) {
    std::size_t best = symbols.size();
    std::uint32_t best_rank = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const inference::Merge* merge = table.find(symbols[i], symbols[i + 1]);
      if (merge != nullptr && merge->rank < best_rank) {
        best = i;
        best_rank = merge->rank;
      }
    }
    if (best == symbols.size()) return symbols;
    symbols[best] = table.find(symbols[best], symbols[best + 1])->result;
    symbols.erase(symbols.begin() + static_cast<long>(best) + 1);
  }
}

TEST(MergeSymbols, ShortAndLongWordsFollowTheDefinition) {
  std::mt19937 random(7);
  for (int round = 0; round < 400; ++round) {
    MergeTable table(4);
    std::int32_t n_symbols = 3;
    for (int i = 0; i < 30; ++i) {
      const auto left = static_cast<std::int32_t>(random() % static_cast<unsigned>(n_symbols));
      const auto right = static_cast<std::int32_t>(random() % static_cast<unsigned>(n_symbols));
      // Several pairs share a rank, as equal scores do.
      table.insert(left, right, {static_cast<std::uint32_t>(i / 3), n_symbols++});
    }
    Ids symbols(1 + random() % 120);
    for (auto& symbol : symbols) symbol = static_cast<std::int32_t>(random() % 3);
    Ids merged = symbols;
    inference::MergeWorkspace workspace;
    inference::merge_symbols(table, merged, workspace);
    ASSERT_EQ(merged, merged_by_definition(table, symbols)) << "round " << round;
  }
}

TEST(ByteLevelBpe, MergesByRankInsideWords) {
  const auto tokenizer = make(byte_level_source("gpt-2", {"a b", "ab c", "b c", "Ġ ab"}));
  EXPECT_EQ(tokenizer->encode("abc"), (Ids{257}));
  EXPECT_EQ(tokenizer->encode("bc ab"), (Ids{258, 259}));
  EXPECT_EQ(tokenizer->encode("a\nb"), (Ids{'a', '\n', 'b'}));
  EXPECT_EQ(tokenizer->describe(), "byte-level BPE (gpt-2)");
}

TEST(ByteLevelBpe, ATokenThatMergesDoNotReachIsNotUsed) {
  auto source = byte_level_source("gpt-2", {"b c", "a b"});
  add_token(source, "abc");  // no merge makes it: "bc" comes first, and "a bc" is no merge
  EXPECT_EQ(make(source)->encode("abc"), (Ids{'a', 256}));
}

TEST(ByteLevelBpe, WholeWordsComeFirstWhereTheModelSaysSo) {
  auto source = byte_level_source("llama-bpe", {"b c", "a b"});
  const std::int32_t abc = add_token(source, "abc");
  EXPECT_EQ(make(source)->encode("abc"), (Ids{abc}));
}

std::string random_text(std::mt19937& random) {
  constexpr std::uint32_t kLimits[] = {0x80, 0x80, 0x800, 0x3000, 0x10000, 0x110000};
  std::string text;
  const std::size_t n = random() % 60;
  for (std::size_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::uint32_t>(random() % kLimits[random() % std::size(kLimits)]);
    if (c < 0xD800 || c > 0xDFFF) append_utf8(text, c);
  }
  return text;
}

TEST(ByteLevelBpe, DecodingGivesTheTextBack) {
  std::mt19937 random(11);
  const std::vector<std::string> kinds = {
      "gpt-2",          "smollm",       "llama-bpe",  "deepseek-r1-qwen",
      "deepseek-coder", "deepseek-llm", "deepseek-v3"};
  for (const std::string& kind : kinds) {
    const auto tokenizer = make(byte_level_source(kind, {"Ġ a", "à ¸", "à¸ ģ", "1 2", "Ċ Ċ"}));
    for (int i = 0; i < 500; ++i) {
      const std::string text = random_text(random);
      ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text) << kind << " " << i;
    }
  }
}

TEST(ByteLevelBpe, RepairsMalformedText) {
  const auto tokenizer = make(byte_level_source("gpt-2"));
  const std::string text("a\xFF\xC3(b\xE2\x82", 7);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), repair_utf8(text));
}

TEST(ByteLevelBpe, ControlTokensInTextAreText) {
  const auto source = byte_level_source("gpt-2", {"< |", "| >"});
  const auto tokenizer = make(source);
  const std::string text = "x<|im_end|><|im_start|><|endoftext|>";
  const Ids ids = tokenizer->encode(text);
  EXPECT_TRUE(std::none_of(ids.begin(), ids.end(),
                           [&](std::int32_t id) { return tokenizer->is_control(id); }));
  EXPECT_EQ(tokenizer->decode(ids), text);
  ASSERT_TRUE(tokenizer->control_id("<|im_end|>"));
  EXPECT_EQ(tokenizer->piece(*tokenizer->control_id("<|im_end|>")), "");
  EXPECT_FALSE(tokenizer->control_id("abc"));
}

TEST(ByteLevelBpe, MergesNeverMakeAControlToken) {
  auto source = byte_level_source("gpt-2", {"a b", "ab c", "abc d"});
  source.types[257] = kControlType;  // "abc"
  EXPECT_EQ(make(source)->encode("abcd"), (Ids{256, 'c', 'd'}));
  source.types[257] = kNormalType;
  source.eos_id = 257;  // the end of text, whatever its type says
  EXPECT_EQ(make(source)->encode("abcd"), (Ids{256, 'c', 'd'}));
}

TEST(ByteLevelBpe, AControlTokenMarkedAsUserDefinedIsStillControl) {
  auto source = byte_level_source("gpt-2");
  const std::int32_t id = add_token(source, "<|tool|>", kUserDefinedType);
  const auto tokenizer = make(source);
  EXPECT_TRUE(tokenizer->is_control(id));
  EXPECT_EQ(tokenizer->encode("<|tool|>").size(), 8U);
}

TEST(ByteLevelBpe, UserDefinedTokensAreFoundLongestFirst) {
  auto source = byte_level_source("gpt-2");
  const std::int32_t two = add_token(source, "\n\n", kUserDefinedType);
  const std::int32_t three = add_token(source, "\n\n\n", kUserDefinedType);
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->encode("a\n\n\n\n\nb\n"), (Ids{'a', three, two, 'b', '\n'}));
  EXPECT_EQ(tokenizer->piece(two), "\n\n");
}

TEST(ByteLevelBpe, OneLetterAMillionTimesIsMergedInLinearithmicTime) {
  // A quadratic merge would need hours, and this test has minutes.
  const auto tokenizer = make(byte_level_source("gpt-2", {"a a", "aa aa", "Ġ Ġ", "ĠĠ ĠĠ"}));
  constexpr std::size_t kMany = std::size_t{1} << 20;
  const Ids letters = tokenizer->encode(std::string(kMany, 'a'));
  EXPECT_EQ(letters, Ids(kMany / 4, 257));
  const Ids spaces = tokenizer->encode(std::string(kMany, ' '));
  EXPECT_EQ(spaces, Ids(kMany / 4, 259));
}

TEST(ByteLevelBpe, AWordBeyondFourMebibytesIsMergedInParts) {
  const auto tokenizer = make(byte_level_source("gpt-2", {"a a"}));
  const std::string text((std::size_t{1} << 22) + 3, 'a');
  const Ids ids = tokenizer->encode(text);
  EXPECT_EQ(ids.size(), (std::size_t{1} << 21) + 2);
  EXPECT_EQ(tokenizer->decode(ids), text);
}

TEST(ByteLevelBpe, MergesOfUnknownTextsNeverApply) {
  auto source = byte_level_source("gpt-2", {"a b"});
  source.merges.insert(source.merges.begin(), {"zz a", "a zz", "b b"});
  EXPECT_EQ(make(source)->encode("abb"), (Ids{256, 'b'}));
}

TEST(ByteLevelBpe, BytesWithoutATokenAreLeftOut) {
  auto source = byte_level_source("gpt-2", {"a c"});
  source.tokens['b'] = "unreachable";
  EXPECT_EQ(make(source)->encode("abc"), (Ids{256}));
}

TEST(ByteLevelBpe, OfEqualTokensTheFirstKeepsItsId) {
  auto source = byte_level_source("gpt-2", {"a b"});
  add_token(source, "ab");
  EXPECT_EQ(make(source)->encode("ab"), (Ids{256}));
}

TEST(ByteLevelBpe, UnknownIdsHaveNoText) {
  const auto tokenizer = make(byte_level_source("gpt-2"));
  for (const std::int32_t id : {-1, 100000, std::numeric_limits<std::int32_t>::min()}) {
    EXPECT_EQ(tokenizer->piece(id), "");
    EXPECT_FALSE(tokenizer->is_control(id));
  }
}

TEST(ByteLevelBpe, DamagedVocabulariesAreRefusedByName) {
  const auto good = byte_level_source("gpt-2", {"a b"});
  auto source = good;
  source.merges.emplace_back("nospace");
  expect_error(source, ErrorCode::kCorrupt, "merge 1");
  source = good;
  source.types.pop_back();
  expect_error(source, ErrorCode::kCorrupt, "token types");
  source = good;
  source.scores = {1.0F};
  expect_error(source, ErrorCode::kCorrupt, "scores");
  source = good;
  source.types[3] = 9;
  expect_error(source, ErrorCode::kCorrupt, "token 3");
  source = good;
  source.eos_id = std::numeric_limits<std::int32_t>::max();
  expect_error(source, ErrorCode::kCorrupt, "end-of-text");
  source = good;
  source.bos_id = std::numeric_limits<std::int32_t>::min();
  expect_error(source, ErrorCode::kCorrupt, "begin-of-text");
  source = good;
  source.tokens[5].assign(std::size_t{70000}, 'x');
  expect_error(source, ErrorCode::kCorrupt, "token 5");
  source = good;
  source.tokens.clear();
  source.types.clear();
  expect_error(source, ErrorCode::kCorrupt, "empty");
}

TEST(MakeTokenizer, NamesWhatItDoesNotHandle) {
  expect_error(byte_level_source("tekken"), ErrorCode::kUnsupported, "\"tekken\"");
  inference::TokenizerSource source;
  source.kind = "t5";
  expect_error(source, ErrorCode::kUnsupported, "\"t5\"");
  source.kind.clear();
  expect_error(source, ErrorCode::kNotFound, "without a tokenizer");
}

TEST(StreamingText, NeverShowsHalfACharacter) {
  const auto tokenizer = make(byte_level_source("gpt-2"));
  inference::StreamingText stream(*tokenizer);
  const std::string text = "né€🚀!";
  std::string shown;
  for (const std::int32_t id : tokenizer->encode(text)) {
    const std::string ready = stream.push(id);
    ASSERT_TRUE(is_valid_utf8(ready));
    shown += ready;
    ASSERT_TRUE(text.starts_with(shown));
  }
  EXPECT_EQ(shown, text);
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamingText, RepairsWhatStaysIncomplete) {
  const auto tokenizer = make(byte_level_source("gpt-2"));
  inference::StreamingText stream(*tokenizer);
  EXPECT_EQ(stream.push('a'), "a");
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.push(0x82), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.push(0xFF), "\uFFFD");
}

}  // namespace
}  // namespace kvlink::tests
