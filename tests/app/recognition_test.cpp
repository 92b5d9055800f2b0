// SPDX-License-Identifier: Apache-2.0
// Scanned pages and pictures through the whole of ingestion.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "app/place_words.h"
#include "app/problem_remedy.h"
#include "app/text_recognition.h"
#include "tests/app/tiny_library.h"
#include "tests/retrieval/made_documents.h"

namespace kvlink::app::tests {
namespace {

using retrieval::DocumentState;
using retrieval::ReadProblem;
using retrieval::tests::picture_of_line;
using retrieval::tests::png;
using retrieval::tests::scanned_pdf;

constexpr const char* kFirst = "The lighthouse counted seven sails";
constexpr const char* kSecond = "The harbour sold eleven boats";

class Recognition : public ::testing::Test {
 protected:
  void write_scan() const {
    const auto file = library_.write(
        "scan.pdf", scanned_pdf({picture_of_line(kFirst), picture_of_line(kSecond)}));
    // What was written a moment ago may change again unseen, so it would be read again.
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }

  /// `program`: reads pictures; null: none does.
  std::unique_ptr<Session> open(Ocr ocr = Ocr::kScans, const char* program = "kvlink-ocr") const {
    SessionOptions options;
    options.paths = library_.paths();
    options.paths.picture_reader = program == nullptr ? library_.folder() / "no-such-program"
                                                      : eager(program, "\"$1\" \"$2\" 0 \"$4\"");
    options.paths.reader = eager("kvlink-extract", "\"$1\" \"$2\" 0");
    options.adjust = [ocr](Settings& settings) {
      settings.ocr = ocr;
      settings.ocr_languages = "eng";
    };
    return value_or_throw(Session::open(std::move(options)));
  }

  /// The program with other arguments, among them no niceness: a busy machine would keep the test
  /// waiting. `before`: a line of shell that runs before it reads.
  fs::path eager(const std::string& program, const std::string& arguments,
                 const std::string& before = "") const {
    const fs::path script = library_.folder() / (program + ".sh");
    const std::string path = "'" + beside_this_program(program).string() + "'";
    write_file(script, "#!/bin/sh\nif [ \"$1\" = --languages ]; then exec " + path +
                           " --languages; fi\n" + before + "\nexec " + path + " " + arguments +
                           "\n");
    fs::permissions(script, fs::perms::owner_all);
    return script;
  }

  IngestReport add(Session& session,
                   Ingestion::Rereading rereading = Ingestion::Rereading::kChanged) const {
    const std::vector paths = {library_.document("")};
    return value_or_throw(
        Ingestion(session, {}).add(paths, Ingestion::Caching::kNo, {}, rereading));
  }

  std::optional<retrieval::Document> find(Session& session, std::string_view name) const {
    const auto path = fs::weakly_canonical(library_.document(name)).string();
    return value_or_throw(session.library().find_path(path));
  }

  /// The one of two pages of which there is no text.
  static std::int32_t page_not_read(Session& session, const retrieval::Document& scan) {
    const auto pages = value_or_throw(session.library().recognised_pages(scan.content, "eng"));
    return pages.contains(1) ? 2 : 1;
  }

