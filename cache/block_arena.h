// SPDX-License-Identifier: Apache-2.0
// Memory that blocks are read into: huge pages, touched once and used again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels/base/buffer.h"

namespace kvlink::cache {

/// The first touch of a page costs several times what reading into it does, so a block that leaves
/// memory leaves its pages to the next one. Lives on as long as memory taken from it. Thread-safe.
class BlockArena : public std::enable_shared_from_this<BlockArena> {
 public:
  static constexpr std::int64_t kSlabBytes = std::int64_t{32} << 20;
  /// Held for later where nothing stands in it; what is more goes back to the system.
  static constexpr std::int64_t kIdleBytes = std::int64_t{128} << 20;

  static std::shared_ptr<BlockArena> make() {
    return std::shared_ptr<BlockArena>(new BlockArena());
  }

  /// So many bytes, aligned to 4096, holding anything; they come back with the last pointer to
  /// them. n_bytes > 0. Throws kOutOfMemory, std::bad_alloc.
  std::shared_ptr<std::byte> take(std::int64_t n_bytes);

  /// Of address space asked from the system.
  std::int64_t size_bytes() const;

 private:
  struct Extent {
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };
  struct Slab {
    explicit Slab(std::int64_t n_bytes);
    HostBuffer buffer;
    std::byte* base = nullptr;  // first huge page
    std::int64_t n_bytes = 0;
    std::int64_t n_taken = 0;
    std::vector<Extent> free;  // ascending, apart; room for n_taken + 1
    bool cut(std::int64_t n_bytes, Extent& cut);
    void join(Extent extent);
  };

  BlockArena() = default;
  void give_back(Slab* slab, Extent extent);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Slab>> slabs_;  // guarded by mutex_
};

}  // namespace kvlink::cache
