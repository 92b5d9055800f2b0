// SPDX-License-Identifier: Apache-2.0
// Files that evaluations read and write: questions, collections, work files, damaged ones too.
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "app/eval/collection.h"
#include "app/eval/gzip_lines.h"
#include "app/eval/questions.h"
#include "app/eval/work_file.h"
#include "tests/app/tiny_library.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::app::tests {
namespace {

/// The code and message of what `body` throws.
template <typename F>
Error error_of(F&& body) {
  try {
    body();
  } catch (const Exception& e) {
    return e.error();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

class EvalFiles : public ::testing::Test {
 protected:
  fs::path write(const std::string& name, const std::string& text) const {
    write_file(folder_.path() / name, text);
    return folder_.path() / name;
  }
  fs::path write_gzip(const std::string& name, const std::string& text) const {
    const fs::path file = folder_.path() / name;
    const gzFile stream = gzopen(file.c_str(), "wb");
    EXPECT_EQ(gzwrite(stream, text.data(), static_cast<unsigned>(text.size())), int(text.size()));
    gzclose(stream);
    return file;
  }
  kvlink::tests::TemporaryFolder folder_;
};

std::string question_line(const std::string& id) {
  return R"({"id":")" + id + R"(","question":"who?","answers":["me","you"],"docs":[)" +
         R"({"title":"A","text":"a","gold":false},{"title":"B","text":"b","gold":true},)" +
         R"({"title":"C","text":"c","gold":false}]})" + "\n";
}

TEST_F(EvalFiles, LinesAreTheSamePlainAndCompressed) {
  const std::string text = "one\r\n\n" + std::string(200'000, 'x') + "\nlast";
  for (const auto& file : {write("plain", text), write_gzip("packed.gz", text)}) {
    GzipLines lines(file);
    EXPECT_EQ(lines.next(), "one");
    EXPECT_EQ(lines.next(), "");
    EXPECT_EQ(lines.next()->size(), 200'000u);
    EXPECT_EQ(lines.number(), 3);
    EXPECT_EQ(lines.next(), "last");
    EXPECT_EQ(lines.next(), std::nullopt);
  }
}

TEST_F(EvalFiles, ALineBeyondTheLimitIsRefused) {
  const auto file = write_gzip("long.gz", "ok\n" + std::string(GzipLines::kMaxLineBytes + 1, 'x'));
  GzipLines lines(file);
  EXPECT_EQ(lines.next(), "ok");
  const Error error = error_of([&] { lines.next(); });
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find("line 2"), std::string::npos) << error.message;
}

TEST_F(EvalFiles, CompressedDataThatWasCutIsAnError) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919) + "\n";
  const auto file = write_gzip("cut.gz", text);
  fs::resize_file(file, fs::file_size(file) / 2);
  const Error error = error_of([&] {
    GzipLines lines(file);
    while (lines.next()) {
    }
  });
  EXPECT_EQ(error.code, ErrorCode::kCorrupt) << error.message;
}

TEST_F(EvalFiles, MissingFilesAndFoldersAreNamed) {
  EXPECT_EQ(error_of([&] { GzipLines(folder_.path() / "none"); }).code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { GzipLines(folder_.path()); }).code, ErrorCode::kIo);
}

TEST_F(EvalFiles, QuestionsKeepOrderAndLimit) {
  const auto file = write_gzip("q.gz", question_line("1") + "\n" + question_line("2"));
  const auto all = read_questions(file, 0);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].id, "2");
  EXPECT_EQ(all[0].answers.size(), 2u);
  EXPECT_EQ(all[0].gold().title, "B");
  EXPECT_EQ(read_questions(file, 1).size(), 1u);
}

TEST_F(EvalFiles, BrokenQuestionsAreNamedByLine) {
  const std::string deep = R"({"docs":)" + std::string(100, '[') + std::string(100, ']') + "}";
  for (const std::string& bad :
       {std::string("{"), std::string("[]"), deep, std::string(R"({"question":3})"),
        std::string(R"({"docs":[{"title":"x"}]})"), std::string(R"({"answers":[1]})"),
        std::string(R"({"docs":[1]})"), std::string(R"({"docs":{}})")}) {
    const auto file = write("bad", question_line("1") + bad + "\n");
    const Error error = error_of([&] { read_questions(file, 0); });
    EXPECT_EQ(error.code, ErrorCode::kCorrupt) << bad;
    EXPECT_NE(error.message.find("line 2"), std::string::npos) << error.message;
  }
  EXPECT_EQ(error_of([&] { read_questions(write("empty", "\n"), 0); }).code,
            ErrorCode::kInvalidInput);
}

