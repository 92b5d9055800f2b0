// SPDX-License-Identifier: Apache-2.0
#include "app/extract/serve.h"

#include <errno.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>

#include "app/extract/sandbox.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;
using retrieval::ReadReport;

constexpr int kDocument = 0;
constexpr int kFrames = 1;
constexpr int kRequest = 3;

std::string read_all(int fd) {
  std::string bytes;
  constexpr std::size_t kStep = 1 << 20;
  for (;;) {
    const auto old = bytes.size();
    bytes.resize(old + kStep);
    const ssize_t n = ::read(fd, bytes.data() + old, kStep);
    bytes.resize(old + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n == 0) return bytes;
    if (n < 0 && errno != EINTR) fail(ErrorCode::kIo, "the document cannot be read");
  }
}

void send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(kFrames, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(1);  // nobody listens any more
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

ReadProblem problem_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnsupported:
      return ReadProblem::kUnsupported;
    case ErrorCode::kInvalidInput:
      return ReadProblem::kNoText;
    case ErrorCode::kOutOfMemory:
      return ReadProblem::kTooLarge;
    default:
      return ReadProblem::kDamaged;
  }
}

ReadReport failed(ReadProblem problem, std::string reason) {
  ReadReport report;
  report.problem = problem;
  report.reason = std::move(reason);
  return report;
}

ReadReport read_document(const ReadFunction& read, std::int64_t memory_bytes) {
  try {
    const auto request = retrieval::decode_request(read_all(kRequest));
    return read(read_all(kDocument), request);
  } catch (const Unreadable& e) {
    return failed(e.problem(), e.what());
  } catch (const Exception& e) {
    return failed(problem_of(e.error().code), e.error().message);
  } catch (const std::bad_alloc&) {
    return failed(
        ReadProblem::kTooLarge,
        "reading it needs more than " + std::to_string(memory_bytes >> 20) + " MiB of memory");
  } catch (const std::exception& e) {
    return failed(ReadProblem::kDamaged, e.what());
  }
}

void send_report(const ReadReport& report) {
  if (report.problem != ReadProblem::kNone) {
    send(retrieval::problem_frame(report.problem, report.reason));
    if (!report.document.pages_without_text.empty()) {
      send(retrieval::document_frame(report.document));
    }
  } else if (report.image) {
    send(retrieval::image_frame(*report.image));
  } else {
    std::string out = retrieval::document_frame(report.document);
    for (const auto& block : report.document.blocks) {
      out += retrieval::block_frame(block);
      if (out.size() < (1U << 16)) continue;
      send(out);
      out.clear();
    }
    send(out);
  }
  send(retrieval::end_frame());
}

}  // namespace

int serve(int argc, const char* const* argv, const std::function<void()>& prepare,
          const ReadFunction& read) {
  SandboxLimits limits;
  if (argc >= kOwnArguments) {
    limits.memory_bytes = std::strtoll(argv[1], nullptr, 10);
    limits.cpu_seconds = std::strtoll(argv[2], nullptr, 10);
    limits.niceness = static_cast<int>(std::strtol(argv[3], nullptr, 10));
  }
  if (limits.memory_bytes <= 0 || limits.cpu_seconds <= 0) {
    std::fputs("This program reads one document for kvlink or kvlink-desktop, which start it.\n",
               stderr);
    return 2;
  }
  prepare();
  limit_resources(limits);
  send(retrieval::hello_frame(filter_system_calls()));
  send_report(read_document(read, limits.memory_bytes));
  // Without destructors: what a library still holds goes with the process.
  _exit(0);
}

}  // namespace kvlink::extract
