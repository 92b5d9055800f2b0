// SPDX-License-Identifier: Apache-2.0
// Workers of one backend: a parallel loop with a dynamic task counter, and scratch per worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace kvlink::kernels {

/// Physical cores this process may use: CPU affinity, hyper-threads folded, cgroup quota; >= 1.
int granted_cores();
/// The least quota of a group ("/user.slice/…") and those above it, in whole cores, at least 1; a
/// large number where none has one. `root` is where the hierarchy is mounted.
int quota_cores(const std::string& root, std::string group);

/// n_threads - 1 workers plus the calling thread. Workers spin a few microseconds for the next
/// loop and then sleep, so that an idle program uses no CPU. A worker that the system has not
/// scheduled does not hold a loop up: the caller takes the tasks itself.
///
/// parallel_for is for one calling thread at a time; tasks must not throw and must not call it.
class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls fn(task, worker) for each task in [0, n_tasks), worker in [0, n_threads()); returns when
  /// all are done. The caller is worker 0.
  template <typename F>
  void parallel_for(std::int64_t n_tasks, F&& fn) {
    using Body = std::remove_reference_t<F>;
    run(
        n_tasks,
        [](void* context, std::int64_t task, int worker) {
          (*static_cast<Body*>(context))(task, worker);
        },
        const_cast<void*>(static_cast<const void*>(std::addressof(fn))));
  }

  /// Makes scratch(worker) of every worker, and shared_scratch(), at least so many floats. Call
  /// before the loop that uses it, never inside; contents are lost. Throws std::bad_alloc.
  void reserve_scratch(std::int64_t n_floats);
  void reserve_shared_scratch(std::int64_t n_floats);
  float* scratch(int worker) { return scratch_[static_cast<std::size_t>(worker)].data.get(); }
  float* shared_scratch() { return shared_scratch_.data.get(); }

 private:
  using TaskFunction = void (*)(void* context, std::int64_t task, int worker);
  struct FreeAligned {
    void operator()(float* p) const;
  };
  struct Scratch {
    std::unique_ptr<float, FreeAligned> data;
    std::int64_t n_floats = 0;
    void reserve(std::int64_t n);
  };

  void run(std::int64_t n_tasks, TaskFunction function, void* context);
  void work(int worker);
  bool enter(std::uint32_t epoch);
  void take_tasks(int worker);

  // Of the open loop; written while no worker is inside.
  TaskFunction function_ = nullptr;
  void* context_ = nullptr;
  std::int64_t n_tasks_ = 0;

  alignas(64) std::atomic<std::int64_t> next_task_{0};
  /// High half: epoch of the loop. Low half: kClosed, and how many workers are inside.
  alignas(64) std::atomic<std::uint64_t> gate_;
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<bool> stopping_{false};

  std::vector<Scratch> scratch_;
  Scratch shared_scratch_;
  std::vector<std::thread> workers_;
};

}  // namespace kvlink::kernels
