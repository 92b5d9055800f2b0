// SPDX-License-Identifier: Apache-2.0
// Owner of host memory: 64-byte aligned, zeroed, huge pages asked for when large and used densely.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kvlink {

/// What a large buffer is backed by. kSmall for one that is touched here and there: a huge page is
/// cleared whole by its first touch.
enum class Pages { kHuge, kSmall };

/// Move-only. Anonymous memory; the kernel gives zeroed pages. Throws kOutOfMemory.
class HostBuffer {
 public:
  HostBuffer() = default;
  explicit HostBuffer(std::int64_t n_bytes, Pages pages = Pages::kHuge);
  HostBuffer(HostBuffer&& other) noexcept;
  HostBuffer& operator=(HostBuffer&& other) noexcept;
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;
  ~HostBuffer();

  std::int64_t size() const { return n_bytes_; }
  std::span<std::byte> bytes() { return {data_, static_cast<std::size_t>(n_bytes_)}; }
  std::span<const std::byte> bytes() const { return {data_, static_cast<std::size_t>(n_bytes_)}; }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  std::int64_t n_bytes_ = 0;
};

}  // namespace kvlink
