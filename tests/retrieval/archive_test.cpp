// SPDX-License-Identifier: Apache-2.0
// Archives: closed unless asked for, then one document; and archives that lie.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "app/extract/archive_reader.h"
#include "app/extract/readers.h"
#include "app/extract/serve.h"
#include "tests/retrieval/made_documents.h"
#include "tests/retrieval/zip_writer.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;
using retrieval::tests::compressed;
using retrieval::tests::Wrapping;
using retrieval::tests::ZipWriter;

ParsedDocument read(const std::string& name, const std::string& bytes, bool archives = true) {
  retrieval::ReadRequest request;
  request.file_name = name;
  request.archives = archives;
  return read_document(bytes, request).document;
}

/// What is said about an archive that cannot be read.
struct Refusal {
  ReadProblem problem = ReadProblem::kNone;
  std::string reason;
};

Refusal refusal_of(const std::string& bytes, bool archives = true) {
  try {
    read("x.bin", bytes, archives);
  } catch (const Unreadable& e) {
    return {e.problem(), e.what()};
  }
  return {};
}

std::string tar_member(const std::string& name, const std::string& content, char type = '0') {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  char size[13];
  std::snprintf(size, sizeof(size), "%011o", static_cast<unsigned>(content.size()));
  header.replace(124, 11, size, 11);
  header.replace(148, 8, "        ");
  header[156] = type;
  header.replace(257, 5, "ustar");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(size, sizeof(size), "%06o", sum);
  header.replace(148, 7, size, 7);
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

std::string tar_end() { return std::string(1024, '\0'); }

std::string gzipped(const std::string& data) { return compressed(data, Wrapping::kGzip); }

std::string picture() { return std::string("\x89PNG\r\n\x1A\n", 8) + std::string(64, '\0'); }

TEST(Archives, StayClosedUnlessAskedFor) {
  const std::string zip = ZipWriter().add("a.txt", "Words.").finish();
  const std::string tar = tar_member("a.txt", "Words.") + tar_end();
  for (const auto& bytes : {zip, tar, gzipped(tar)}) {
    const auto refusal = refusal_of(bytes, false);
    EXPECT_EQ(refusal.problem, ReadProblem::kUnsupported);
    EXPECT_NE(refusal.reason.find("read_archives"), std::string::npos) << refusal.reason;
  }
}

TEST(Archives, AreOneDocumentWithAPlaceForEachMember) {
  const std::string inner = ZipWriter().add("c.txt", "Deep.").finish();
  const auto document = read("all.zip", ZipWriter()
                                            .add("notes/b.md", "# Boats\n\nA boat sails.")
                                            .add("a.csv", "name,size\nboat,12\n")
                                            .add("inner.zip", inner)
                                            .add("photo.png", picture())
                                            .add(".hidden", "Not this.")
                                            .add("__MACOSX/a.csv", "Nor this.")
                                            .add("notes/", "")
                                            .finish());
  EXPECT_EQ(document.media_type, "application/zip");
  EXPECT_EQ(document.title, "all.zip");
  ASSERT_EQ(document.blocks.size(), 5U);
  EXPECT_EQ(document.blocks[0].text, "a.csv");
  EXPECT_EQ(document.blocks[0].level, 1);
  EXPECT_EQ(document.blocks[1].type, BlockType::kTable);
  EXPECT_EQ(document.blocks[1].place, (Place{PlaceKind::kMember, 1, "a.csv"}));
  EXPECT_EQ(document.blocks[3].text, "Boats");
  EXPECT_EQ(document.blocks[3].level, 2) << "below its file's name";
  EXPECT_EQ(document.blocks[4].text, "A boat sails.");
  EXPECT_EQ(document.blocks[4].place.label, "notes/b.md");
  ASSERT_EQ(document.notices.size(), 1U);
  EXPECT_EQ(document.notices[0].find(
                "2 of its 4 members could not be read: inner.zip (archives inside archives"),
            0U)
      << document.notices[0];
  EXPECT_NE(document.notices[0].find("photo.png (it is a picture"), std::string::npos);
}

TEST(Archives, OfTarHaveLongNamesAndMayBePacked) {
  const std::string name = std::string(120, 'd') + "/a.txt";
  const std::string pax = "150 path=" + std::string(130, 'p') + "/b.txt\n";
  const std::string tar = tar_member("././@LongLink", name + '\0', 'L') +
                          tar_member("short", "One boat.") + tar_member("pax", pax, 'x') +
                          tar_member("short", "Two boats.") + tar_member("folder/", "", '5') +
                          tar_member("link", "", '2') + tar_member("c.txt", "Three boats.") +
                          tar_end();
  for (const auto& bytes : {tar, gzipped(tar)}) {
    const auto document = read("all.tgz", bytes);
    EXPECT_EQ(document.media_type, "application/x-tar");
    ASSERT_EQ(document.blocks.size(), 6U);
    EXPECT_EQ(document.blocks[1].text, "One boat.");
    EXPECT_EQ(document.blocks[1].place.label, name);
    EXPECT_EQ(document.blocks[3].place.label, std::string(130, 'p') + "/b.txt");
    EXPECT_EQ(document.blocks[5].place, (Place{PlaceKind::kMember, 3, "c.txt"}));
  }
}

TEST(Archives, OfWhichNothingCanBeReadSayWhy) {
  const auto refusal = refusal_of(ZipWriter().add("photo.png", picture()).finish());
  EXPECT_EQ(refusal.problem, ReadProblem::kUnsupported);
  EXPECT_NE(refusal.reason.find("photo.png (it is a picture"), std::string::npos);
  EXPECT_EQ(refusal_of(ZipWriter().add("folder/", "").finish()).problem, ReadProblem::kNoText);
  EXPECT_EQ(refusal_of(gzipped("Words that are no archive.")).problem, ReadProblem::kUnsupported);
}

TEST(Archives, ThatLieAreRefused) {
  const std::string good = tar_member("a.txt", "Words.") + tar_end();
  std::string bad_sum = good;
  bad_sum[0] = 'b';
  std::string endless = good;
  endless.replace(124, 11, "77777777777");
  for (const auto& bytes : {bad_sum, endless, gzipped(good).substr(0, 60)}) {
    EXPECT_EQ(refusal_of(bytes).problem, ReadProblem::kDamaged);
  }
  DocumentBuilder out;
  const MemberReader nothing = [](const std::string&, const std::string&) {
    return ParsedDocument();
  };
  std::string many;
  for (int i = 0; i < 12; ++i) many += tar_member("a", "b");
  EXPECT_THROW(read_tar_members(many, nothing, out, 10), Unreadable);
}

TEST(Archives, ThatUnpackToTooMuchAreRefused) {
  const std::string zeros(1 << 20, '\0');
  EXPECT_EQ(unpack_gzip(gzipped(zeros), 1 << 20), zeros);
  EXPECT_THROW(unpack_gzip(gzipped(zeros), (1 << 20) - 1), Unreadable);
  // One member that claims too much ends the reading of all.
  const auto bomb = ZipWriter()
                        .add("a.txt", "Words.")
                        .add_lying("b.txt", "Words.", {.method = 8, .unpacked = 1 << 30})
                        .finish();
  EXPECT_EQ(refusal_of(bomb).problem, ReadProblem::kTooLarge);
}

}  // namespace
}  // namespace kvlink::extract
