// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "kernels/cpu/cpu_backend.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::kernels {
namespace {

TEST(QuotaCores, AreTheLeastOfAGroupAndThoseAboveIt) {
  const kvlink::tests::TemporaryFolder folder;
  const std::filesystem::path& root = folder.path();
  std::filesystem::create_directories(root / "user.slice/app.scope");
  const auto write = [&](const char* group, const char* text) {
    std::ofstream(root / group / "cpu.max") << text;
  };
  EXPECT_GE(quota_cores(root, "/user.slice/app.scope"), 65536);
  write("user.slice", "300000 100000\n");
  EXPECT_EQ(quota_cores(root, "/user.slice/app.scope"), 3);
  write("user.slice/app.scope", "max 100000\n");
  EXPECT_EQ(quota_cores(root, "/user.slice/app.scope/"), 3);
  write("user.slice/app.scope", "20000 100000\n");
  EXPECT_EQ(quota_cores(root, "/user.slice/app.scope"), 1);
  EXPECT_EQ(quota_cores(root, "/user.slice"), 3);
  EXPECT_GE(quota_cores(root, "/"), 65536);
  write("", "200000 100000\n");
  EXPECT_EQ(quota_cores(root, "/"), 2);
  EXPECT_EQ(quota_cores(root, "/user.slice"), 2);
  write("", "nonsense");
  EXPECT_GE(quota_cores(root, "/"), 65536);
}

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (const int n_threads : {1, 2, 3, 8}) {
    ThreadPool pool(n_threads);
    EXPECT_EQ(pool.n_threads(), n_threads);
    for (const std::int64_t n_tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(n_tasks));
      std::atomic<bool> worker_in_range{true};
      pool.parallel_for(n_tasks, [&](std::int64_t task, int worker) {
        ++runs[static_cast<std::size_t>(task)];
        if (worker < 0 || worker >= n_threads) worker_in_range = false;
      });
      for (const auto& count : runs) EXPECT_EQ(count, 1);
      EXPECT_TRUE(worker_in_range);
    }
  }
}

/// Results of one loop are complete before the next begins, however often that happens.
TEST(ThreadPool, LoopsFollowEachOtherWithoutOverlap) {
  ThreadPool pool(4);
  std::vector<std::int64_t> values(64, 0);
  for (std::int64_t round = 1; round <= 5000; ++round) {
    pool.parallel_for(64, [&](std::int64_t task, int) {
      auto& value = values[static_cast<std::size_t>(task)];
      value = value == round - 1 ? round : -1;
    });
  }
  for (const std::int64_t value : values) EXPECT_EQ(value, 5000);
}

TEST(ThreadPool, WorkersSleepAndWakeAgain) {
  ThreadPool pool(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> count{0};
    pool.parallel_for(100, [&](std::int64_t, int) { ++count; });
    EXPECT_EQ(count, 100);
  }
}

TEST(ThreadPool, IdleWorkersUseNoProcessor) {
  ThreadPool pool(3);
  pool.parallel_for(10, [](std::int64_t, int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto processor_seconds = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  // Two spinning workers would use 0.6 s.
  EXPECT_LT(processor_seconds() - before, 0.1);
}

TEST(ThreadPool, EachWorkerHasItsOwnScratch) {
  ThreadPool pool(3);
  pool.reserve_scratch(1000);
  pool.reserve_shared_scratch(10);
  for (int worker = 0; worker < 3; ++worker) {
    ASSERT_NE(pool.scratch(worker), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pool.scratch(worker)) % 64, 0U);
    EXPECT_NE(pool.scratch(worker), pool.scratch((worker + 1) % 3));
    EXPECT_NE(pool.scratch(worker), pool.shared_scratch());
  }
  float* kept = pool.scratch(1);
  pool.reserve_scratch(500);
  EXPECT_EQ(pool.scratch(1), kept);
}

TEST(CpuBackend, HonoursItsOptions) {
  CpuBackend scalar({.n_threads = 3, .max_isa = Isa::kScalar});
  EXPECT_EQ(scalar.isa(), Isa::kScalar);
  EXPECT_EQ(scalar.n_threads(), 3);
  EXPECT_NE(scalar.describe().find("scalar, 3 threads"), std::string::npos);
  CpuBackend widest({.n_threads = 1});
  EXPECT_EQ(widest.isa(), detect_isa());
  EXPECT_NE(widest.describe().find("1 thread"), std::string::npos);
  CpuBackend automatic({});
  EXPECT_EQ(automatic.n_threads(), granted_cores());
  EXPECT_GE(automatic.n_threads(), 1);
}

}  // namespace
}  // namespace kvlink::kernels
