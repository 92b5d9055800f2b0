// SPDX-License-Identifier: Apache-2.0
#include "app/cli/password_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr int kPollMs = 50;  // how long a stop may go unnoticed

struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

[[noreturn]] void fail_with_errno(const std::string& file) {
  const int error = errno;
  fail(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
       "Cannot read the password in " + file + ": " + std::strerror(error) + ".");
}

/// A pipe that nobody has opened for writing yet is empty, not at its end.
void wait_for_bytes(int descriptor, const std::stop_token& stop) {
  pollfd waited{descriptor, POLLIN, 0};
  while (::poll(&waited, 1, kPollMs) <= 0) {
    if (stop.stop_requested()) fail(ErrorCode::kCancelled, "Stopped before the password was read.");
  }
}

/// Up to the end of the first line, the end of the file, or one byte past the limit.
std::string read_line(const Descriptor& from, const std::string& file,
                      const std::stop_token& stop) {
  std::string bytes;
  while (bytes.size() <= kMaxBytes && bytes.find('\n') == bytes.npos) {
    wait_for_bytes(from.value, stop);
    const auto old = bytes.size();
    bytes.resize(kMaxBytes + 1);
    const ssize_t n = ::read(from.value, bytes.data() + old, bytes.size() - old);
    const int error = errno;
    bytes.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) break;
    errno = error;
    if (n < 0 && error != EINTR && error != EAGAIN) fail_with_errno(file);
  }
  return bytes;
}

}  // namespace

std::string password_in(const std::string& file, const std::stop_token& stop) {
  const Descriptor opened{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (opened.value < 0) fail_with_errno(file);
  std::string password = read_line(opened, file, stop);
  password.resize(std::min(password.find_first_of("\r\n"), password.size()));
  if (password.empty()) {
    fail(ErrorCode::kInvalidInput, file + " has no password in its first line.");
  }
  if (password.size() > kMaxBytes) {
    fail(ErrorCode::kInvalidInput, "The first line of " + file +
                                       " is longer than 4,096 bytes: no password is that long. "
                                       "Name a file whose first line is the password alone.");
  }
  return password;
}

}  // namespace kvlink::app
