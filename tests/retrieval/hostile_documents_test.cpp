// SPDX-License-Identifier: Apache-2.0
// Documents that were made to do harm, through the real reader: each ends within its limits, with a
// reason or with its text.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "retrieval/extract/extractor.h"
#include "tests/retrieval/made_documents.h"
#include "tests/retrieval/zip_writer.h"
#include "tests/support/sanitized.h"

namespace kvlink::retrieval::tests {
namespace {

constexpr std::int64_t kMemory = std::int64_t{512} << 20;

Extraction read(const std::string& name, const std::string& bytes,
                const std::string& password = "") {
  ExtractorLimits limits;
  limits.memory_bytes = kMemory;
  limits.seconds = 4;
  limits.seconds_per_mib = 0;
  ReadRequest request;
  request.file_name = name;
  request.password = password;
  request.archives = true;
  const auto program =
      std::filesystem::canonical("/proc/self/exe").parent_path() / "kvlink-extract";
  auto made = Extractor(program, limits).read(bytes, request, {});
  if (!made) throw Exception(made.error());
  if (!kvlink::tests::kSanitized) {
    EXPECT_LT(made->use.peak_bytes, kMemory) << name;
  }
  EXPECT_LT(made->use.processor_seconds, 6.5) << name;
  const bool fine = made->report.problem == ReadProblem::kNone;
  EXPECT_EQ(fine, !made->report.document.blocks.empty()) << name;
  EXPECT_EQ(fine, made->report.reason.empty()) << name;
  return std::move(*made);
}

ReadProblem problem_with(const std::string& name, const std::string& bytes) {
  return read(name, bytes).report.problem;
}

std::string deflated(const std::string& data) { return compressed(data, Wrapping::kRaw); }

TEST(HostileDocuments, APageOfPdfIsRead) {
  const auto made =
      read("plain.pdf",
           pdf({kPdfCatalogue, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R "
                "/Resources << /Font << /F 5 0 R >> >> >>",
                pdf_stream("", "BT /F 24 Tf 20 200 Td (Hello from a page) Tj ET"), kPdfFont}));
  EXPECT_EQ(made.report.problem, ReadProblem::kNone) << made.report.reason;
  ASSERT_EQ(made.report.document.blocks.size(), 1U);
  EXPECT_EQ(made.report.document.blocks[0].text, "Hello from a page");
  EXPECT_EQ(made.report.document.blocks[0].place.kind, PlaceKind::kPage);
  EXPECT_EQ(made.report.document.blocks[0].place.number, 1);
}

TEST(HostileDocuments, FormsThatDrawFormsEnd) {
  std::vector<std::string> objects = {
      kPdfCatalogue, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R "
      "/Resources << /XObject << /X 5 0 R >> >> >>",
      pdf_stream("", "/X Do")};
  for (int level = 0; level < 9; ++level) {
    std::string draws;
    for (int i = 0; i < 10; ++i) draws += "/X Do ";
    objects.push_back(
        pdf_stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject "
                   "<< /X " +
                       std::to_string(objects.size() + 2) + " 0 R >> >>",
                   draws));
  }
  objects.push_back(pdf_stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "0 0 m 1 1 l S"));
  const auto made = read("forms.pdf", pdf(objects));
  EXPECT_NE(made.report.problem, ReadProblem::kNone);
}

TEST(HostileDocuments, APageThatUnpacksToGigabytesEnds) {
  std::string packed =
      std::string("\x78\xDA", 2) + deflated(std::string(std::size_t{64} << 20, ' '));
  packed = std::string("\x78\xDA", 2) + deflated(packed);
  const auto made = read(
      "flate.pdf", pdf({kPdfCatalogue, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R >>",
                        pdf_stream("/Filter [/FlateDecode /FlateDecode]", packed)}));
  EXPECT_NE(made.report.problem, ReadProblem::kNone);
}

TEST(HostileDocuments, FiftyThousandPagesAreTooMany) {
  std::vector<std::string> objects = {kPdfCatalogue, ""};
  std::string kids;
  for (int i = 0; i < 50'000; ++i) {
    kids += std::to_string(objects.size() + 1) + " 0 R ";
    objects.emplace_back("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>");
  }
  objects[1] = "<< /Type /Pages /Kids [" + kids + "] /Count 50000 >>";
  const auto made = read("pages.pdf", pdf(objects));
  EXPECT_EQ(made.report.problem, ReadProblem::kTooLarge) << made.report.reason;
}

