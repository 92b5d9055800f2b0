// SPDX-License-Identifier: Apache-2.0
#include "app/cli/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace kvlink::app {

std::optional<std::string> LineReader::next(const std::string& prompt) {
  if (::isatty(STDIN_FILENO) == 1) {
    [[maybe_unused]] const auto shown = ::write(STDERR_FILENO, prompt.data(), prompt.size());
  }
  std::size_t end = std::string::npos;
  while ((end = buffer_.find('\n')) == std::string::npos && buffer_.size() < kMaxLine && fill()) {
  }
  if (interrupt_.requested() || (buffer_.empty() && at_end_)) return std::nullopt;
  std::string line = buffer_.substr(0, std::min(end, kMaxLine));
  buffer_.erase(0, end == std::string::npos ? line.size() : end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

/// False at the end of the input and at a signal.
bool LineReader::fill() {
  pollfd wait[2] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_.descriptor(), POLLIN, 0}};
  while (::poll(wait, 2, -1) < 0 && errno == EINTR) {
  }
  if (wait[1].revents != 0) return false;
  char bytes[4096];
  const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof(bytes));
  if (n <= 0) {
    at_end_ = true;
    return false;
  }
  buffer_.append(bytes, static_cast<std::size_t>(n));
  return true;
}

}  // namespace kvlink::app
