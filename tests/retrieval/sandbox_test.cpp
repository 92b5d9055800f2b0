// SPDX-License-Identifier: Apache-2.0
// What a reader of documents can do when its document has taken it over: nothing.
#include "app/extract/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "retrieval/extract/extractor.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::retrieval::tests {
namespace {

namespace fs = std::filesystem;

fs::path beside(const char* program) {
  return fs::canonical("/proc/self/exe").parent_path() / program;
}

ReadReport try_to(const std::string& what, const ExtractorLimits& limits = {}) {
  auto made = Extractor(beside("kvlink_hostile_child"), limits).read(what, {}, {});
  if (!made) throw Exception(made.error());
  return std::move(made->report);
}

std::string said_by(const ReadReport& report) {
  return report.document.blocks.empty() ? "" : report.document.blocks[0].text;
}

TEST(Sandbox, LetsAReaderRead) {
  const auto report = try_to("some words");
  EXPECT_TRUE(report.filtered);
  EXPECT_EQ(report.problem, ReadProblem::kNone);
  EXPECT_EQ(said_by(report), "some words");
}

TEST(Sandbox, RefusesToOpenFiles) {
  EXPECT_EQ(said_by(try_to("open")), "refused: Permission denied");
  EXPECT_EQ(said_by(try_to("create")), "refused: Permission denied");
}

class Sandboxed : public ::testing::TestWithParam<const char*> {};

TEST_P(Sandboxed, EndsTheReaderThatTries) {
  const auto report = try_to(GetParam());
  EXPECT_EQ(report.problem, ReadProblem::kCrashed) << said_by(report);
  EXPECT_EQ(report.reason, "the reader was stopped because it tried what it may not do");
  EXPECT_TRUE(report.document.blocks.empty());
}

INSTANTIATE_TEST_SUITE_P(SystemCalls, Sandboxed,
                         ::testing::Values("socket", "unix socket", "execute", "fork", "trace",
                                           "kill", "code"));

TEST(Sandbox, LimitsMemory) {
  if (kvlink::tests::kSanitized) {
    GTEST_SKIP() << "shadow memory leaves no room for a limit of the address space";
  }
  ExtractorLimits limits;
  limits.memory_bytes = std::int64_t{256} << 20;
  const auto made = Extractor(beside("kvlink_hostile_child"), limits).read("memory", {}, {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->report.problem, ReadProblem::kTooLarge);
  EXPECT_EQ(made->report.reason, "reading it needs more than 256 MiB of memory");
  EXPECT_LT(made->use.peak_bytes, limits.memory_bytes);
}

TEST(Sandbox, LimitsProcessorTime) {
  ExtractorLimits limits;
  limits.seconds = 1;
  const auto report = try_to("compute", limits);
  EXPECT_EQ(report.problem, ReadProblem::kTooSlow);
  EXPECT_FALSE(report.reason.empty());
}

TEST(Sandbox, LimitsTheWallClock) {
  ExtractorLimits limits;
  limits.seconds = 1;
  const auto report = try_to("wait", limits);
  EXPECT_EQ(report.problem, ReadProblem::kTooSlow);
  EXPECT_EQ(report.reason, "reading it took more than 2 s");
}

TEST(Sandbox, DoesNotWaitForAReaderThatHangsUpAndStays) {
  ExtractorLimits limits;
  limits.seconds = 1;
  const auto report = try_to("hang up", limits);
  EXPECT_EQ(report.problem, ReadProblem::kCrashed);
  EXPECT_EQ(report.reason, "the reader closed its output in the middle of it");
  std::stop_source stop;
  std::jthread asks([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const auto made = Extractor(beside("kvlink_hostile_child")).read("hang up", {}, stop.get_token());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kCancelled);
}

TEST(Sandbox, LimitsWhatAReaderSays) {
  ExtractorLimits limits;
  limits.frames.bytes = 4 << 20;
  EXPECT_EQ(try_to("endless", limits).problem, ReadProblem::kTooLarge);
  EXPECT_NE(try_to("flood", limits).problem, ReadProblem::kNone);
}

TEST(Sandbox, BelievesNothingThatIsNotAFrame) {
  for (const char* what : {"garbage", "half"}) {
    const auto report = try_to(what);
    EXPECT_EQ(report.problem, ReadProblem::kCrashed) << what;
    EXPECT_FALSE(report.reason.empty());
  }
}

TEST(Sandbox, NamesACrash) {
  const auto report = try_to("crash");
  EXPECT_EQ(report.problem, ReadProblem::kCrashed);
  EXPECT_EQ(report.reason, "the reader stopped unexpectedly (signal 11)");
}

TEST(Sandbox, HandsDownNoDescriptorAndNoEnvironment) {
  const int left_open = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  ASSERT_GE(left_open, 0);
  EXPECT_EQ(said_by(try_to("descriptors")), "4");
  EXPECT_EQ(said_by(try_to("environment")), "empty");
  ::close(left_open);
}

TEST(Sandbox, TakesAPasswordThroughItsPipe) {
  ReadRequest request;
  request.password = "open sesame";
  const auto made = Extractor(beside("kvlink_hostile_child")).read("password", request, {});
  ASSERT_TRUE(made);
  EXPECT_EQ(said_by(made->report), "open sesame");
}

TEST(Sandbox, StopsWhenAsked) {
  std::stop_source stop;
  std::jthread asks([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const auto made = Extractor(beside("kvlink_hostile_child")).read("wait", {}, stop.get_token());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kCancelled);
}

TEST(Sandbox, SaysThatTheProgramIsMissing) {
  const auto made = Extractor("/nowhere/kvlink-extract").read("text", {}, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kNotFound);
  EXPECT_NE(made.error().message.find("/nowhere/kvlink-extract"), std::string::npos);
}

/// A program that plays back frames, as a reader would send them on some other system.
fs::path player(const kvlink::tests::TemporaryFolder& folder, const std::string& frames) {
  const fs::path file = folder.path() / "frames";
  std::ofstream(file, std::ios::binary) << frames;
  const fs::path program = folder.path() / "player";
  std::ofstream(program) << "#!/bin/sh\nexec cat '" << file.string() << "'\n";
  fs::permissions(program, fs::perms::owner_all);
  return program;
}

TEST(Sandbox, SaysWhenTheKernelRefusesTheFilter) {
  const kvlink::tests::TemporaryFolder folder;
  const auto program = player(folder, hello_frame(false) + document_frame({}) + end_frame());
  const auto made = Extractor(program).read("text", {}, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->report.filtered);
}

/// Says `words`, closes its output and stays.
fs::path stayer(const kvlink::tests::TemporaryFolder& folder, const std::string& words) {
  const fs::path file = folder.path() / "words";
  std::ofstream(file, std::ios::binary) << words;
  const fs::path program = folder.path() / "stayer";
  std::ofstream(program) << "#!/bin/sh\ncat '" << file.string()
                         << "'\nexec 1>/dev/null\nexec sleep 1000\n";
  fs::permissions(program, fs::perms::owner_all);
  return program;
}

TEST(Sandbox, TakesWhatAReaderSaidThatDoesNotEnd) {
  const kvlink::tests::TemporaryFolder folder;
  const auto program = stayer(folder, hello_frame(true) + document_frame({}) + end_frame());
  ExtractorLimits limits;
  limits.seconds = 1;
  const auto made = Extractor(program, limits).read("text", {}, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->report.problem, ReadProblem::kNone) << made->report.reason;
}

TEST(Sandbox, BelievesNoVersionOfAProgramThatDoesNotEnd) {
  const kvlink::tests::TemporaryFolder folder;
  EXPECT_EQ(output_of("/bin/echo", {"5.3"}, 20), "5.3\n");
  EXPECT_EQ(output_of(stayer(folder, "5.3\n"), {}, 1), "");
}

TEST(Sandbox, RefusesAReaderOfAnotherKind) {
  const kvlink::tests::TemporaryFolder folder;
  const auto made = Extractor(player(folder, "")).read("text", {}, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kIo);
}

TEST(Sandbox, LeavesNoCoreAndLetsNobodyLookIn) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    extract::limit_resources({.memory_bytes = std::int64_t{1} << 40, .cpu_seconds = 10});
    rlimit core{}, files{};
    getrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_FSIZE, &files);
    const bool sound = prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                       core.rlim_max == 0 && files.rlim_max == 0;
    _exit(sound ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace kvlink::retrieval::tests
