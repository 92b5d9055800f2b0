// SPDX-License-Identifier: Apache-2.0
#include "app/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

[[noreturn]] void fail_with_errno(const std::filesystem::path& file, const char* verb) {
  const int error = errno;
  fail(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
       std::string("Cannot ") + verb + " " + file.string() + ": " + std::strerror(error) + ".");
}

/// Reads to the end of the file or one byte past the limit, whichever comes first.
std::string read_up_to(int fd, std::int64_t limit, std::int64_t expected,
                       const std::filesystem::path& file) {
  std::string bytes;
  constexpr std::int64_t kStep = 1 << 20;
  bytes.reserve(static_cast<std::size_t>(expected));
  while (static_cast<std::int64_t>(bytes.size()) <= limit) {
    const auto old = bytes.size();
    const auto step = std::min(kStep, limit + 1 - static_cast<std::int64_t>(old));
    bytes.resize(old + static_cast<std::size_t>(step));
    const ssize_t n = ::read(fd, bytes.data() + old, static_cast<std::size_t>(step));
    bytes.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) break;
    if (n < 0 && errno != EINTR) fail_with_errno(file, "read");
  }
  return bytes;
}

int open_regular(const std::filesystem::path& file, struct stat& status) {
  Descriptor fd{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (fd.value < 0) fail_with_errno(file, "open");
  if (::fstat(fd.value, &status) != 0) fail_with_errno(file, "examine");
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorCode::kUnsupported, file.string() + " is not a regular file.");
  }
  return std::exchange(fd.value, -1);
}

constexpr std::int64_t kSettlingNs = 2'000'000'000;  // the coarsest file system's grain (FAT)

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_nsec};
}

std::int64_t inode_of(const struct stat& status) {
  return static_cast<std::int64_t>(status.st_ino);
}

}  // namespace

std::optional<FileStat> look_at(const std::filesystem::path& path) {
  const auto seen = returning([&] { return FileSystem::posix().stat(path); });
  return seen ? *seen : std::nullopt;
}

bool is_unchanged(const std::optional<FileStat>& before, const std::optional<FileStat>& now) {
  if (!before || !now) return !before && !now;
  return !before->is_folder && !now->is_folder && before->size == now->size &&
         before->mtime_ns == now->mtime_ns && before->inode == now->inode;
}

std::string read_head(const std::filesystem::path& file, std::size_t n) {
  struct stat status {};
  const Descriptor fd{open_regular(file, status)};
  std::string bytes(n, '\0');
  const ssize_t n_read = ::read(fd.value, bytes.data(), n);
  if (n_read < 0) fail_with_errno(file, "read");
  bytes.resize(static_cast<std::size_t>(n_read));
  return bytes;
}

FileBytes read_file(const std::filesystem::path& file, std::int64_t limit) {
  struct stat status {};
  const Descriptor fd{open_regular(file, status)};
  FileBytes result;
  result.file_bytes = status.st_size;
  result.mtime_ns = nanoseconds(status.st_mtim);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (nanoseconds(now) - result.mtime_ns > kSettlingNs) result.inode = inode_of(status);
  result.too_large = status.st_size > limit;
  if (result.too_large) return result;
  result.bytes = read_up_to(fd.value, limit, status.st_size, file);
  // A file that grew while it was read is judged by what came out of it.
  if (static_cast<std::int64_t>(result.bytes.size()) > limit) {
    result.too_large = true;
    result.bytes.clear();
  }
  return result;
}

}  // namespace kvlink::app
