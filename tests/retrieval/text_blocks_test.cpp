// SPDX-License-Identifier: Apache-2.0
#include "retrieval/text_blocks.h"

#include <gtest/gtest.h>

#include <string>

#include "kernels/base/result.h"
#include "kernels/base/utf8.h"

namespace kvlink::retrieval {
namespace {

ErrorCode code_of(std::string_view name, std::string_view bytes) {
  try {
    parse_document(name, bytes);
  } catch (const Exception& e) {
    return e.error().code;
  }
  ADD_FAILURE() << name << " was parsed";
  return ErrorCode::kIo;
}

std::string types(const ParsedDocument& document) {
  std::string out;
  for (const auto& block : document.blocks) out += "hpctl"[static_cast<int>(block.type)];
  return out;
}

/// Every block's text is the file's bytes at its anchor, and its lines are counted right.
void expect_anchors(std::string_view bytes, const ParsedDocument& document) {
  for (const auto& block : document.blocks) {
    const auto begin = static_cast<std::size_t>(block.byte_begin);
    const auto end = static_cast<std::size_t>(block.byte_end);
    ASSERT_LE(end, bytes.size());
    EXPECT_EQ(bytes.substr(begin, end - begin), block.text);
    const auto before = bytes.substr(0, begin);
    EXPECT_EQ(std::count(before.begin(), before.end(), '\n') + 1, block.line_begin) << block.text;
    EXPECT_EQ(block.line_begin + std::count(block.text.begin(), block.text.end(), '\n'),
              block.line_end);
  }
}

constexpr std::string_view kGuide =
    "# The Guide #\n"
    "First paragraph\nof two lines.\n"
    "\n"
    "Section two\n"
    "-----------\n"
    "- one\n"
    "- two\n"
    "  goes on\n"
    "\n"
    "  and on\n"
    "\n"
    "```cpp\n"
    "int x;\n"
    "\n"
    "# no heading\n"
    "```\n"
    "| a | b |\n"
    "|---|---|\n"
    "| 1 | 2 |\n"
    "\n"
    "***\n"
    "Text.\n"
    "\n"
    "    indented code\n"
    "### Third\n"
    "> quoted";

TEST(TextBlocks, FindsEveryKindOfMarkdownBlock) {
  const auto document = parse_document("guide.md", kGuide);
  EXPECT_EQ(types(document), "hphlllctpchp");
  EXPECT_EQ(document.title, "The Guide");
  EXPECT_EQ(document.media_type, "text/markdown");
  EXPECT_EQ(document.blocks[0].text, "The Guide");
  EXPECT_EQ(document.blocks[0].level, 1);
  EXPECT_EQ(document.blocks[2].text, "Section two");
  EXPECT_EQ(document.blocks[2].level, 2);
  EXPECT_EQ(document.blocks[4].text, "- two\n  goes on");
  EXPECT_EQ(document.blocks[6].text, "int x;\n\n# no heading");
  EXPECT_EQ(document.blocks[7].text, "| a | b |\n|---|---|\n| 1 | 2 |");
  expect_anchors(kGuide, document);
}

TEST(TextBlocks, CutsPlainTextAtBlankLines) {
  constexpr std::string_view text = "\n\n# one\ntwo\n \t\nthree\n\n";
  const auto document = parse_document("notes/Shopping list.txt", text);
  EXPECT_EQ(types(document), "pp");
  EXPECT_EQ(document.title, "Shopping list");
  EXPECT_EQ(document.media_type, "text/plain");
  expect_anchors(text, document);
}

TEST(TextBlocks, TakesTheTitleOfFrontMatter) {
  const auto document = parse_document("a.md", "---\ntitle: \"On Keys\"\ntags: x\n---\n# Other\n");
  EXPECT_EQ(document.title, "On Keys");
  EXPECT_EQ(types(document), "h");
}

TEST(TextBlocks, TreatsAnUnclosedFenceAsCodeToTheEnd) {
  const auto document = parse_document("a.md", "text\n~~~\ncode\n\nmore");
  EXPECT_EQ(types(document), "pc");
  EXPECT_EQ(document.blocks[1].text, "code\n\nmore");
}

TEST(TextBlocks, AnchorsCarriageReturnsAtTheFilesOwnBytes) {
  const std::string bytes = "\xEF\xBB\xBFone\r\ntwo\r\n\r\nthree\r\nfour\r\n";
  const auto document = parse_document("a.txt", bytes);
  ASSERT_EQ(document.blocks.size(), 2u);
  EXPECT_EQ(document.blocks[0].text, "one\ntwo");
  EXPECT_EQ(document.blocks[1].text, "three\nfour");
  EXPECT_EQ(document.blocks[1].line_begin, 4);
  const auto& block = document.blocks[1];
  const auto at = [&](std::int64_t b, std::int64_t e) {
    return bytes.substr(static_cast<std::size_t>(b), static_cast<std::size_t>(e - b));
  };
  EXPECT_EQ(at(block.byte_begin, block.byte_end), "three\r\nfour");
  EXPECT_EQ(at(block.file_offset(6), block.byte_end), "four");
  EXPECT_EQ(at(document.blocks[0].byte_begin, document.blocks[0].byte_end), "one\r\ntwo");
}

TEST(TextBlocks, RepairsMalformedCharactersAndSaysSo) {
  const std::string bytes = "caf\xE9 au lait\x01 end \xE9";
  const auto document = parse_document("a.txt", bytes);
  ASSERT_EQ(document.blocks.size(), 1u);
  const auto& block = document.blocks[0];
  EXPECT_EQ(block.text, "caf\uFFFD au lait end \uFFFD");
  EXPECT_TRUE(is_valid_utf8(block.text));
  EXPECT_EQ(block.byte_end, static_cast<std::int64_t>(bytes.size()));
  EXPECT_EQ(bytes.substr(static_cast<std::size_t>(
                block.file_offset(static_cast<std::int64_t>(block.text.find("end"))))),
            "end \xE9");
  ASSERT_EQ(document.notices.size(), 2u);
  EXPECT_EQ(document.notices[0], "2 malformed characters replaced (the file is not UTF-8)");
  EXPECT_EQ(document.notices[1], "1 control character dropped");
}

TEST(TextBlocks, ReadsUtf16OfBothByteOrders) {
  const std::string little("\xFF\xFEh\0\xE9\0\x3D\xD8\x00\xDE\n\0", 12);
  const std::string big("\xFE\xFF\0h\0\xE9\xD8\x3D\xDE\x00\0\n", 12);
  for (const auto& bytes : {little, big}) {
    const auto document = parse_document("a.txt", bytes);
    ASSERT_EQ(document.blocks.size(), 1u);
    EXPECT_EQ(document.blocks[0].text, "h\u00E9\U0001F600");
    EXPECT_FALSE(document.notices.empty());
  }
}

TEST(TextBlocks, RefusesWhatItCannotRead) {
  EXPECT_EQ(code_of("a.pdf", "%PDF"), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of("a.txt", std::string("text\0more", 9)), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of("a.txt", "\x01\x02\x03 four"), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of("a.md", ""), ErrorCode::kInvalidInput);
  EXPECT_EQ(code_of("a.txt", " \n\t\n"), ErrorCode::kInvalidInput);
  try {
    parse_document("folder/a.XyZ", "text");
    FAIL();
  } catch (const Exception& e) {
    EXPECT_NE(std::string(e.what()).find(".xyz"), std::string::npos);
  }
}

TEST(TextBlocks, KnowsItsSuffixes) {
  for (const char* name : {"a.md", "A.MARKDOWN", "b.txt", "b.text", "b.log", "README", ".profile",
                           "a.pdf", "b.html", "c.docx", "x.ADOC", "x.yml", "x.c"})
    EXPECT_TRUE(is_supported_suffix(name)) << name;
  for (const char* name : {"a.png", "b.exe", "c.doc", "d.md.gz"})
    EXPECT_FALSE(is_supported_suffix(name)) << name;
}

TEST(TextBlocks, KeepsHostileTitlesShortAndOnOneLine) {
  const auto document = parse_document("a.md", "# " + std::string(100000, 'x') + "\ntext");
  EXPECT_LE(document.title.size(), 160u);
  const auto wide = parse_document("a.md", "# " + std::string(159, 'x') + "\u20AC\u20AC\ntext");
  EXPECT_TRUE(is_valid_utf8(wide.title));
}

}  // namespace
}  // namespace kvlink::retrieval
