// SPDX-License-Identifier: Apache-2.0
// The life of one child: into the sandbox, read the document, send its blocks, end.
#pragma once

#include <functional>
#include <string>

#include "kernels/base/result.h"
#include "retrieval/extract/frames.h"

namespace kvlink::extract {

/// Thrown by readers: a document that cannot be read, and why, for the user.
class Unreadable : public std::exception {
 public:
  Unreadable(retrieval::ReadProblem problem, std::string reason)
      : problem_(problem), reason_(std::move(reason)) {}
  const char* what() const noexcept override { return reason_.c_str(); }
  retrieval::ReadProblem problem() const { return problem_; }

 private:
  retrieval::ReadProblem problem_;
  std::string reason_;
};

/// What is done with a document's bytes. May throw Unreadable, Exception, std::bad_alloc.
using ReadFunction =
    std::function<retrieval::ReadReport(const std::string& bytes, const retrieval::ReadRequest&)>;

/// The program's name, and its limits: bytes of memory, seconds of processor time, niceness. What
/// follows them is the program's own.
inline constexpr int kOwnArguments = 4;

/// The whole program behind main; `argv` begins with kOwnArguments arguments. `prepare` runs before
/// the sandbox closes. Returns the exit code.
int serve(int argc, const char* const* argv, const std::function<void()>& prepare,
          const ReadFunction& read);

}  // namespace kvlink::extract
