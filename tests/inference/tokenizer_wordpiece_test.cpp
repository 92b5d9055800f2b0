// SPDX-License-Identifier: Apache-2.0
// WordPiece and the basic tokenisation in front of it.
#include "inference/tokenizer/wordpiece.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

using inference::WordPiece;
using inference::WordPieceOptions;
using Ids = std::vector<std::int32_t>;

const std::vector<std::string> kTokens = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "un",  "##aff", "##able", "able", "cafe", "我",
    "想",    ",",     "[",     "]",     "sep", "i",     "##",     "#",    "Cafe", "café"};

WordPiece make_pieces(WordPieceOptions options = {}) {
  return value_or_throw(WordPiece::from_tokens(kTokens, std::move(options)));
}

TEST(WordPiece, TakesTheLongestPieceFirst) {
  EXPECT_EQ(make_pieces().encode("unaffable able"), (Ids{4, 5, 6, 7}));
}

TEST(WordPiece, AWordThatCannotBeSpelledIsOneUnknown) {
  EXPECT_EQ(make_pieces().encode("unaffables able"), (Ids{1, 7}));
}

TEST(WordPiece, FoldsCaseAndAccents) {
  EXPECT_EQ(make_pieces().encode("CAFÉ Cafe\u0301 İ"), (Ids{8, 8, 15}));
}

TEST(WordPiece, KeepsCaseAndAccentsWhenAskedTo) {
  WordPieceOptions options;
  options.lower_case = false;
  options.strip_accents = false;
  EXPECT_EQ(make_pieces(options).encode("Cafe café"), (Ids{18, 19}));
}

TEST(WordPiece, SeparatesIdeographsAndPunctuation) {
  EXPECT_EQ(make_pieces().encode("我想,able"), (Ids{9, 10, 11, 7}));
  WordPieceOptions options;
  options.split_cjk = false;
  EXPECT_EQ(make_pieces(options).encode("我想"), (Ids{1}));
}

TEST(WordPiece, DropsControlsAndTreatsEverySpaceAsOne) {
  EXPECT_EQ(make_pieces().encode("a\u0001ble\u3000able\u00ADun\n\tun\uFFFD"), (Ids{7, 1, 4}));
  EXPECT_EQ(make_pieces().encode(std::string_view("ab\0le", 5)), (Ids{7}));
}

TEST(WordPiece, SpecialTokensInTextAreText) {
  EXPECT_EQ(make_pieces().encode("[SEP] ##able"), (Ids{12, 14, 13, 17, 17, 7}));
}

TEST(WordPiece, NamesItsSpecialTokens) {
  const WordPiece pieces = make_pieces();
  EXPECT_EQ(pieces.pad_id(), 0);
  EXPECT_EQ(pieces.unk_id(), 1);
  EXPECT_EQ(pieces.cls_id(), 2);
  EXPECT_EQ(pieces.sep_id(), 3);
  EXPECT_TRUE(pieces.is_special(3));
  EXPECT_FALSE(pieces.is_special(4));
  EXPECT_FALSE(pieces.is_special(-1));
  EXPECT_EQ(pieces.token(5), "##aff");
  EXPECT_EQ(pieces.token(100), "");
}

TEST(WordPiece, AWordOfMoreThanAHundredCharactersIsUnknown) {
  std::vector<std::string> tokens = kTokens;
  tokens.insert(tokens.end(), {"a", "##a"});
  const WordPiece pieces = value_or_throw(WordPiece::from_tokens(tokens));
  EXPECT_EQ(pieces.encode(std::string(100, 'a')).size(), 100U);
  EXPECT_EQ(pieces.encode(std::string(101, 'a')), (Ids{1}));
  EXPECT_EQ(pieces.encode(std::string(std::size_t{1} << 20, 'a') + " able"), (Ids{1, 7}));
  EXPECT_EQ(pieces.encode(std::string(std::size_t{1} << 20, ' ')), Ids{});
}

TEST(WordPiece, ReadsVocabText) {
  const WordPiece pieces = value_or_throw(WordPiece::from_vocab_text("[UNK]\r\nun\r\n\r\n##able"));
  EXPECT_EQ(pieces.vocab_size(), 4);
  EXPECT_EQ(pieces.encode("unable"), (Ids{1, 3}));
  EXPECT_EQ(pieces.cls_id(), -1);
}

TEST(WordPiece, AVocabularyWithoutAnUnknownTokenIsRefused) {
  const auto result = WordPiece::from_tokens({"a", "b"});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(result.error().message.find("[UNK]"), std::string::npos);
}

TEST(WordPieceTokenizer, ReadsTheGgufSpelling) {
  inference::TokenizerSource source;
  source.kind = "bert";
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581un", "able", "\u2581,"}) {
    add_token(source, token, token[0] == '[' ? kControlType : kNormalType);
  }
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->encode("Unable, un"), (Ids{4, 5, 6, 4}));
  EXPECT_EQ(tokenizer->encode("able"), (Ids{1}));
  EXPECT_EQ(tokenizer->decode(Ids{2, 4, 5, 6, 3}), " unable ,");
  EXPECT_EQ(tokenizer->bos_id(), 2);
  EXPECT_EQ(tokenizer->eos_id(), 3);
  EXPECT_EQ(tokenizer->control_id("[SEP]"), 3);
  EXPECT_FALSE(tokenizer->control_id("able"));
}

}  // namespace
}  // namespace kvlink::tests
