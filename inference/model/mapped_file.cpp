// SPDX-License-Identifier: Apache-2.0
#include "inference/model/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

[[noreturn]] void fail_system(const std::filesystem::path& path, const char* action) {
  const int error = errno;
  fail(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
       "cannot " + std::string(action) + " " + path.string() + ": " +
           std::generic_category().message(error));
}

std::size_t size_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_system(path, "examine");
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorCode::kIo, path.string() + " is not a regular file; choose a model file");
  }
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_system(path, "open");
  try {
    size_ = size_of(descriptor_, path);
    if (size_ == 0) return;
    void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
    if (address == MAP_FAILED) fail_system(path, "map");
    data_ = static_cast<const std::byte*>(address);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void MappedFile::release_pages() const {
  if (data_ != nullptr) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

void MappedFile::expect_unchanged_size() const {
  if (descriptor_ >= 0 && size_of(descriptor_, path_) != size_) {
    fail(ErrorCode::kCorrupt, path_.string() + " changed its size while it was being read");
  }
}

std::string read_small_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > max_bytes) {
    fail(ErrorCode::kUnsupported, path.string() + " has " + std::to_string(bytes.size()) +
                                      " bytes; at most " + std::to_string(max_bytes) + " are read");
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace kvlink::inference
