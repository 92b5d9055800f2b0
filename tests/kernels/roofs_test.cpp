// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/roofs.h"

#include <gtest/gtest.h>

namespace kvlink::kernels {
namespace {

TEST(Roofs, JudgesAnOpByTheSetsOfItsSize) {
  const Roofs roofs{.readings = {{1000, 30}, {4000, 20}, {16000, 10}}};
  EXPECT_EQ(roofs.bytes_for(10), 30);
  EXPECT_EQ(roofs.bytes_for(1000), 30);
  EXPECT_NEAR(roofs.bytes_for(2000), 25, 1e-9);
  EXPECT_EQ(roofs.bytes_for(4000), 20);
  EXPECT_NEAR(roofs.bytes_for(8000), 15, 1e-9);
  EXPECT_EQ(roofs.bytes_for(1e12), 10);
  EXPECT_EQ(roofs.memory_bytes(), 10);
}

TEST(Roofs, NeverFallWhenMeasuredAgainAndASmallerSetIsNeverSlower) {
  CpuBackend backend({.n_threads = 2});
  Roofs roofs;
  raise_roofs(backend, roofs);
  const Roofs first = roofs;
  raise_roofs(backend, roofs);
  EXPECT_GT(first.f32_operations, 0);
  EXPECT_GT(first.int8_operations, 0);
  EXPECT_EQ(first.bf16_operations > 0, backend.uses_bf16());
  EXPECT_GE(roofs.f32_operations, first.f32_operations);
  EXPECT_GE(roofs.int8_operations, first.int8_operations);
  ASSERT_EQ(roofs.readings.size(), first.readings.size());
  for (std::size_t i = 0; i < roofs.readings.size(); ++i) {
    EXPECT_GE(roofs.readings[i].bytes, first.readings[i].bytes);
    EXPECT_LE(roofs.readings[i].bytes, roofs.readings[i == 0 ? 0 : i - 1].bytes);
  }
}

}  // namespace
}  // namespace kvlink::kernels