  /// Whether the words stand in any file of the library.
  bool is_on_disk(std::string_view words) const {
    for (const auto& entry : fs::recursive_directory_iterator(library_.paths().data)) {
      if (entry.is_regular_file() && read_text(entry.path()).find(words) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

  TinyLibrary library_;
};

#define SKIP_WITHOUT_OCR()                                                   \
  if (const auto reason = retrieval::tests::why_no_ocr(); !reason.empty()) { \
    GTEST_SKIP() << reason;                                                  \
  }

TEST_F(Recognition, MakesAScannedPdfSearchableByItsPages) {
  SKIP_WITHOUT_OCR();
  write_scan();
  library_.write("a.txt", story("boat", 3));
  const auto session = open();
  const auto report = add(*session);
  EXPECT_TRUE(report.all_searchable());
  EXPECT_EQ(report.n_added, 2);
  const auto scan = find(*session, "scan.pdf").value();
  EXPECT_EQ(scan.state, DocumentState::kSearchable);
  EXPECT_EQ(scan.problem_kind, ReadProblem::kNone);
  EXPECT_EQ(scan.problem, "the text of 2 pages was recognised (OCR)");
  const auto chunks = value_or_throw(session->library().chunks(scan.id));
  std::string text;
  for (const auto& chunk : chunks) text += chunk.chunk.text + "\n";
  EXPECT_NE(text.find(kFirst), std::string::npos) << text;
  EXPECT_NE(text.find(kSecond), std::string::npos) << text;
  EXPECT_TRUE(place_in_words(chunks.front().chunk.anchor).starts_with("page")) << text;
  EXPECT_EQ(add(*session).n_unchanged, 2);
}

TEST_F(Recognition, NamesWhatItLacksToReadPictures) {
  write_scan();
  const auto reason_with = [&](const char* program) {
    const auto session = open(Ocr::kScans, program);
    const auto report = add(*session, Ingestion::Rereading::kAll);
    return report.problems.empty() ? "" : report.problems[0].reason;
  };
  EXPECT_TRUE(reason_with(nullptr).ends_with("install the package kvlink-ocr, then add it again"))
      << reason_with(nullptr);
  // A program that names no language.
  EXPECT_NE(reason_with("kvlink-extract").find("Tesseract has none of the languages eng here"),
            std::string::npos);
}

TEST_F(Recognition, NeedsOcrWithoutTheProgramAndGoesOnOnceItIsThere) {
  write_scan();
  {
    const auto session = open(Ocr::kScans, nullptr);
    const auto report = add(*session);
    ASSERT_EQ(report.problems.size(), 1U);
    EXPECT_EQ(report.problems[0].kind, ReadProblem::kNeedsOcr);
    EXPECT_EQ(add(*session).n_parsed, 0) << "the file is as it was";
  }
  SKIP_WITHOUT_OCR();
  const auto session = open();
  EXPECT_TRUE(add(*session).all_searchable());
  EXPECT_EQ(find(*session, "scan.pdf")->state, DocumentState::kSearchable);
}

TEST_F(Recognition, IsOffWhereTheSettingsSaySo) {
  write_scan();
  const auto session = open(Ocr::kOff);
  const auto report = add(*session);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_TRUE(
      report.problems[0].reason.ends_with("(it needs OCR); reading pictures is off in the "
                                          "settings"))
      << report.problems[0].reason;
}

TEST_F(Recognition, KeepsWhatItReadUntilTheDocumentIsRemoved) {
  SKIP_WITHOUT_OCR();
  write_scan();
  auto session = open();
  add(*session);
  const auto scan = find(*session, "scan.pdf").value();
  auto& library = session->library();
  const auto pages = value_or_throw(library.recognised_pages(scan.content, "eng"));
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages.at(2), kSecond);
  EXPECT_TRUE(value_or_throw(library.recognised_pages(scan.content, "deu")).empty());
  // Reading the document again takes what is kept, as a changed row shows.
  value_or_throw(library.note_recognised_page(scan.content, 2, "eng", "Kept words"));
  add(*session, Ingestion::Rereading::kAll);
  std::string text;
  for (const auto& chunk : value_or_throw(library.chunks(scan.id))) text += chunk.chunk.text;
  EXPECT_NE(text.find("Kept words"), std::string::npos) << text;
  EXPECT_TRUE(is_on_disk("Kept words"));
  value_or_throw(library.remove(std::vector{scan.id}));
  while (!value_or_throw(library.erase_removed()).done) {
  }
  EXPECT_TRUE(value_or_throw(library.recognised_pages(scan.content, "eng")).empty());
  EXPECT_FALSE(library.note_recognised_page(scan.content, 1, "eng", "Late words"));
  session.reset();
  EXPECT_FALSE(is_on_disk("Kept words"));
  EXPECT_FALSE(is_on_disk("Late words"));
}

TEST_F(Recognition, TriesAgainWhatTrainedDataThatWereGoneKeptFromIt) {
  SKIP_WITHOUT_OCR();
  write_scan();
  const auto session = open();
  // It names English and cannot load it, as when the data went after the session began.
  eager("kvlink-ocr", "\"$1\" \"$2\" 0 xxx");
  const auto report = add(*session);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].kind, ReadProblem::kNeedsOcr) << report.problems[0].reason;
  EXPECT_TRUE(report.problems[0].reason.starts_with("2 pages could not be recognised ("))
      << report.problems[0].reason;
  const auto content = find(*session, "scan.pdf")->content;
  EXPECT_TRUE(value_or_throw(session->library().recognised_pages(content, "eng")).empty());
  eager("kvlink-ocr", "\"$1\" \"$2\" 0 \"$4\"");
  EXPECT_TRUE(add(*session).all_searchable());
  EXPECT_EQ(find(*session, "scan.pdf")->problem, "the text of 2 pages was recognised (OCR)");
}

TEST_F(Recognition, CountsAPageThatStoppedItsReaderApartAndTriesItAgain) {
  SKIP_WITHOUT_OCR();
  write_scan();
  const auto session = open();
  const std::string mark = "'" + (library_.folder() / "crashed").string() + "'";
  eager("kvlink-ocr", "\"$1\" \"$2\" 0 \"$4\"",
        "if [ ! -e " + mark + " ]; then : > " + mark + "; kill -9 $$; fi");
  add(*session);
  const auto first = find(*session, "scan.pdf").value();
  EXPECT_EQ(first.state, DocumentState::kSearchable);
  EXPECT_EQ(first.problem_kind, ReadProblem::kNeedsOcr);
  EXPECT_TRUE(first.problem.starts_with(
      "the text of 1 page was recognised (OCR); 1 page could not be recognised ("))
      << first.problem;
  EXPECT_FALSE(
      value_or_throw(session->library().recognised_pages(first.content, "eng")).contains(1));
  add(*session);
  const auto second = find(*session, "scan.pdf").value();
  EXPECT_EQ(second.problem_kind, ReadProblem::kNone);
  EXPECT_EQ(second.problem, "the text of 2 pages was recognised (OCR)");
}

TEST_F(Recognition, SetsAPageAsideThatStopsItsReaderTwice) {
  SKIP_WITHOUT_OCR();
  write_scan();
  const auto session = open();
  // The first page of the document: the reader gets two pages, one after the other.
  const std::string count = "'" + (library_.folder() / "runs").string() + "'";
  const std::string crash_every_first = "echo run >> " + count + "; if [ $(($(wc -l < " + count +
                                        ") % 2)) = 1 ]; then kill -9 $$; fi";
  eager("kvlink-ocr", "\"$1\" \"$2\" 0 \"$4\"", crash_every_first);
  add(*session);
  EXPECT_EQ(find(*session, "scan.pdf")->problem_kind, ReadProblem::kNeedsOcr);
  // One page is left to be recognised, and crashes again: an odd run, too.
  add(*session);
  const auto done = find(*session, "scan.pdf").value();
  EXPECT_EQ(done.state, DocumentState::kSearchable);
  EXPECT_EQ(done.problem_kind, ReadProblem::kSetAside);
  EXPECT_EQ(remedy_of(done), Remedy::kRetry) << "it is among the problems";
  const std::string reason = "page " + std::to_string(page_not_read(*session, done)) +
                             " was set aside because it could not be recognised twice (";
  EXPECT_NE(done.problem.find(reason), std::string::npos) << done.problem;
  EXPECT_EQ(add(*session).n_parsed, 0) << "not tried at every start";
  // Asked to, it is tried once more.
  eager("kvlink-ocr", "\"$1\" \"$2\" 0 \"$4\"");
  add(*session, Ingestion::Rereading::kAll);
  const auto whole = find(*session, "scan.pdf").value();
  EXPECT_EQ(whole.problem, "the text of 2 pages was recognised (OCR)");
  EXPECT_EQ(whole.problem_kind, ReadProblem::kNone);
  EXPECT_EQ(remedy_of(whole), Remedy::kNone);
}

TEST_F(Recognition, AStopBeforeThePicturesLeavesNoFileUncounted) {
  SKIP_WITHOUT_OCR();
  write_scan();
  library_.write("second.pdf", scanned_pdf({picture_of_line(kSecond)}));
  const auto session = open();
  std::stop_source stop;
  int n_begun = 0;
  IngestEvents events;
  events.on_file = [&](const ScannedFile&) {
    if (++n_begun == 3) stop.request_stop();  // the first one's turn to be recognised
  };
  Ingestion ingestion(*session, {});
  ingestion.set_events(std::move(events));
  const std::vector paths = {library_.document("")};
  const auto report =
      value_or_throw(ingestion.add(paths, Ingestion::Caching::kNo, stop.get_token()));
  EXPECT_TRUE(report.cancelled);
  ASSERT_EQ(report.problems.size(), 2U);
  for (const auto& problem : report.problems) EXPECT_EQ(problem.kind, ReadProblem::kNeedsOcr);
  EXPECT_EQ(report.n_opened, 2);
}

TEST_F(Recognition, ForgetsThePagesOfAContentThatIsReplaced) {
  SKIP_WITHOUT_OCR();
  write_scan();
  const auto session = open();
  add(*session);
  const auto before = find(*session, "scan.pdf").value();
  library_.write("scan.pdf", scanned_pdf({picture_of_line(kSecond)}));
  add(*session);
  EXPECT_TRUE(value_or_throw(session->library().recognised_pages(before.content, "eng")).empty());
  EXPECT_EQ(value_or_throw(
                session->library().recognised_pages(find(*session, "scan.pdf")->content, "eng"))
                .size(),
            1U);
}

TEST_F(Recognition, TakesPicturesInFoldersOnlyWhenAsked) {
  SKIP_WITHOUT_OCR();
  const auto file = library_.write("photo.png", png(picture_of_line(kFirst)));
  auto session = open();
  EXPECT_EQ(add(*session).unsupported.size(), 1U);
  const std::vector named = {file};
  EXPECT_TRUE(value_or_throw(Ingestion(*session, {}).add(named, Ingestion::Caching::kNo, {}))
                  .all_searchable());
  EXPECT_EQ(find(*session, "photo.png")->media_type, "image/png");
  session.reset();
  library_.write("second.png", png(picture_of_line(kSecond)));
  session = open(Ocr::kPictures);
  EXPECT_TRUE(add(*session).all_searchable());
  EXPECT_EQ(find(*session, "second.png")->state, DocumentState::kSearchable);
}

TEST_F(Recognition, SaysThatAPictureHasNoText) {
  SKIP_WITHOUT_OCR();
  library_.write("white.png", png({200, 200, std::string(40'000, '\xFF')}));
  const auto session = open(Ocr::kPictures);
  const auto report = add(*session);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].kind, ReadProblem::kNoText);
  EXPECT_EQ(report.problems[0].reason, "no text was found in its pictures");
}

TEST_F(Recognition, ReadsNothingByAProgramThatNamesNoLanguage) {
  TextRecognition silent(beside_this_program("kvlink-extract"), library_.paths().reader);
  EXPECT_EQ(silent.choose_languages("auto"), "");
}

TEST(TesseractLanguage, IsThatOfTheSystem) {
  EXPECT_EQ(tesseract_language("de_DE.UTF-8"), "deu");
  EXPECT_EQ(tesseract_language("zh_CN"), "chi_sim");
  EXPECT_EQ(tesseract_language("C"), "");
  EXPECT_EQ(tesseract_language(""), "");
}

TEST(TextRecognition, ChoosesWhatIsInstalled) {
  SKIP_WITHOUT_OCR();
  TextRecognition recognition(beside_this_program("kvlink-ocr"),
                              beside_this_program("kvlink-extract"));
  EXPECT_EQ(recognition.choose_languages("xxx+eng+eng+../../etc"), "eng");
  EXPECT_EQ(recognition.choose_languages("xxx"), "");
  EXPECT_NE(recognition.choose_languages("auto"), "");
}

}  // namespace
}  // namespace kvlink::app::tests
