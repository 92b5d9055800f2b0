// SPDX-License-Identifier: Apache-2.0
// Lines from standard input, interruptible by a signal.
#pragma once

#include <optional>
#include <string>

#include "app/cli/interrupt.h"

namespace kvlink::app {

/// One thread. A line longer than kMaxLine is cut into several.
class LineReader {
 public:
  static constexpr std::size_t kMaxLine = 1 << 20;

  explicit LineReader(Interrupt& interrupt) : interrupt_(interrupt) {}

  /// Shows the prompt on standard error when standard input is a terminal. The line without its
  /// end; nothing at the end of the input or after a signal.
  std::optional<std::string> next(const std::string& prompt);

 private:
  bool fill();

  Interrupt& interrupt_;
  std::string buffer_;
  bool at_end_ = false;
};

}  // namespace kvlink::app