TEST_F(EvalFiles, TheGoldPassageStandsWhereItIsWanted) {
  const auto questions = read_questions(write("q", question_line("1")), 0);
  const auto titles = [&](std::int64_t n, std::int64_t place) {
    std::string text;
    for (const auto* document : choose_passages(questions[0], n, place)) text += document->title;
    return text;
  };
  EXPECT_EQ(titles(0, 0), "");
  EXPECT_EQ(titles(1, 0), "B");
  EXPECT_EQ(titles(2, 0), "BA");
  EXPECT_EQ(titles(3, 0), "BAC");
  EXPECT_EQ(titles(3, 1), "ABC");
  EXPECT_EQ(titles(3, 2), "ACB");
  EXPECT_EQ(error_of([&] { titles(4, 0); }).code, ErrorCode::kInvalidInput);
  EXPECT_EQ(error_of([&] { titles(2, 2); }).code, ErrorCode::kInvalidInput);
}

TEST_F(EvalFiles, CollectionsAreReadAndJoined) {
  const auto corpus = write("corpus", R"({"id":"d0","title":"T","text":"x"})");
  const auto queries = write("queries", R"({"question":"who?","relevant":["d0"]})");
  Collection collection = read_collection(corpus, queries);
  ASSERT_EQ(collection.queries.size(), 1u);
  EXPECT_TRUE(collection.queries[0].relevant.contains("d0"));
  EXPECT_EQ(join_answers(collection, write("q", question_line("1"))), 1);
  EXPECT_EQ(collection.queries[0].answers, (std::vector<std::string>{"me", "you"}));
  const auto twice = write("twice", R"({"id":"d0","text":"x"})"
                                    "\n"
                                    R"({"id":"d0","text":"y"})");
  EXPECT_EQ(error_of([&] { read_collection(twice, queries); }).code, ErrorCode::kCorrupt);
}

TEST_F(EvalFiles, CranfieldDropsTheRepeatedTitleAndForeignGrades) {
  write("cran.all.1400",
        ".I 1\n.T\nwing in\na slipstream .\n.A\nx\n.W\nwing in\na slipstream .\nstudy\n"
        ".I 2\n.T\nheat\n.W\n");
  write("cran.qry", ".I 001\n.W\nwhat wing\n.I 004\n.W\nwhat heat\n");
  write("cranqrel", "1 1 2 \n1 2 5\n2 2 -1\n");
  const Collection collection = read_cranfield(folder_.path());
  ASSERT_EQ(collection.passages.size(), 2u);
  EXPECT_EQ(collection.passages[0].text, " study");
  EXPECT_EQ(collection.passages[1].text, "heat");
  EXPECT_EQ(collection.queries[0].relevant, std::set<std::string>{"1"});
  EXPECT_EQ(collection.queries[1].relevant, std::set<std::string>{"2"});
  write("cranqrel", "3 1 2\n");
  EXPECT_EQ(error_of([&] { read_cranfield(folder_.path()); }).code, ErrorCode::kCorrupt);
}

class WorkFiles : public EvalFiles {
 protected:
  static ReportRow parameters(std::int64_t limit) {
    ReportRow row;
    row.add("limit", limit);
    return row;
  }
  fs::path file_ = folder_.path() / "work";
};

TEST_F(WorkFiles, GoOnWhereTheyEnded) {
  {
    WorkFile work(file_, "qa", parameters(5));
    work.append("a", {"yes", {{"tokens", 2}}});
    work.append("b", {"no \"quotes\"\n", {}});
  }
  const auto size = fs::file_size(file_);
  std::ofstream(file_, std::ios::app) << R"({"key":"c","te)";  // killed in the middle of a line
  const WorkFile work(file_, "qa", parameters(5));
  EXPECT_EQ(work.n_records(), 2u);
  EXPECT_EQ(work.find("a")->number("tokens"), 2);
  EXPECT_EQ(work.find("a")->number("other"), 0);
  EXPECT_EQ(work.find("b")->text, "no \"quotes\"\n");
  EXPECT_EQ(work.find("c"), nullptr);
  EXPECT_EQ(fs::file_size(file_), size);
}

TEST_F(WorkFiles, RefuseOtherParametersAndForeignFiles) {
  WorkFile(file_, "qa", parameters(5)).append("a", {});
  EXPECT_EQ(error_of([&] { WorkFile(file_, "qa", parameters(6)); }).code, ErrorCode::kInvalidInput);
  EXPECT_EQ(error_of([&] { WorkFile(file_, "kl", parameters(5)); }).code, ErrorCode::kInvalidInput);
  const auto foreign = write("letter.txt", "Dear all,\nno line end");
  EXPECT_EQ(error_of([&] { WorkFile(foreign, "qa", parameters(5)); }).code,
            ErrorCode::kInvalidInput);
  EXPECT_EQ(read_text(foreign), "Dear all,\nno line end");
}

TEST_F(WorkFiles, DamageInTheMiddleIsNamedByLine) {
  {
    WorkFile work(file_, "qa", parameters(5));
    work.append("a", {});
  }
  std::ofstream(file_, std::ios::app) << "{\"key\":\n{}\n";
  const Error error = error_of([&] { WorkFile(file_, "qa", parameters(5)); });
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_NE(error.message.find("line 3"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace kvlink::app::tests
