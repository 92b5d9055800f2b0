// SPDX-License-Identifier: Apache-2.0
#include "retrieval/chunker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "kernels/base/result.h"
#include "retrieval/text_pieces.h"
#include "tests/support/test_paths.h"

namespace kvlink::retrieval {
namespace {

/// Words of letters, and every other byte that is not a space, one token each.
std::int64_t count_words(std::string_view text) {
  std::int64_t n = 0;
  bool inside = false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    n += letter ? !inside : (c != ' ');
    inside = letter;
  }
  return n;
}

std::int64_t count_bytes(std::string_view text) { return static_cast<std::int64_t>(text.size()); }

/// More than the sum of its parts, as no tokenizer should be: the final count has to save it.
std::int64_t count_superadditive(std::string_view text) {
  const auto n = static_cast<std::int64_t>(text.size());
  return n / 8 + n * n / 20000;
}

std::string without_space(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\n') out += c;
  }
  return out;
}

/// The chunk's own part of the document: without the column names that a chunk from inside a table
/// repeats.
std::string_view own_text(const ParsedDocument& document, const Chunk& chunk) {
  std::string_view text = chunk.text;
  for (const auto& block : document.blocks) {
    const bool inside = block.type == BlockType::kTable &&
                        chunk.anchor.byte_begin > block.byte_begin &&
                        chunk.anchor.byte_begin < block.byte_end;
    if (!inside) continue;
    const std::size_t line = block.text.find('\n') + 1;
    const bool ruled = block.text.compare(line, 2, "|-") == 0;
    const auto names =
        std::string_view(block.text).substr(0, ruled ? block.text.find('\n', line) + 1 : line);
    if (text.starts_with(names)) text.remove_prefix(names.size());
  }
  return text;
}

std::vector<Chunk> expect_sound_chunks(const ParsedDocument& document, const TokenCounter& counter,
                                       const ChunkerOptions& options = {}) {
  auto chunks = chunk_text(document.title, document.blocks, counter, options);
  std::string in, out;
  for (const auto& block : document.blocks) in += without_space(block.text);
  std::int64_t last_end = -1;
  for (const auto& chunk : chunks) {
    out += without_space(own_text(document, chunk));
    EXPECT_FALSE(chunk.text.empty());
    EXPECT_LE(chunk.n_tokens, options.max_tokens);
    EXPECT_EQ(chunk.n_tokens, counter(prompt_text(document.title, chunk.heading, chunk.text)));
    EXPECT_GE(chunk.anchor.byte_begin, last_end);
    EXPECT_GT(chunk.anchor.byte_end, chunk.anchor.byte_begin);
    EXPECT_LE(chunk.anchor.line_begin, chunk.anchor.line_end);
    last_end = chunk.anchor.byte_end;
  }
  EXPECT_EQ(in, out);
  return chunks;
}

/// The file's bytes at a chunk's anchor hold the chunk's text, white space and marks apart.
void expect_anchor_text(std::string_view bytes, const Chunk& chunk) {
  const auto& a = chunk.anchor;
  ASSERT_LE(a.byte_end, static_cast<std::int64_t>(bytes.size()));
  const auto part = bytes.substr(static_cast<std::size_t>(a.byte_begin),
                                 static_cast<std::size_t>(a.byte_end - a.byte_begin));
  const auto head = chunk.text.substr(0, std::min<std::size_t>(chunk.text.find('\n'), 40));
  EXPECT_EQ(part.substr(0, head.size()), head);
  const auto tail =
      chunk.text.substr(chunk.text.size() - std::min<std::size_t>(chunk.text.size(), 5));
  EXPECT_TRUE(part.ends_with(tail)) << part;
  const auto before = bytes.substr(0, static_cast<std::size_t>(a.byte_begin));
  EXPECT_EQ(std::count(before.begin(), before.end(), '\n') + 1, a.line_begin);
  EXPECT_EQ(a.line_begin + std::count(part.begin(), part.end(), '\n'), a.line_end);
}

TEST(Chunker, KeepsSectionsApartAndNamesTheirHeadings) {
  std::string text = "# Guide\n\n";
  for (const char* section : {"Keys", "Values"}) {
    text += std::string("## ") + section + "\n\n";
    for (int i = 0; i < 20; ++i) text += "A sentence of exactly seven words here. ";
    text += "\n\n";
  }
  const auto document = parse_document("g.md", text);
  const auto chunks = expect_sound_chunks(document, count_words, {100, 256});
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].heading, "Keys");
  EXPECT_TRUE(chunks[0].text.starts_with("Guide\n\nKeys\n\nA sentence"));
  EXPECT_EQ(chunks[1].heading, "Values");
  EXPECT_TRUE(chunks[1].text.starts_with("Values\n\nA sentence"));
  EXPECT_EQ(chunks[1].anchor.line_begin, 7);
}

