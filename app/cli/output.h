// SPDX-License-Identifier: Apache-2.0
// Standard output for results, standard error for progress and notices.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "app/cli/interrupt.h"
#include "kernels/base/result.h"

namespace kvlink::app {

/// Text from documents, file names and models as it may reach a terminal: control characters (but
/// for line feed and tab) and malformed UTF-8 become U+FFFD, so that no escape sequence gets out.
std::string printable(std::string_view text);

/// One thread. A reader that closed the pipe stops the work through `interrupt`.
class Output {
 public:
  Output(bool json, Interrupt& interrupt);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  bool json() const { return json_; }

  /// To standard output at once.
  void print(std::string_view text);
  void print_line(std::string_view text) { print(std::string(text) + "\n"); }
  /// To standard error, on a line of its own.
  void note(std::string_view text);
  /// The line that says how far the work is: redrawn on a terminal, at most one plain line a second
  /// in a pipe. Nothing with --json.
  void progress(std::string_view text);
  /// Removes the line from a terminal.
  void end_progress();
  /// An error for the user: a JSON object with --json, else a line on standard error.
  void error(const Error& error);
  /// Whether standard output took everything.
  bool intact() const { return intact_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool json_;
  Interrupt& interrupt_;
  bool terminal_;
  bool intact_ = true;
  bool line_open_ = false;
  std::optional<Clock::time_point> last_progress_;
};

}  // namespace kvlink::app
