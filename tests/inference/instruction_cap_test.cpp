// SPDX-License-Identifier: Apache-2.0
#include "inference/instruction_cap.h"

#include <gtest/gtest.h>

#include "kernels/cpu/isa_limit.h"

namespace kvlink::inference {
namespace {

using kernels::Isa;

TEST(InstructionCap, NamesAreThoseThatTheBackendPrints) {
  for (const Isa isa :
       {Isa::kScalar, Isa::kAvx2, Isa::kAvx2Vnni, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAmxInt8}) {
    EXPECT_EQ(kernels::parse_isa(kernels::isa_name(isa)), isa);
  }
  EXPECT_EQ(kernels::parse_isa("sse2"), std::nullopt);
  EXPECT_EQ(kernels::parse_isa(""), std::nullopt);
}

TEST(InstructionCap, HoldsForEveryBackendOfTheProcessAndNeverRaises) {
  const Isa before = kernels::detect_isa();
  ASSERT_TRUE(cap_instructions("scalar"));
  EXPECT_EQ(kernels::detect_isa(), Isa::kScalar);
  EXPECT_EQ(kernels::CpuBackend({.n_threads = 1}).isa(), Isa::kScalar);
  ASSERT_TRUE(cap_instructions(""));
  EXPECT_EQ(kernels::detect_isa(), Isa::kScalar);
  kernels::limit_isa(before);
  EXPECT_EQ(kernels::detect_isa(), before);
}

TEST(InstructionCap, AnUnknownNameIsRefusedWithTheNamesThereAre) {
  const auto result = cap_instructions("avx1024");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);
  EXPECT_NE(result.error().message.find("avx512_vnni"), std::string::npos);
}

}  // namespace
}  // namespace kvlink::inference