TEST(Chunker, CutsLongParagraphsBehindSentences) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "Dr. Smith wrote it, e.g. in a book. ";
  const auto chunks = expect_sound_chunks(parse_document("a.txt", text), count_words, {50, 64});
  ASSERT_GT(chunks.size(), 5u);
  for (const auto& chunk : chunks) {
    EXPECT_TRUE(chunk.text.starts_with("Dr. Smith")) << chunk.text;
    EXPECT_TRUE(chunk.text.ends_with("a book.")) << chunk.text;
  }
}

TEST(Chunker, CutsCodeAndTablesBetweenLines) {
  std::string text = "```\n";
  for (int i = 0; i < 200; ++i) text += "  let value = compute(input); // why. Because\n";
  text += "```\n\n| a | b |\n|---|---|\n";
  for (int i = 0; i < 200; ++i) text += "| one. Two | three |\n";
  const auto chunks = expect_sound_chunks(parse_document("a.md", text), count_words, {100, 128});
  for (const auto& chunk : chunks) {
    EXPECT_TRUE(chunk.text.starts_with("  let") || chunk.text.starts_with("| ")) << chunk.text;
    EXPECT_TRUE(chunk.text.ends_with("Because") || chunk.text.ends_with("|")) << chunk.text;
  }
}

TEST(Chunker, RepeatsTheNamesOfColumnsAndKeepsRowsWhole) {
  std::string text = "| name | price | remark |\n|---|---|---|\n";
  const std::string remark(120, 'r');
  for (int i = 0; i < 60; ++i) {
    text +=
        "| article " + std::to_string(i) + " | " + std::to_string(i * 7) + " | " + remark + " |\n";
  }
  const auto document = parse_document("a.md", text);
  const auto chunks = expect_sound_chunks(document, count_bytes, {300, 512});
  ASSERT_GT(chunks.size(), 10u);
  for (const auto& chunk : chunks) {
    EXPECT_TRUE(chunk.text.starts_with("| name | price | remark |\n|---|---|---|\n| article"))
        << chunk.text;
    EXPECT_TRUE(chunk.text.ends_with("r |")) << chunk.text;
  }
}

TEST(Chunker, NamesThePlacesOfItsBlocks) {
  std::vector<TextBlock> blocks(2);
  for (std::size_t i = 0; i < 2; ++i) {
    blocks[i].text = "Words on a page.";
    blocks[i].byte_begin = static_cast<std::int64_t>(18 * i);
    blocks[i].byte_end = blocks[i].byte_begin + 16;
    blocks[i].place = {PlaceKind::kPage, static_cast<std::int64_t>(i) + 7,
                       "vi" + std::to_string(i)};
  }
  const auto chunks = chunk_text("t", blocks, count_words, {100, 128});
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].anchor.place, PlaceKind::kPage);
  EXPECT_EQ(chunks[0].anchor.place_begin, 7);
  EXPECT_EQ(chunks[0].anchor.place_end, 8);
  EXPECT_EQ(chunks[0].anchor.place_label, "vi0");
}

TEST(Chunker, DoesNotEndAChunkWithAHeading) {
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += "## Section " + std::string(1, static_cast<char>('a' + i % 26)) + "\n\nshort words ";
    text += std::string(static_cast<std::size_t>(i), 'x') + ".\n\n";
  }
  const auto document = parse_document("a.md", text);
  for (const auto& chunk : expect_sound_chunks(document, count_words, {40, 64})) {
    const auto last = chunk.text.substr(chunk.text.rfind('\n') + 1);
    EXPECT_FALSE(last.starts_with("Section")) << chunk.text;
  }
}

TEST(Chunker, SaysAHeadingOnce) {
  EXPECT_EQ(prompt_text("T", "A \u203A B", "text"), "T\nA \u203A B\ntext\n\n");
  EXPECT_EQ(prompt_text("T", "A \u203A B", "B\n\ntext"), "T\nA\nB\n\ntext\n\n");
  EXPECT_EQ(prompt_text("T", "A \u203A B", "A\n\nB\n\ntext"), "T\nA\n\nB\n\ntext\n\n");
  EXPECT_EQ(prompt_text("T", "", "T\n\ntext"), "T\n\ntext\n\n");
  EXPECT_EQ(prompt_text("", "", "text"), "text\n\n");
}

