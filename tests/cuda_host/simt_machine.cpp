// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_host/simt_machine.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#include "tests/cuda_host/include/cuda_runtime.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace simt {
namespace {

constexpr unsigned kLanes = 32;
constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::size_t kMostThreads = 1024;

[[noreturn]] void give_up(const char* reason) {
  std::fprintf(stderr, "kernel on the host: %s (block %u %u %u, thread %u)\n", reason, blockIdx.x,
               blockIdx.y, blockIdx.z, threadIdx.x);
  std::abort();
}

// Switching stacks. ------------------------------------------------------------------------------

#if defined(__x86_64__)
extern "C" void simt_switch_stack(void** save, void* to);
asm(R"(
.text
.globl simt_switch_stack
.hidden simt_switch_stack
.type simt_switch_stack, @function
simt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch_stack, .-simt_switch_stack
)");

struct Stack {
  void* at = nullptr;
  void begin(std::byte* memory, void (*entry)()) {
    auto** top = reinterpret_cast<void**>(memory + kStackBytes);
    *--top = nullptr;  // keeps the stack aligned as after a call
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; ++i) *--top = nullptr;
    at = top;
  }
  void switch_to(Stack& other) { simt_switch_stack(&at, other.at); }
};
#else
struct Stack {
  ucontext_t context;
  void begin(std::byte* memory, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = memory;
    context.uc_stack.ss_size = kStackBytes;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
  }
  void switch_to(Stack& other) { swapcontext(&context, &other.context); }
};
#endif

enum class State { kReady, kAtWarp, kAtBlock, kDone };

struct LateCopy {
  void* to;
  const void* from;
  std::size_t bytes;
  int group;
};

struct Fiber {
  Stack stack;
  std::vector<LateCopy> copies;
  int n_groups = 0;  // committed
  std::byte* memory = nullptr;
  void* shadow = nullptr;  // AddressSanitizer's stack of this fiber
  uint3 index;
  State state = State::kDone;
};

struct Warp {
  alignas(16) std::byte slots[2][kLanes * kSlotBytes] = {};
  unsigned arrived = 0;
  unsigned generation = 0;
};

struct Machine {
  std::mutex one_launch;
  Order order = Order::kAscending;
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Stack scheduler;
  void* scheduler_shadow = nullptr;
  const void* scheduler_bottom = nullptr;
  std::size_t scheduler_size = 0;
  std::size_t current = 0;
  std::size_t n_threads = 0;
  void (*body)(void*) = nullptr;
  void* context = nullptr;
  std::unique_ptr<std::byte[]> shared;
  std::mt19937 random{1};
  int or_collected = 0;
  int or_result = 0;
};

Machine& machine() {
  static Machine m;
  return m;
}

void before_switch([[maybe_unused]] void** shadow, [[maybe_unused]] const void* bottom,
                   [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(shadow, bottom, size);
#endif
}
void after_switch([[maybe_unused]] void* shadow, [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] std::size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(shadow, bottom, size);
#endif
}

/// From the running fiber to the scheduler; returns when the scheduler runs the fiber again.
void leave(Fiber& fiber) {
  Machine& m = machine();
  const bool ends = fiber.state == State::kDone;
  before_switch(ends ? nullptr : &fiber.shadow, m.scheduler_bottom, m.scheduler_size);
  fiber.stack.switch_to(m.scheduler);
  after_switch(fiber.shadow, nullptr, nullptr);
}

void fiber_main() {
  Machine& m = machine();
  after_switch(nullptr, &m.scheduler_bottom, &m.scheduler_size);
  m.body(m.context);
  Fiber& fiber = m.fibers[m.current];
  fiber.state = State::kDone;
  leave(fiber);
  std::abort();  // nobody runs a fiber that is done
}

void enter(std::size_t i) {
  Machine& m = machine();
  Fiber& fiber = m.fibers[i];
  m.current = i;
  threadIdx = fiber.index;
  before_switch(&m.scheduler_shadow, fiber.memory, kStackBytes);
  m.scheduler.switch_to(fiber.stack);
  after_switch(m.scheduler_shadow, nullptr, nullptr);
}

/// Runs a warp's lanes until none of them can go on; whether any could.
bool run_warp(std::size_t warp) {
  Machine& m = machine();
  bool any = false;
  for (bool again = true; again;) {
    again = false;
    for (unsigned i = 0; i < kLanes; ++i) {
      const unsigned lane = m.order == Order::kAscending ? i : kLanes - 1 - i;
      const std::size_t thread = warp * kLanes + lane;
      if (m.fibers[thread].state != State::kReady) continue;
      enter(thread);
      again = any = true;
    }
  }
  return any;
}

/// Runs ready threads of all warps, in another order at every pass, until none is ready.
void run_shuffled() {
  Machine& m = machine();
  std::vector<std::size_t> ready;
  do {
    ready.clear();
    for (std::size_t i = 0; i < m.n_threads; ++i) {
      if (m.fibers[i].state == State::kReady) ready.push_back(i);
    }
    std::shuffle(ready.begin(), ready.end(), m.random);
    for (const std::size_t i : ready) enter(i);
  } while (!ready.empty());
}

void release_block_barrier() {
  Machine& m = machine();
  std::size_t n_waiting = 0;
  std::size_t n_done = 0;
  for (std::size_t i = 0; i < m.n_threads; ++i) {
    n_waiting += m.fibers[i].state == State::kAtBlock ? 1 : 0;
    n_done += m.fibers[i].state == State::kDone ? 1 : 0;
  }
  if (n_done == m.n_threads) return;
  if (n_waiting + n_done < m.n_threads) give_up("lanes of a warp wait at different places");
  if (n_done > 0) give_up("a barrier is not reached by every thread of the block");
  m.or_result = m.or_collected;
  m.or_collected = 0;
  for (std::size_t i = 0; i < m.n_threads; ++i) m.fibers[i].state = State::kReady;
}

bool all_done() {
  Machine& m = machine();
  for (std::size_t i = 0; i < m.n_threads; ++i) {
    if (m.fibers[i].state != State::kDone) return false;
  }
  return true;
}

void run_block(Index block) {
  Machine& m = machine();
  for (std::size_t i = 0; i < m.n_threads; ++i) {
    Fiber& fiber = m.fibers[i];
    const auto t = static_cast<unsigned>(i);
    fiber.index = {t % block.x, t / block.x % block.y, t / block.x / block.y};
    fiber.state = State::kReady;
    fiber.copies.clear();
    fiber.n_groups = 0;
    fiber.stack.begin(fiber.memory, fiber_main);
  }
  m.warps.assign(m.n_threads / kLanes, Warp{});
  while (!all_done()) {
    const std::size_t n = m.warps.size();
    if (m.order == Order::kShuffled) {
      run_shuffled();
      release_block_barrier();
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) run_warp(m.order == Order::kAscending ? i : n - 1 - i);
    release_block_barrier();
  }
}

void prepare_fibers() {
  Machine& m = machine();
  if (!m.fibers.empty()) return;
  m.fibers.resize(kMostThreads);
  void* memory = mmap(nullptr, kMostThreads * kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) give_up("no memory for the threads' stacks");
  for (std::size_t i = 0; i < kMostThreads; ++i) {
    m.fibers[i].memory = static_cast<std::byte*>(memory) + i * kStackBytes;
  }
}

}  // namespace

