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

/// Order in which blocks run, and the threads of a block between two barriers. Results that depend
/// on it show a missing barrier, or blocks that disturb each other. kShuffled goes on with another
/// thread after every meeting. Copies beside the arithmetic are done at once in kAscending, else as
/// late as they may be.
enum class Order { kAscending, kDescending, kShuffled };
void set_order(Order order);

/// Calls body(context) once for every thread of every block. Blocks run one behind the other; one
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
/// A copy that is done by the wait that stands for it.
void copy_later(void* to, const void* from, std::size_t bytes);
void commit_copies();
/// Until at most n_pending committed groups of this thread are not done.
void wait_for_copies(int n_pending);

}  // namespace simt
