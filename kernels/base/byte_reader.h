// SPDX-License-Identifier: Apache-2.0
// The one bounded reader for bytes from outside: every read is checked, nothing aborts.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "kernels/base/result.h"

namespace kvlink {

/// Products and sums of sizes from a file; overflow is kCorrupt, named by `what`.
inline std::uint64_t checked_mul(std::uint64_t a, std::uint64_t b, std::string_view what) {
  std::uint64_t r = 0;
  if (__builtin_mul_overflow(a, b, &r))
    fail(ErrorCode::kCorrupt, std::string(what) + ": size overflows");
  return r;
}
inline std::uint64_t checked_add(std::uint64_t a, std::uint64_t b, std::string_view what) {
  std::uint64_t r = 0;
  if (__builtin_add_overflow(a, b, &r))
    fail(ErrorCode::kCorrupt, std::string(what) + ": size overflows");
  return r;
}

/// Little-endian cursor over borrowed bytes. Throws Exception(kCorrupt) naming `source`, the field
/// and the offset; never reads past the end. Not thread-safe.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string source)
      : bytes_(bytes), source_(std::move(source)) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t remaining() const { return bytes_.size() - offset_; }
  const std::string& source() const { return source_; }

  template <typename T>
  requires std::is_trivially_copyable_v<T> T read(std::string_view field) {
    T value;
    std::memcpy(&value, take(sizeof(T), field).data(), sizeof(T));
    return value;
  }

  /// The next n bytes, borrowed.
  std::span<const std::byte> take(std::uint64_t n, std::string_view field) {
    if (n > remaining()) {
      corrupt(std::string(field) + " needs " + std::to_string(n) + " bytes, " +
              std::to_string(remaining()) + " are left");
    }
    auto piece = bytes_.subspan(offset_, n);
    offset_ += n;
    return piece;
  }

  /// A count of elements of at least `element_bytes` each: rejected when the rest of the input
  /// cannot hold them, before anything is allocated.
  std::uint64_t checked_count(std::uint64_t n, std::uint64_t element_bytes,
                              std::string_view field) {
    if (element_bytes != 0 && n > remaining() / element_bytes) {
      corrupt(std::string(field) + " claims " + std::to_string(n) +
              " entries, more than the file holds");
    }
    return n;
  }

  void seek(std::uint64_t offset, std::string_view field) {
    if (offset > bytes_.size()) corrupt(std::string(field) + " points past the end");
    offset_ = offset;
  }

  [[noreturn]] void corrupt(std::string detail) const {
    fail(ErrorCode::kCorrupt,
         source_ + " is damaged at byte " + std::to_string(offset_) + ": " + std::move(detail));
  }

 private:
  std::span<const std::byte> bytes_;
  std::string source_;
  std::uint64_t offset_ = 0;
};

}  // namespace kvlink