TEST(Chunker, SurvivesMonstrousInput) {
  std::mt19937 random(1);
  std::string base64, spaces = "a" + std::string(1 << 20, ' ') + "b", headings, list, wide;
  for (int i = 0; i < (1 << 20); ++i) base64 += static_cast<char>('!' + random() % 90);
  for (int i = 0; i < 200000; ++i) headings += "# h\n";
  for (int i = 0; i < 2000; ++i) list += std::string(static_cast<std::size_t>(i), ' ') + "- x\n";
  for (int i = 0; i < 100000; ++i) wide += "\U0001F600";
  for (const auto& text : {base64, spaces, headings, list, wide}) {
    for (const char* name : {"a.md", "a.txt"}) {
      const auto document = parse_document(name, text);
      expect_sound_chunks(document, count_bytes);
      expect_sound_chunks(document, count_words);
      expect_sound_chunks(document, count_superadditive);
    }
  }
}

TEST(Chunker, CountsEachByteAFewTimesOnly) {
  std::string text;
  for (int i = 0; i < 20000; ++i)
    text += "word" + std::string(static_cast<std::size_t>(i % 97), 'y');
  std::int64_t counted = 0;
  const TokenCounter counter = [&](std::string_view part) {
    counted += static_cast<std::int64_t>(part.size());
    return count_bytes(part);
  };
  const auto document = parse_document("a.txt", text);
  chunk_text(document.title, document.blocks, counter, {});
  EXPECT_LT(counted, 8 * static_cast<std::int64_t>(text.size()));
}

TEST(Chunker, NeverCutsACharacter) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "\u4E2D\u6587";
  const auto document = parse_document("a.txt", text);
  for (const auto& chunk : expect_sound_chunks(document, count_bytes, {40, 64})) {
    EXPECT_EQ(chunk.text.size() % 3, 0u);
  }
}

TEST(Chunker, RefusesOptionsThatMakeNoSense) {
  const auto document = parse_document("a.txt", "text");
  for (const ChunkerOptions options :
       {ChunkerOptions{180, 16}, ChunkerOptions{300, 256}, ChunkerOptions{0, 256}}) {
    EXPECT_THROW(chunk_text("t", document.blocks, count_bytes, options), Exception);
  }
  EXPECT_THROW(chunk_text(std::string(200, 't'), document.blocks, count_bytes, {}), Exception);
}

TEST(Chunker, FindsSentenceEnds) {
  const auto first = [](std::string_view text) {
    return std::string(text.substr(0, sentence_end(text, 0)));
  };
  EXPECT_EQ(first("One. Two."), "One.");
  EXPECT_EQ(first("Is it? Yes."), "Is it?");
  EXPECT_EQ(first("He said \"no.\" Then left."), "He said \"no.\"");
  EXPECT_EQ(first("Version 1.5 is out. Next."), "Version 1.5 is out.");
  EXPECT_EQ(first("Mr. Fox and J. Doe met. Then"), "Mr. Fox and J. Doe met.");
  EXPECT_EQ(first("See e.g. the guide. Then"), "See e.g. the guide.");
  EXPECT_EQ(first("\u4F60\u597D\u3002\u518D\u89C1\u3002"), "\u4F60\u597D\u3002");
}

TEST(Chunker, CoversRealDocuments) {
  KVLINK_SKIP_WITHOUT_TEST_DATA();
  int n_documents = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(*tests::test_data() / "documents")) {
    if (!entry.is_regular_file() || !is_supported_suffix(entry.path().filename().string()))
      continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    ParsedDocument document;
    try {
      document = parse_document(entry.path().filename().string(), bytes);
    } catch (const Exception&) {
      continue;  // binary files with a text suffix
    }
    SCOPED_TRACE(entry.path().filename());
    const auto chunks = expect_sound_chunks(document, count_words);
    ++n_documents;
    if (!document.notices.empty()) continue;
    for (const auto& chunk : chunks) {
      if (bytes.find('\r') == bytes.npos) expect_anchor_text(bytes, chunk);
    }
  }
  EXPECT_GT(n_documents, 20);
}

}  // namespace
}  // namespace kvlink::retrieval
