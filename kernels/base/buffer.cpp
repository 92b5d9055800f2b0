// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/buffer.h"

#include <sys/mman.h>

#include <string>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink {

namespace {
constexpr std::int64_t kHugePageBytes = std::int64_t{2} << 20;
}  // namespace

HostBuffer::HostBuffer(std::int64_t n_bytes, Pages pages) : n_bytes_(n_bytes) {
  KVLINK_CHECK(n_bytes >= 0);
  if (n_bytes == 0) return;
  void* p = ::mmap(nullptr, static_cast<std::size_t>(n_bytes), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) {
    n_bytes_ = 0;
    fail(ErrorCode::kOutOfMemory,
         "the system refused " + std::to_string(n_bytes >> 20) + " MiB of memory");
  }
  data_ = static_cast<std::byte*>(p);
  if (n_bytes >= kHugePageBytes) {
    ::madvise(p, static_cast<std::size_t>(n_bytes),
              pages == Pages::kHuge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  }
}

HostBuffer::HostBuffer(HostBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), n_bytes_(std::exchange(other.n_bytes_, 0)) {}

HostBuffer& HostBuffer::operator=(HostBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(n_bytes_, other.n_bytes_);
  return *this;
}

HostBuffer::~HostBuffer() {
  if (data_ != nullptr) ::munmap(data_, static_cast<std::size_t>(n_bytes_));
}

}  // namespace kvlink