TEST(HostileDocuments, BrokenPdfsAreNamed) {
  for (const char* bytes : {"%PDF-1.7", "%PDF-1.7\n%%EOF",
                            "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R >>\nendobj\n"
                            "trailer << /Root 1 0 R /Prev 0 >>\nstartxref\n9\n%%EOF"}) {
    EXPECT_NE(problem_with("broken.pdf", bytes), ReadProblem::kNone) << bytes;
  }
  std::string deep = "%PDF-1.4\n1 0 obj\n";
  deep += std::string(200'000, '[');
  EXPECT_NE(problem_with("deep.pdf", deep), ReadProblem::kNone);
}

std::string office(const std::string& body) {
  return ZipWriter()
      .add("_rels/.rels",
           "<R><Relationship Id=\"r\" Type=\"x/officeDocument\" "
           "Target=\"word/document.xml\"/></R>")
      .add("word/document.xml", body)
      .finish();
}

TEST(HostileDocuments, ZipBombsAreRefused) {
  const std::string zeros(std::size_t{150} << 20, ' ');
  const std::string packed = deflated("<d>" + zeros + "</d>");
  ZipWriter honest;
  honest.add("_rels/.rels",
             "<R><Relationship Id=\"r\" Type=\"x/officeDocument\" "
             "Target=\"word/document.xml\"/></R>");
  honest.add_lying("word/document.xml", packed,
                   {.method = 8, .unpacked = static_cast<std::int64_t>(zeros.size()) + 7});
  EXPECT_EQ(problem_with("honest.docx", honest.finish()), ReadProblem::kTooLarge);
  ZipWriter liar;
  liar.add_lying("_rels/.rels", packed, {.method = 8, .unpacked = 100});
  EXPECT_EQ(problem_with("liar.docx", liar.finish()), ReadProblem::kTooLarge);
  ZipWriter shared;
  shared.add("a.xml", std::string(4000, 'x'));
  for (int i = 0; i < 100; ++i) {
    shared.add_lying("b" + std::to_string(i), "", {.packed = 4000, .offset = 0});
  }
  EXPECT_EQ(problem_with("overlap.docx", shared.finish()), ReadProblem::kDamaged);
}

std::string gzipped_zeros(int mebibytes) {
  const std::string zeros(1 << 20, '\0');
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(static_cast<std::size_t>(mebibytes) * 16384 + 1024, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  for (int i = 0; i <= mebibytes; ++i) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
    stream.avail_in = i < mebibytes ? static_cast<uInt>(zeros.size()) : 0;
    deflate(&stream, i < mebibytes ? Z_NO_FLUSH : Z_FINISH);
  }
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(HostileDocuments, ArchiveBombsAreRefused) {
  const std::string bomb = gzipped_zeros(400);
  EXPECT_LT(bomb.size(), std::size_t{4} << 20);
  EXPECT_EQ(problem_with("bomb.tgz", bomb), ReadProblem::kTooLarge);
  std::string nested = "Words.";
  for (int i = 0; i < 20; ++i) nested = ZipWriter().add("a.zip", nested).finish();
  EXPECT_EQ(problem_with("nested.zip", nested), ReadProblem::kUnsupported);
}

TEST(HostileDocuments, EntityBombsAndDeepXmlAreRefused) {
  std::string bomb = "<!DOCTYPE x [<!ENTITY a0 \"aaaaaaaaaa\">";
  for (int i = 1; i < 12; ++i) {
    bomb += "<!ENTITY a" + std::to_string(i) + " \"";
    for (int j = 0; j < 10; ++j) bomb += "&a" + std::to_string(i - 1) + ";";
    bomb += "\">";
  }
  bomb += "]><x>&a11;</x>";
  EXPECT_EQ(problem_with("bomb.docx", office(bomb)), ReadProblem::kDamaged);
  EXPECT_EQ(problem_with("bomb.xml", bomb), ReadProblem::kDamaged);
  std::string deep;
  for (int i = 0; i < 2'000'000; ++i) deep += "<p>";
  EXPECT_EQ(problem_with("deep.docx", office(deep)), ReadProblem::kTooLarge);
}

TEST(HostileDocuments, PagesMadeToBeSlowEnd) {
  std::string open;
  for (int i = 0; i < 300'000; ++i) open += "<b><p>";
  read("open.html", "<html>" + open + "text");
  read("angles.html", "<html>" + std::string(std::size_t{8} << 20, '<'));
  std::string attributes = "<html><p ";
  for (int i = 0; i < 60'000; ++i) attributes += "a" + std::to_string(i) + "=1 ";
  read("attributes.html", attributes + ">text");
}

TEST(HostileDocuments, TextMadeToBeSlowEnds) {
  EXPECT_EQ(problem_with("line.txt", std::string(std::size_t{8} << 20, 'x')), ReadProblem::kNone);
  EXPECT_EQ(problem_with("zeros.txt", std::string(std::size_t{8} << 20, '\0')),
            ReadProblem::kUnsupported);
  EXPECT_EQ(problem_with("deep.json", std::string(1 << 20, '[')), ReadProblem::kDamaged);
  read("quotes.csv", std::string(std::size_t{4} << 20, '"'));
  std::string open_quotes;
  for (int i = 0; i < 1'000'000; ++i) open_quotes += "\"a\n";
  read("open.csv", open_quotes);
  read("groups.rtf", "{\\rtf1 " + std::string(std::size_t{2} << 20, '{') + "text");
  std::string parts = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 300'000; ++i) parts += "--b\n";
  read("parts.eml", parts);
  read("words.eml", "Subject: " + std::string(std::size_t{1} << 20, '=') + "\n\ntext");
}

TEST(HostileDocuments, ASuffixDeceivesNobody) {
  const std::string program(
      "\x7F"
      "ELF\2\1\1\0\0\0\0\0\0\0\0\0",
      16);
  for (const char* name : {"a.txt", "a.pdf", "a.docx", "a.md", "a.html", "a.csv"}) {
    EXPECT_EQ(problem_with(name, program), ReadProblem::kUnsupported) << name;
  }
  EXPECT_EQ(problem_with("a.pdf", ""), ReadProblem::kNoText);
}

}  // namespace
}  // namespace kvlink::retrieval::tests
