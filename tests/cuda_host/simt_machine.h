// SPDX-License-Identifier: Apache-2.0
// Runs the body of a kernel on the host: every thread of a block is a fiber, so that barriers and
// warp shuffles work as written.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simt {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

/// Order in which the threads of a block run between two barriers. Results that depend on it show a
/// missing barrier.
enum class Order { kAscending, kDescending };
void set_order(Order order);

/// Calls body(context) once for every thread of every block. Blocks run one after the other; one
/// launch at a time in the process. Aborts, with the reason, when threads of a block or lanes of a
/// warp wait for each other at different places.
void run(Index grid, Index block, std::size_t n_dynamic_shared, void (*body)(void*), void* context);

// For the running thread. ------------------------------------------------------------------------

std::byte* dynamic_shared();
void sync_threads();
int sync_threads_or(int value);
inline constexpr std::size_t kSlotBytes = 48;
/// What every lane handed in, until the lane that reads comes to its next meeting.
struct Lanes {
  const std::byte* slots;
  template <typename T>
  const T& of(unsigned lane) const {
    return *reinterpret_cast<const T*>(slots + lane * kSlotBytes);
  }
};
/// Meets the other lanes of the warp and hands in a copy of `bytes` bytes, at most kSlotBytes.
Lanes meet_lanes(const void* mine, std::size_t bytes);
unsigned lane();

}  // namespace simt
