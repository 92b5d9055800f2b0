// SPDX-License-Identifier: Apache-2.0
// A file of blocks, and how fast it comes back.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::tests {

inline double milliseconds(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

/// Gone with its owner. Throws kIo.
class BlockFile {
 public:
  explicit BlockFile(std::string path)
      : path_(std::move(path)), file_(::open(path_.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0600)) {
    if (file_ < 0) fail(ErrorCode::kIo, "cannot write " + path_);
  }
  BlockFile(BlockFile&& other) noexcept
      : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), size_(other.size_) {}
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;
  ~BlockFile() {
    if (file_ < 0) return;
    ::close(file_);
    ::unlink(path_.c_str());
  }

  void append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(file_, bytes.data(), bytes.size());
      if (n <= 0) fail(ErrorCode::kIo, "cannot write " + path_);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      size_ += n;
    }
  }
  void flush() const { ::fsync(file_); }
  /// Out of the page cache.
  void forget() const { ::posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED); }
  std::int64_t size() const { return size_; }

  /// Reads the file into the parts, one thread each; milliseconds.
  double read(const std::vector<std::span<std::byte>>& parts) const {
    const auto begin = std::chrono::steady_clock::now();
    read_parts(file_, parts);
    return milliseconds(begin);
  }

  /// What the disk gives when nothing is in between: direct reads of 4 MiB by eight threads. 0
  /// where the file system has no such reads.
  double direct_gb_per_s() const {
    forget();
    const int direct = ::open(path_.c_str(), O_RDONLY | O_DIRECT);
    if (direct < 0) return 0.0;
    constexpr std::int64_t kThreads = 8;
    constexpr std::int64_t kPiece = std::int64_t{4} << 20;
    const std::int64_t n_pieces = size_ / kPiece;
    std::vector<std::int64_t> read(kThreads);
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> readers;
    for (std::int64_t t = 0; t < kThreads; ++t) {
      readers.emplace_back([=, &read] {
        const std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(4096, kPiece),
                                                                 &std::free);
        for (std::int64_t i = t; i < n_pieces; i += kThreads) {
          const ssize_t n = ::pread(direct, memory.get(), kPiece, i * kPiece);
          if (n <= 0) break;
          read[static_cast<std::size_t>(t)] += n;
        }
      });
    }
    for (std::thread& reader : readers) reader.join();
    const double ms = milliseconds(begin);
    ::close(direct);
    std::int64_t all = 0;
    for (const std::int64_t n : read) all += n;
    return static_cast<double>(all) / ms / 1e6;
  }

 private:
  static void read_parts(int file, const std::vector<std::span<std::byte>>& parts) {
    std::int64_t offset = 0;
    std::vector<std::thread> readers;
    for (const auto bytes : parts) {
      readers.emplace_back([file, bytes, offset] {
        for (std::size_t at = 0; at < bytes.size();) {
          const ssize_t n = ::pread(file, bytes.data() + at, bytes.size() - at,
                                    offset + static_cast<std::int64_t>(at));
          if (n <= 0) break;
          at += static_cast<std::size_t>(n);
        }
      });
      offset += std::ssize(bytes);
    }
    for (std::thread& reader : readers) reader.join();
  }

  std::string path_;
  int file_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace kvlink::tests
