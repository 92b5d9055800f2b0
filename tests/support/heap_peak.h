// SPDX-License-Identifier: Apache-2.0
// How much heap a piece of code needs at most. Link heap_peak.cpp into the program: it replaces
// operator new.
#pragma once

#include <cstddef>

namespace kvlink::tests {

/// Measures from construction: bytes that operator new had handed out at the worst moment beyond
/// what was in use at the start. One at a time; single-threaded tests.
class HeapPeak {
 public:
  HeapPeak();
  std::size_t bytes() const;

 private:
  std::size_t start_;
};

}  // namespace kvlink::tests