void set_order(Order order) { machine().order = order; }

void run(Index grid, Index block, std::size_t n_dynamic_shared, void (*body)(void*),
         void* context) {
  Machine& m = machine();
  const std::lock_guard lock(m.one_launch);
  prepare_fibers();
  m.n_threads = std::size_t{block.x} * block.y * block.z;
  if (m.n_threads == 0 || m.n_threads > kMostThreads || m.n_threads % kLanes != 0) {
    give_up("blocks must be whole warps, at most 1,024 threads");
  }
  m.body = body;
  m.context = context;
  blockDim = {block.x, block.y, block.z};
  gridDim = {grid.x, grid.y, grid.z};
  std::vector<std::uint64_t> blocks(std::uint64_t{grid.x} * grid.y * grid.z);
  std::iota(blocks.begin(), blocks.end(), std::uint64_t{0});
  if (m.order == Order::kDescending) std::reverse(blocks.begin(), blocks.end());
  if (m.order == Order::kShuffled) std::shuffle(blocks.begin(), blocks.end(), m.random);
  for (const std::uint64_t i : blocks) {
    blockIdx = {static_cast<unsigned>(i % grid.x), static_cast<unsigned>(i / grid.x % grid.y),
                static_cast<unsigned>(i / grid.x / grid.y)};
    // Its own allocation of the exact size, full of NaN: a read past it or before a write shows.
    m.shared.reset(new std::byte[n_dynamic_shared + 1]);
    std::memset(m.shared.get(), 0xFF, n_dynamic_shared);
    run_block(block);
  }
  m.shared.reset();
}

std::byte* dynamic_shared() { return machine().shared.get(); }

void sync_threads() { sync_threads_or(0); }

int sync_threads_or(int value) {
  Machine& m = machine();
  Fiber& fiber = m.fibers[m.current];
  m.or_collected |= value != 0 ? 1 : 0;
  fiber.state = State::kAtBlock;
  leave(fiber);
  return m.or_result;
}

Lanes meet_lanes(const void* mine, std::size_t bytes) {
  Machine& m = machine();
  Fiber& fiber = m.fibers[m.current];
  const std::size_t first = m.current / kLanes * kLanes;
  Warp& warp = m.warps[m.current / kLanes];
  // Two sets of slots in turn: whoever comes to the next meeting has read what it wanted of the
  // one before the last.
  std::byte* slots = warp.slots[warp.generation % 2];
  if (bytes > 0) std::memcpy(slots + m.current % kLanes * kSlotBytes, mine, bytes);
  if (++warp.arrived < kLanes) {
    fiber.state = State::kAtWarp;
    leave(fiber);
  } else {
    warp.arrived = 0;
    ++warp.generation;
    for (std::size_t i = first; i < first + kLanes; ++i) {
      if (m.fibers[i].state == State::kAtWarp) m.fibers[i].state = State::kReady;
    }
  }
  return {slots};
}

unsigned lane() { return static_cast<unsigned>(machine().current % kLanes); }

void copy_later(void* to, const void* from, std::size_t bytes) {
  Machine& m = machine();
  if (m.order == Order::kAscending) {
    std::memcpy(to, from, bytes);
    return;
  }
  Fiber& fiber = m.fibers[m.current];
  fiber.copies.push_back({to, from, bytes, fiber.n_groups});
}

void commit_copies() {
  Machine& m = machine();
  ++m.fibers[m.current].n_groups;
}

void wait_for_copies(int n_pending) {
  Machine& m = machine();
  Fiber& fiber = m.fibers[m.current];
  std::erase_if(fiber.copies, [&](const LateCopy& copy) {
    if (copy.group >= fiber.n_groups - n_pending) return false;
    std::memcpy(copy.to, copy.from, copy.bytes);
    return true;
  });
}

}  // namespace simt
