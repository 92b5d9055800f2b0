// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink {
namespace {

namespace fs = std::filesystem;

std::string_view advice(int error) {
  switch (error) {
    case ENOSPC:
      return "The disk is full: free some space and try again.";
    case EDQUOT:
      return "Your disk quota is used up: free some space and try again.";
    case EACCES:
    case EPERM:
      return "Check that you own the folder and may write to it.";
    case EROFS:
      return "The disk is read-only: choose a folder on another one.";
    case EMFILE:
    case ENFILE:
      return "Too many files are open: close other programs and try again.";
    case ELOOP:
      return "Symbolic links are not followed here: put the file itself in this place.";
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
      return "Something else has this name: move it away.";
    case EIO:
      return "The disk reports an error: check its health.";
    default:
      return "Check that the disk is connected and the path is right.";
  }
}

/// Throws for errno = `error` of system call `call` on `path`.
[[noreturn]] void fail_call(std::string_view call, const fs::path& path, int error) {
  ErrorCode code = ErrorCode::kIo;
  if (error == ENOENT) code = ErrorCode::kNotFound;
  if (error == ENOSPC || error == EDQUOT || error == ENOMEM) code = ErrorCode::kOutOfMemory;
  fail(code, path.string() + ": " + std::string(call) + " failed: " +
                 std::generic_category().message(error) + ". " + std::string(advice(error)));
}

/// Calls again while a signal interrupts; never used for close and syncs.
template <typename Call>
auto uninterrupted(Call&& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Owns one file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Descriptor open_or_throw(const fs::path& path, int flags, std::string_view call) {
  Descriptor fd(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC); }));
  if (fd.get() < 0) fail_call(call, path, errno);
  return fd;
}

