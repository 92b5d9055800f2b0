// SPDX-License-Identifier: Apache-2.0
#include "retrieval/extract/extractor.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "retrieval/extract/child_process.h"

namespace kvlink::retrieval {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPollMs = 50;                // how long a stop may go unnoticed
constexpr std::chrono::seconds kGrace(5);  // for a child that has said everything to end

/// Why a child that did not finish did not, as far as its end tells.
void explain_end(const ChildEnd& end, std::int64_t seconds, ReadReport& report) {
  if (!end.exited && end.status == SIGXCPU) {
    report.problem = ReadProblem::kTooSlow;
    report.reason = "reading it took more than " + std::to_string(seconds) + " s of computing";
    return;
  }
  report.problem = ReadProblem::kCrashed;
  if (!end.exited && end.status == SIGSYS) {
    report.reason = "the reader was stopped because it tried what it may not do";
    return;
  }
  report.reason =
      end.exited ? "the reader stopped in the middle of it"
                 : "the reader stopped unexpectedly (signal " + std::to_string(end.status) + ")";
}

/// Whether the child, which has closed its output, ended in time.
bool has_ended(ChildProcess& child, Clock::time_point deadline, const std::stop_token& stop) {
  deadline = std::min(deadline, Clock::now() + kGrace);
  while (!child.wait_for_end(kPollMs)) {
    if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
    if (Clock::now() > deadline) return false;
  }
  return true;
}

}  // namespace

Result<Extraction> Extractor::read(std::string_view bytes, const ReadRequest& request,
                                   std::stop_token stop) const {
  return returning([&] {
    const auto mib = static_cast<std::int64_t>(bytes.size() >> 20);
    const std::int64_t seconds =
        std::min(limits_.seconds + mib * limits_.seconds_per_mib, limits_.max_seconds);
    const std::int64_t wall_seconds = seconds * limits_.wall_factor;
    std::vector<std::string> arguments = {std::to_string(limits_.memory_bytes),
                                          std::to_string(seconds),
                                          std::to_string(limits_.niceness)};
    arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
    ChildProcess child(program_, arguments, bytes, encode_request(request));
    FrameReader frames(limits_.frames);
    const auto deadline = Clock::now() + std::chrono::seconds(wall_seconds);
    std::string came;
    ReadProblem stopped = ReadProblem::kNone;
    std::string reason;
    for (;;) {
      came.clear();
      const auto wait = child.wait_for_output(kPollMs, came);
      if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
      if (wait == ChildProcess::Wait::kClosed) break;
      if (Clock::now() > deadline) {
        stopped = ReadProblem::kTooSlow;
        reason = "reading it took more than " + std::to_string(wall_seconds) + " s";
        break;
      }
      const auto taken = returning([&] { frames.feed(came); });
      if (!taken) {
        const bool large = taken.error().code == ErrorCode::kOutOfMemory;
        stopped = large ? ReadProblem::kTooLarge : ReadProblem::kCrashed;
        reason = taken.error().message;
        break;
      }
    }
    const bool ended = stopped == ReadProblem::kNone && has_ended(child, deadline, stop);
    if (!ended) child.kill();
    const ChildEnd end = child.wait();
    Extraction made;
    made.use = {end.processor_seconds, end.peak_bytes};
    const bool complete = frames.is_complete();
    if (!ended && !complete && stopped == ReadProblem::kNone) {
      stopped = ReadProblem::kCrashed;
      reason = "the reader closed its output in the middle of it";
    }
    if (!complete && !frames.said_hello() && end.exited && stopped == ReadProblem::kNone) {
      fail(ErrorCode::kIo, "The document reader " + program_.string() +
                               " does not run here (exit code " + std::to_string(end.status) +
                               "). Install or build KVLink again.");
    }
    made.report = frames.take_report();
    if (stopped != ReadProblem::kNone) {
      made.report.problem = stopped;
      made.report.reason = reason;
    } else if (!complete) {
      explain_end(end, seconds, made.report);
    }
    if (made.report.problem != ReadProblem::kNone) made.report.document.blocks.clear();
    return made;
  });
}

std::string output_of(const std::filesystem::path& program,
                      const std::vector<std::string>& arguments, int seconds) {
  constexpr std::size_t kMaxBytes = 1 << 16;
  std::string out;
  const auto ran = returning([&] {
    ChildProcess child(program, arguments, "", "");
    const auto deadline = Clock::now() + std::chrono::seconds(seconds);
    while (out.size() <= kMaxBytes && Clock::now() < deadline) {
      if (child.wait_for_output(kPollMs, out) != ChildProcess::Wait::kClosed) continue;
      if (!has_ended(child, deadline, {})) return false;
      const ChildEnd end = child.wait();
      return end.exited && end.status == 0;
    }
    return false;
  });
  return ran && *ran ? out : std::string();
}

}  // namespace kvlink::retrieval
