// SPDX-License-Identifier: Apache-2.0
// What `kvlink` returns to the shell.
#pragma once

#include "kernels/base/result.h"

namespace kvlink::app {

/// Documented in `kvlink --help` and app/README.md: do not renumber.
enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,        ///< something did not work; the message says what
  kUsage = 2,         ///< the command line or the question makes no sense
  kNothingFound = 3,  ///< no passage, document, block or conversation matches
  kBusy = 4,          ///< another KVLink uses the folder
  kCancelled = 130,   ///< Ctrl-C or a termination signal
};

/// Thrown by a command when nothing is what the user named: it ends with kNothingFound. An Error of
/// code kNotFound is more than that: also a model or a file that is not there.
class NothingFound : public Exception {
 public:
  using Exception::Exception;
};

constexpr ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return ExitCode::kUsage;
    case ErrorCode::kBusy:
      return ExitCode::kBusy;
    case ErrorCode::kCancelled:
      return ExitCode::kCancelled;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace kvlink::app
