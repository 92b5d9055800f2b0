// SPDX-License-Identifier: Apache-2.0
// A ReadableFile over bytes in memory, for parsers that read files.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "kernels/base/file_system.h"
#include "kernels/base/result.h"

namespace kvlink::tests {

/// Borrows its bytes.
class MemoryFile final : public ReadableFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(bytes_.size()); }
  void read(std::int64_t offset, std::span<std::byte> out) override {
    const auto at = static_cast<std::size_t>(offset);
    if (at > bytes_.size() || out.size() > bytes_.size() - at)
      fail(ErrorCode::kCorrupt, "memory: ends before byte " + std::to_string(at + out.size()));
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace kvlink::tests
