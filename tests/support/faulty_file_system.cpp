// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_file_system.h"

#include <type_traits>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::tests {

namespace fs = std::filesystem;

void FaultyFileSystem::fail_call(std::int64_t nth, Fault fault, Times times) {
  fault_ = fault;
  times_ = times;
  n_failed_ = 0;
  first_failing_ = n_calls_ + nth;
}

bool FaultyFileSystem::is_failing() {
  const std::int64_t n = ++n_calls_;
  const std::int64_t first = first_failing_;
  const bool fails = n == first || (n > first && times_ == Times::kEverAfter);
  n_failed_ += fails ? 1 : 0;
  return fails;
}

void FaultyFileSystem::report(const char* call) const {
  const bool is_full = fault_ == Fault::kDiskFull || fault_ == Fault::kShortWrite;
  fail(is_full ? ErrorCode::kOutOfMemory : ErrorCode::kIo,
       std::string("injected: ") + call + " failed");
}

template <typename Work>
auto FaultyFileSystem::call(const char* name, Work&& work) {
  if (!is_failing()) return work();
  if (fault_ == Fault::kIoErrorAfterwards) work();
  report(name);
}

class FaultyFileSystem::Pending final : public PendingFile {
 public:
  Pending(FaultyFileSystem& owner, std::unique_ptr<PendingFile> base)
      : owner_(owner), base_(std::move(base)) {}

  void write(std::span<const std::byte> bytes) override {
    if (!owner_.is_failing()) return base_->write(bytes);
    if (owner_.fault_ == Fault::kShortWrite) base_->write(bytes.first(bytes.size() / 2));
    if (owner_.fault_ == Fault::kIoErrorAfterwards) base_->write(bytes);
    owner_.report("write");
  }
  void sync() override {
    owner_.call("fdatasync", [&] { base_->sync(); });
  }
  void publish() override {
    owner_.call("rename", [&] { base_->publish(); });
  }
  void sync_folder() override {
    owner_.call("fsync folder", [&] { base_->sync_folder(); });
  }

 private:
  FaultyFileSystem& owner_;
  std::unique_ptr<PendingFile> base_;
};

class FaultyFileSystem::Readable final : public ReadableFile {
 public:
  Readable(FaultyFileSystem& owner, std::unique_ptr<ReadableFile> base)
      : owner_(owner), base_(std::move(base)) {}

  std::int64_t size() const override { return base_->size(); }
  void read(std::int64_t offset, std::span<std::byte> out) override {
    if (const auto work = std::exchange(owner_.during_read_, nullptr)) work();
    owner_.call("pread", [&] { base_->read(offset, out); });
  }

 private:
  FaultyFileSystem& owner_;
  std::unique_ptr<ReadableFile> base_;
};

std::unique_ptr<PendingFile> FaultyFileSystem::create(const fs::path& path,
                                                      std::int64_t expected_bytes) {
  return call("create",
              [&] { return std::make_unique<Pending>(*this, base_.create(path, expected_bytes)); });
}

std::unique_ptr<ReadableFile> FaultyFileSystem::open(const fs::path& path) {
  return call("open", [&] { return std::make_unique<Readable>(*this, base_.open(path)); });
}

std::optional<FileStat> FaultyFileSystem::stat(const fs::path& path) {
  return call("stat", [&] { return base_.stat(path); });
}

void FaultyFileSystem::remove(const fs::path& path) {
  call("unlink", [&] { base_.remove(path); });
}

void FaultyFileSystem::rename(const fs::path& from, const fs::path& to) {
  call("rename", [&] { base_.rename(from, to); });
}

std::vector<fs::path> FaultyFileSystem::list(const fs::path& folder) {
  return call("readdir", [&] { return base_.list(folder); });
}

void FaultyFileSystem::make_folder(const fs::path& folder) {
  call("mkdir", [&] { base_.make_folder(folder); });
}

void FaultyFileSystem::sync_folder(const fs::path& folder) {
  call("fsync folder", [&] { base_.sync_folder(folder); });
}

std::int64_t FaultyFileSystem::free_bytes(const fs::path& folder) {
  return call("statvfs", [&] { return base_.free_bytes(folder); });
}

void FaultyFileSystem::drop_page_cache(const fs::path& path) {
  call("posix_fadvise", [&] { base_.drop_page_cache(path); });
}

}  // namespace kvlink::tests
