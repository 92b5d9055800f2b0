// SPDX-License-Identifier: Apache-2.0
#include "tests/support/heap_peak.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> in_use{0};
std::atomic<std::size_t> peak{0};

void* allocate(std::size_t n) {
  void* memory = std::malloc(n == 0 ? 1 : n);
  if (memory == nullptr) throw std::bad_alloc();
  const std::size_t now = in_use += ::malloc_usable_size(memory);
  if (now > peak) peak = now;
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  in_use -= ::malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t n) { return allocate(n); }
void* operator new[](std::size_t n) { return allocate(n); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  try {
    return allocate(n);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t n, const std::nothrow_t& tag) noexcept {
  return operator new(n, tag);
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace kvlink::tests {

HeapPeak::HeapPeak() : start_(in_use) { peak = in_use.load(); }

std::size_t HeapPeak::bytes() const { return peak > start_ ? peak - start_ : 0; }

}  // namespace kvlink::tests
