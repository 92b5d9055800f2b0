// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <new>
#include <set>
#include <string>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kvlink::kernels {
namespace {

constexpr std::uint64_t kClosed = std::uint64_t{1} << 31;
constexpr std::uint64_t kInsideMask = kClosed - 1;
constexpr int kMostThreads = 256;
// About 20 us: longer than the gap between two ops of a forward pass, shorter than anybody's
// patience with a fan.
constexpr int kSpins = 1000;

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

constexpr int kNoQuota = 1 << 16;

/// Whole cores of one group's quota ("max 100000" or "150000 100000").
int cores_of(const std::string& cpu_max_file) {
  std::ifstream file(cpu_max_file);
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return kNoQuota;
  const double cores = std::strtod(quota.c_str(), nullptr) / period;
  return std::max(1, static_cast<int>(std::lround(std::min(cores, double{kNoQuota}))));
}

/// This process's group in the unified hierarchy: "/user.slice/…", or "/" where there is none.
std::string own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return "/";
}

}  // namespace

int quota_cores(const std::string& root, std::string group) {
  int cores = kNoQuota;
  while (true) {
    while (group.ends_with('/')) group.pop_back();
    cores = std::min(cores, cores_of(root + group + "/cpu.max"));
    const std::size_t parent = group.rfind('/');
    if (parent == std::string::npos) return cores;
    group.resize(parent);
  }
}

int granted_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  // Logical processors of one core share the text of their sibling list.
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu);
    std::ifstream file(folder + "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = std::to_string(cpu);
    cores.insert(siblings);
  }
  return std::clamp(static_cast<int>(cores.size()), 1, quota_cores("/sys/fs/cgroup", own_group()));
}

void ThreadPool::FreeAligned::operator()(float* p) const { std::free(p); }

void ThreadPool::Scratch::reserve(std::int64_t n) {
  if (n <= n_floats) return;
  const std::size_t n_bytes = (static_cast<std::size_t>(n) * sizeof(float) + 4095) / 4096 * 4096;
  data.reset();
  n_floats = 0;
  data.reset(static_cast<float*>(std::aligned_alloc(4096, n_bytes)));
  if (!data) throw std::bad_alloc();
  n_floats = n;
}

ThreadPool::ThreadPool(int n_threads) : gate_(kClosed) {
  const int n = std::min(n_threads > 0 ? n_threads : granted_cores(), kMostThreads);
  scratch_.resize(static_cast<std::size_t>(n));
  workers_.reserve(static_cast<std::size_t>(n));
  // Where the system refuses a thread, the pool goes on with those it has.
  try {
    for (int worker = 1; worker < n; ++worker) {
      workers_.emplace_back([this, worker] { work(worker); });
    }
  } catch (const std::system_error&) {
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::reserve_scratch(std::int64_t n_floats) {
  for (Scratch& scratch : scratch_) scratch.reserve(n_floats);
}

void ThreadPool::reserve_shared_scratch(std::int64_t n_floats) {
  shared_scratch_.reserve(n_floats);
}

void ThreadPool::run(std::int64_t n_tasks, TaskFunction function, void* context) {
  if (workers_.empty() || n_tasks <= 1) {
    for (std::int64_t task = 0; task < n_tasks; ++task) function(context, task, 0);
    return;
  }
  function_ = function;
  context_ = context;
  n_tasks_ = n_tasks;
  next_task_.store(0, std::memory_order_relaxed);
  const std::uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
  gate_.store(std::uint64_t{epoch} << 32, std::memory_order_release);
  epoch_.store(epoch, std::memory_order_release);
  epoch_.notify_all();
  take_tasks(0);
  // Who is not inside by now finds the gate closed; who is inside is finishing its last task.
  std::uint64_t gate = gate_.fetch_or(kClosed, std::memory_order_acq_rel);
  for (int spins = 0; (gate & kInsideMask) != 0; ++spins) {
    if (spins < kSpins) {
      pause_briefly();
    } else {
      std::this_thread::yield();
    }
    gate = gate_.load(std::memory_order_acquire);
  }
}

bool ThreadPool::enter(std::uint32_t epoch) {
  std::uint64_t gate = gate_.load(std::memory_order_acquire);
  while ((gate >> 32) == epoch && (gate & kClosed) == 0) {
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) return true;
  }
  return false;
}

void ThreadPool::take_tasks(int worker) {
  while (true) {
    const std::int64_t task = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (task >= n_tasks_) return;
    function_(context_, task, worker);
  }
}

void ThreadPool::work(int worker) {
  std::uint32_t seen = 0;
  while (true) {
    std::uint32_t epoch = epoch_.load(std::memory_order_acquire);
    for (int spins = 0; epoch == seen && spins < kSpins; ++spins) {
      pause_briefly();
      epoch = epoch_.load(std::memory_order_acquire);
    }
    if (epoch == seen) {
      epoch_.wait(seen, std::memory_order_acquire);
      continue;
    }
    seen = epoch;
    if (stopping_.load()) return;
    if (enter(epoch)) {
      take_tasks(worker);
      gate_.fetch_sub(1, std::memory_order_release);
    }
  }
}

}  // namespace kvlink::kernels