void sync_folder_or_throw(const fs::path& folder) {
  const Descriptor fd = open_or_throw(folder, O_RDONLY | O_DIRECTORY, "open folder");
  // Some file systems cannot sync a folder and say EINVAL; they order names themselves.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) fail_call("fsync folder", folder, errno);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

class PosixPendingFile final : public PendingFile {
 public:
  PosixPendingFile(fs::path path, fs::path temporary, Descriptor fd, std::int64_t expected_bytes)
      : path_(std::move(path)),
        temporary_(std::move(temporary)),
        fd_(std::move(fd)),
        expected_bytes_(expected_bytes) {}
  ~PosixPendingFile() override {
    if (!is_published_) ::unlink(temporary_.c_str());
  }

  void allocate() {
    if (::fchmod(fd_.get(), 0600) != 0) fail_call("fchmod", temporary_, errno);
    if (expected_bytes_ <= 0) return;
    int error = 0;
    do {
      error = ::posix_fallocate(fd_.get(), 0, expected_bytes_);
    } while (error == EINTR);
    if (error != 0 && error != EOPNOTSUPP && error != EINVAL)
      fail_call("posix_fallocate", temporary_, error);
  }

  void write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t n =
          uninterrupted([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
      if (n < 0) fail_call("write", temporary_, errno);
      n_written_ += n;
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }

  void sync() override {
    if (n_written_ < expected_bytes_ &&
        uninterrupted([&] { return ::ftruncate(fd_.get(), n_written_); }) != 0)
      fail_call("ftruncate", temporary_, errno);
    if (::fdatasync(fd_.get()) != 0) fail_call("fdatasync", temporary_, errno);
  }

  void publish() override {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_call("rename", path_, errno);
    is_published_ = true;
  }

  void sync_folder() override { sync_folder_or_throw(folder_of(path_)); }

 private:
  fs::path path_;
  fs::path temporary_;
  Descriptor fd_;
  std::int64_t expected_bytes_;
  std::int64_t n_written_ = 0;
  bool is_published_ = false;
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(fs::path path, Descriptor fd, std::int64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  std::int64_t size() const override { return size_; }

  void read(std::int64_t offset, std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t n =
          uninterrupted([&] { return ::pread(fd_.get(), out.data(), out.size(), offset); });
      if (n < 0) fail_call("pread", path_, errno);
      if (n == 0) {
        fail(ErrorCode::kCorrupt, path_.string() + ": ends at byte " + std::to_string(offset) +
                                      ", " + std::to_string(out.size()) + " bytes are missing");
      }
      offset += n;
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }

 private:
  fs::path path_;
  Descriptor fd_;
  std::int64_t size_;
};

class PosixFileSystem final : public FileSystem {
 public:
  std::unique_ptr<PendingFile> create(const fs::path& path, std::int64_t expected_bytes) override {
    constexpr int kMaxAttempts = 100;  // a name may be left by an earlier process of our number
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    for (int attempt = 0;; ++attempt) {
      fs::path temporary = path;
      temporary += "." + std::to_string(::getpid()) + "-" + std::to_string(next_name_++) + ".tmp";
      Descriptor fd(uninterrupted([&] { return ::open(temporary.c_str(), kFlags, 0600); }));
      if (fd.get() < 0 && errno == EEXIST && attempt < kMaxAttempts) continue;
      if (fd.get() < 0) fail_call("create", temporary, errno);
      auto file = std::make_unique<PosixPendingFile>(path, std::move(temporary), std::move(fd),
                                                     expected_bytes);
      file->allocate();
      return file;
    }
  }

  std::unique_ptr<ReadableFile> open(const fs::path& path) override {
    // O_NONBLOCK: a FIFO at this name must not hang the open.
    Descriptor fd = open_or_throw(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, "open");
    struct ::stat status {};
    if (::fstat(fd.get(), &status) != 0) fail_call("fstat", path, errno);
    if (!S_ISREG(status.st_mode))
      fail(ErrorCode::kIo, path.string() + ": is not a regular file. Move it away.");
    return std::make_unique<PosixReadableFile>(path, std::move(fd), status.st_size);
  }

  std::optional<FileStat> stat(const fs::path& path) override {
    struct ::stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      fail_call("stat", path, errno);
    }
    return FileStat{
        .size = status.st_size,
        .mtime_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
        .inode = status.st_ino,
        .is_folder = S_ISDIR(status.st_mode)};
  }

  void remove(const fs::path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail_call("unlink", path, errno);
  }

  void rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) fail_call("rename", from, errno);
  }

  std::vector<fs::path> list(const fs::path& folder) override {
    std::unique_ptr<::DIR, int (*)(::DIR*)> handle(::opendir(folder.c_str()), &::closedir);
    if (handle == nullptr) fail_call("opendir", folder, errno);
    std::vector<std::string> names;  // sorted as text: paths are compared piece by piece
    for (;;) {
      errno = 0;
      const ::dirent* entry = ::readdir(handle.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) fail_call("readdir", folder, errno);
    std::sort(names.begin(), names.end());
    std::vector<fs::path> entries;
    entries.reserve(names.size());
    for (const std::string& name : names) entries.push_back(folder / name);
    return entries;
  }

  void make_folder(const fs::path& folder) override {
    if (::mkdir(folder.c_str(), 0700) == 0) {
      if (::chmod(folder.c_str(), 0700) != 0) fail_call("chmod", folder, errno);
      sync_folder_or_throw(folder_of(folder));
      return;
    }
    const int error = errno;
    // Some systems (/proc) answer ENOENT below a folder that exists: only a missing one is made.
    if (error == ENOENT && folder.has_parent_path() && folder.parent_path() != folder &&
        !stat(folder.parent_path())) {
      make_folder(folder.parent_path());
      return make_folder(folder);
    }
    const auto existing = stat(folder);
    if (error != EEXIST || !existing || !existing->is_folder) fail_call("mkdir", folder, error);
  }

  void sync_folder(const fs::path& folder) override { sync_folder_or_throw(folder); }

  std::int64_t free_bytes(const fs::path& folder) override {
    struct ::statvfs status {};
    if (uninterrupted([&] { return ::statvfs(folder.c_str(), &status); }) != 0)
      fail_call("statvfs", folder, errno);
    return static_cast<std::int64_t>(status.f_bavail * status.f_frsize);
  }

  void drop_page_cache(const fs::path& path) override {
    const Descriptor fd = open_or_throw(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, "open");
    const int error = ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    if (error != 0) fail_call("posix_fadvise", path, error);
  }

 private:
  std::atomic<std::uint64_t> next_name_{0};
};

}  // namespace

FileSystem& FileSystem::posix() {
  static PosixFileSystem files;
  return files;
}

}  // namespace kvlink
