// SPDX-License-Identifier: Apache-2.0
#include "cache/block_arena.h"

#include <algorithm>
#include <numeric>

#include "kernels/base/result.h"

namespace kvlink::cache {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kHugePage = std::int64_t{2} << 20;

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

BlockArena::Slab::Slab(std::int64_t size) : buffer(size + kHugePage), n_bytes(size) {
  const auto address = reinterpret_cast<std::uintptr_t>(buffer.as<std::byte>());
  base = buffer.as<std::byte>() + (kHugePage - static_cast<std::int64_t>(address % kHugePage));
  free.push_back({0, size});
}

/// The first gap that is large enough; false when none is.
bool BlockArena::Slab::cut(std::int64_t wanted, Extent& cut) {
  const auto gap = std::find_if(free.begin(), free.end(), [&](const Extent& extent) {
    return extent.end - extent.begin >= wanted;
  });
  if (gap == free.end()) return false;
  const auto index = gap - free.begin();
  // Giving back must not need memory.
  free.reserve(static_cast<std::size_t>(n_taken) + 3);
  Extent& from = free[static_cast<std::size_t>(index)];
  cut = {from.begin, from.begin + wanted};
  from.begin = cut.end;
  if (from.begin == from.end) free.erase(free.begin() + index);
  ++n_taken;
  return true;
}

void BlockArena::Slab::join(Extent extent) {
  --n_taken;
  auto next = std::find_if(free.begin(), free.end(),
                           [&](const Extent& gap) { return gap.begin >= extent.end; });
  if (next != free.end() && next->begin == extent.end) {
    extent.end = next->end;
    next = free.erase(next);
  }
  if (next != free.begin() && (next - 1)->end == extent.begin) {
    (next - 1)->end = extent.end;
  } else {
    free.insert(next, extent);
  }
}

std::shared_ptr<std::byte> BlockArena::take(std::int64_t n_bytes) {
  KVLINK_CHECK(n_bytes > 0);
  const std::int64_t wanted = round_up(n_bytes, kPage);
  Extent extent;
  Slab* from = nullptr;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& slab : slabs_) {
      if (!slab->cut(wanted, extent)) continue;
      from = slab.get();
      break;
    }
    if (from == nullptr) {
      slabs_.push_back(std::make_unique<Slab>(std::max(kSlabBytes, round_up(wanted, kHugePage))));
      from = slabs_.back().get();
      from->cut(wanted, extent);
    }
  }
  // Should the pointer's own memory be refused, it calls this for us.
  return {from->base + extent.begin, [arena = shared_from_this(), from, extent](std::byte*) {
            arena->give_back(from, extent);
          }};
}

void BlockArena::give_back(Slab* slab, Extent extent) {
  std::unique_ptr<Slab> surplus;  // unmapped after the lock
  const std::lock_guard lock(mutex_);
  slab->join(extent);
  const std::int64_t idle = std::accumulate(
      slabs_.begin(), slabs_.end(), std::int64_t{0}, [](std::int64_t sum, const auto& other) {
        return sum + (other->n_taken == 0 ? other->n_bytes : 0);
      });
  if (slab->n_taken > 0 || idle <= kIdleBytes) return;
  const auto found = std::find_if(slabs_.begin(), slabs_.end(),
                                  [&](const auto& other) { return other.get() == slab; });
  surplus = std::move(*found);
  slabs_.erase(found);
}

std::int64_t BlockArena::size_bytes() const {
  const std::lock_guard lock(mutex_);
  return std::accumulate(slabs_.begin(), slabs_.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& slab) { return sum + slab->n_bytes; });
}

}  // namespace kvlink::cache
