// SPDX-License-Identifier: Apache-2.0
// A FileSystem that fails on purpose: the n-th call, once or ever after.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "kernels/base/file_system.h"

namespace kvlink::tests {

enum class Fault {
  kIoError,           ///< the call does nothing and reports EIO
  kDiskFull,          ///< the call does nothing and reports ENOSPC
  kShortWrite,        ///< a write writes half and reports ENOSPC; another call as kDiskFull
  kIoErrorAfterwards  ///< the call does its work and reports EIO all the same
};
enum class Times { kOnce, kEverAfter };

/// Counts every call, those on its open and pending files included. Thread-safe.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(FileSystem& base = FileSystem::posix()) : base_(base) {}

  /// Call number `nth` from now (1: the next) fails.
  void fail_call(std::int64_t nth, Fault fault, Times times);
  void heal() { first_failing_ = kNever; }
  /// Runs once, inside the next read of an open file, before its bytes are read.
  void during_next_read(std::function<void()> work) { during_read_ = std::move(work); }
  std::int64_t n_calls() const { return n_calls_; }
  /// Calls that failed since the last fail_call.
  std::int64_t n_failed() const { return n_failed_; }

  std::unique_ptr<PendingFile> create(const std::filesystem::path& path,
                                      std::int64_t expected_bytes) override;
  std::unique_ptr<ReadableFile> open(const std::filesystem::path& path) override;
  std::optional<FileStat> stat(const std::filesystem::path& path) override;
  void remove(const std::filesystem::path& path) override;
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  std::vector<std::filesystem::path> list(const std::filesystem::path& folder) override;
  void make_folder(const std::filesystem::path& folder) override;
  void sync_folder(const std::filesystem::path& folder) override;
  std::int64_t free_bytes(const std::filesystem::path& folder) override;
  void drop_page_cache(const std::filesystem::path& path) override;

 private:
  class Pending;
  class Readable;
  static constexpr std::int64_t kNever = INT64_MAX;

  /// Whether the call that begins here fails; counts it.
  bool is_failing();
  [[noreturn]] void report(const char* call) const;
  /// Runs `work`, or fails in its place or after it.
  template <typename Work>
  auto call(const char* name, Work&& work);

  FileSystem& base_;
  std::function<void()> during_read_;
  std::atomic<std::int64_t> n_calls_{0};
  std::atomic<std::int64_t> n_failed_{0};
  std::atomic<std::int64_t> first_failing_{kNever};
  std::atomic<Fault> fault_{Fault::kIoError};
  std::atomic<Times> times_{Times::kOnce};
};

}  // namespace kvlink::tests
