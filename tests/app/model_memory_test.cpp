// SPDX-License-Identifier: Apache-2.0
// What a model needs in memory, and what there is.
#include "app/model_memory.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace kvlink::app {
namespace {

using tests::TemporaryFolder;
using tests::write_file;

inference::ModelOutline outline_of_8b(DType type = DType::kQ4_0) {
  inference::ModelOutline outline;
  outline.config.n_layers = 32;
  outline.config.n_heads = 32;
  outline.config.n_kv_heads = 8;
  outline.config.head_dim = 128;
  outline.config.model_dim = 4096;
  outline.config.ffn_dim = 14336;
  outline.config.vocab_size = 128256;
  outline.config.context_length = 131072;
  const auto add = [&](std::int64_t rows, std::int64_t cols) {
    outline.matrices.push_back({type, rows, cols});
    outline.weight_bytes += rows * row_bytes(type, cols);
  };
  add(128256, 4096);
  outline.matrices.back().is_looked_up = true;
  outline.matrices.back().is_multiplied = false;
  add(128256, 4096);
  for (int layer = 0; layer < 32; ++layer) {
    for (const std::int64_t rows : {4096, 1024, 1024, 4096, 14336, 14336}) add(rows, 4096);
    add(4096, 14336);
  }
  return outline;
}

TEST(ModelMemory, CountsWeightsContextArenasAndWorkspace) {
  const auto memory = memory_of_model(outline_of_8b(), 1000, DType::kF16);
  constexpr std::int64_t kMatrices = 7'504'658'432;  // but for the embedding
  EXPECT_EQ(memory.packed, kMatrices / 32 * 18) << "4 bits and a scale for each 32";
  EXPECT_EQ(memory.mapped, std::int64_t{128256} * 4096 / 32 * 18) << "rows of the embedding";
  EXPECT_EQ(memory.context, std::int64_t{1000} * 131'072) << "131 kB a token";
  EXPECT_EQ(memory.arenas, 2 * memory.context);
  EXPECT_GT(memory.workspace, 50'000'000);
  EXPECT_LT(memory.workspace, 500'000'000);
  EXPECT_EQ(memory_of_model(outline_of_8b(), 1000, DType::kF32).context, 2 * memory.context);
  EXPECT_EQ(memory_of_model(outline_of_8b(), 1000, DType::kBF16).total(), memory.total());
  const auto small = memory_of_model(outline_of_8b(), 1000, DType::kQ8Kv);
  EXPECT_EQ(small.context, std::int64_t{1000} * 2 * 32 * 8 * (128 + 4)) << "a scale for each row";
  EXPECT_EQ(small.arenas, memory.arenas) << "passages are encoded in f16";
}

TEST(ModelMemory, CountsUnquantisedWeightsAsTheyAre) {
  const auto outline = outline_of_8b(DType::kF16);
  const auto memory = memory_of_model(outline, 1000, DType::kF16);
  EXPECT_EQ(memory.packed, 0);
  EXPECT_EQ(memory.mapped, outline.weight_bytes);
}

TEST(ModelMemory, SuggestsTheTypeThatWouldFit) {
  const auto message = [](std::int64_t available) {
    const auto refused = returning([&] {
      expect_model_fits(outline_of_8b(DType::kF16), 1000, DType::kF16, available, "m.gguf");
    });
    return refused ? std::string() : refused.error().message;
  };
  EXPECT_NE(message(8'000'000'000).find("--type q4_0"), std::string::npos)
      << message(8'000'000'000);
  EXPECT_EQ(message(3'000'000'000).find("--type q4_0"), std::string::npos)
      << message(3'000'000'000);
  EXPECT_NE(message(3'000'000'000).find("smaller model"), std::string::npos);
}

TEST(ModelMemory, SuggestsTheContextThatFits) {
  constexpr std::int64_t kGigabyte = 1'000'000'000;
  const auto outline = outline_of_8b();
  EXPECT_EQ(context_that_fits(outline, DType::kF16, std::nullopt), 131072);
  EXPECT_EQ(context_that_fits(outline, DType::kF16, 100 * kGigabyte), 131072);
  EXPECT_EQ(context_that_fits(outline, DType::kF16, 4 * kGigabyte), 0);
  const auto fitting = context_that_fits(outline, DType::kF16, 8 * kGigabyte);
  EXPECT_GT(fitting, 18'000);
  EXPECT_LT(fitting, 25'500);
  EXPECT_GT(memory_of_model(outline, fitting + 256, DType::kF16).total(), 8 * kGigabyte);
  EXPECT_LE(memory_of_model(outline, fitting, DType::kF16).total(), 8 * kGigabyte);
  expect_model_fits(outline, fitting, DType::kF16, 8 * kGigabyte, "m.gguf");

  const auto too_long =
      returning([&] { expect_model_fits(outline, 131072, DType::kF16, 8 * kGigabyte, "m.gguf"); });
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(too_long.error().message.find("max_context"), std::string::npos);
  EXPECT_NE(too_long.error().message.find("kv_type q8"), std::string::npos);
  EXPECT_GT(context_that_fits(outline, DType::kQ8Kv, 8 * kGigabyte), fitting * 17 / 10);
  const auto in_q8 =
      returning([&] { expect_model_fits(outline, 131072, DType::kQ8Kv, 8 * kGigabyte, "m.gguf"); });
  ASSERT_FALSE(in_q8);
  EXPECT_EQ(in_q8.error().message.find("kv_type"), std::string::npos) << "nothing is smaller";
  const auto too_large =
      returning([&] { expect_model_fits(outline, 1000, DType::kF16, kGigabyte, "m.gguf"); });
  ASSERT_FALSE(too_large);
  EXPECT_NE(too_large.error().message.find("smaller model"), std::string::npos)
      << too_large.error().message;
}

class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory() {
    files_.meminfo = folder_.path() / "meminfo";
    files_.own_cgroup = folder_.path() / "cgroup";
    files_.cgroups = folder_.path() / "groups";
    write_file(files_.meminfo, "MemTotal:  1000 kB\nMemAvailable:   800 kB\nBuffers: 1 kB\n");
  }
  void write_group(const std::string& name, const std::string& file, const std::string& text) {
    std::filesystem::create_directories(files_.cgroups / name);
    write_file(files_.cgroups / name / file, text);
  }

  TemporaryFolder folder_;
  MemoryFiles files_;
};

TEST_F(AvailableMemory, IsTheSystemsWithoutGroups) {
  EXPECT_EQ(available_memory(files_), 800 * 1024);
  std::filesystem::remove(files_.meminfo);
  EXPECT_EQ(available_memory(files_), std::nullopt);
}

TEST_F(AvailableMemory, IsWhatTheTightestGroupLeaves) {
  write_file(files_.own_cgroup, "0::/user/app\n");
  write_group("user", "memory.max", "300000\n");
  write_group("user", "memory.current", "100000\n");
  write_group("user/app", "memory.max", "max\n");
  write_group("user/app", "memory.current", "90000\n");
  EXPECT_EQ(available_memory(files_), 200'000);
  write_group("user", "memory.stat", "anon 5\ninactive_file 60000\n");
  EXPECT_EQ(available_memory(files_), 260'000) << "page cache makes room";
  write_group("user/app", "memory.max", "50000\n");
  EXPECT_EQ(available_memory(files_), 0);
}

TEST_F(AvailableMemory, KnowsGroupsOfTheFirstVersionAndContainersThatHideTheirName) {
  write_file(files_.own_cgroup, "5:cpu:/x\n4:memory:/hidden/name\n");
  write_group("memory", "memory.limit_in_bytes", "70000\n");
  write_group("memory", "memory.usage_in_bytes", "20000\n");
  EXPECT_EQ(available_memory(files_), 50'000);
}

}  // namespace
}  // namespace kvlink::app
