// SPDX-License-Identifier: Apache-2.0
// What `model check` finds out about a model.
#include "app/model_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "app/adapter_choice.h"
#include "kernels/base/sha256.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace kvlink::app {
namespace {

using tests::TemporaryFolder;

std::filesystem::path golden(const char* name) {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "tests" / "golden" / "tiny" / name;
}

TEST(ModelTrial, ReadsWritesAndWeighsAGenerator) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "tiny.gguf";
  tests::write_tiny_generator(path);
  const auto check = value_or_throw(check_model(path));
  EXPECT_EQ(check.adapter, "No link adapter fits this model");
  EXPECT_EQ(check.weight_bytes, static_cast<std::int64_t>(std::filesystem::file_size(path)));
  EXPECT_GT(check.memory.total(), check.weight_bytes + 256 * check.kv_bytes_per_token);
  ASSERT_TRUE(check.available_bytes);
  EXPECT_GT(*check.available_bytes, 0);
  EXPECT_EQ(check.trial.n_tokens, 256);
  // A random model is about as surprised as its vocabulary is large, or more where it is sure.
  EXPECT_GT(check.trial.perplexity, 50.0);
  EXPECT_TRUE(std::isfinite(check.trial.perplexity));
  EXPECT_GT(check.trial.read_per_second, 0.0);
  EXPECT_GT(check.trial.write_per_second, 0.0);
  EXPECT_TRUE(check.trial.text_comes_back);
  EXPECT_EQ(check.chat_format, "chatml");
}

TEST(ModelTrial, ChecksAFolderWithoutATokenizerByIdsAndSaysSo) {
  for (const char* name : {"llama_yarn", "qwen2", "qwen3", "mistral"}) {
    const auto check = check_model(golden(name));
    ASSERT_TRUE(check) << check.error().message;
    EXPECT_NE(check->tokenizer.find("token ids"), std::string::npos) << check->tokenizer;
    EXPECT_EQ(check->chat_format, "none");
    EXPECT_FALSE(check->trial.text_comes_back);
    EXPECT_EQ(check->trial.n_tokens, 56) << "of a context of 64, eight are left for writing";
  }
}

TEST(ModelTrial, FindsTheAdapterOfAModelInSeveralFiles) {
  const auto files = weights_files(golden("qwen3"));
  ASSERT_EQ(files.size(), 3U);
  std::string bytes;
  for (const auto& file : files) bytes += tests::read_file(file);
  EXPECT_EQ(hash_of_weights(golden("qwen3")), sha256(bytes));
  const auto adapters = golden("qwen3").parent_path().parent_path() / "link_tiny";
  for (const char* name : {"qwen3", "llama_yarn"}) {
    const auto check = check_model(golden(name), {}, std::array{adapters / name});
    ASSERT_TRUE(check) << check.error().message;
    EXPECT_EQ(check->adapter, "A link adapter fits this model");
  }
  const auto other = check_model(golden("qwen3"), {}, std::array{adapters / "qwen2"});
  EXPECT_EQ(value_or_throw(other).adapter, "No link adapter fits this model");
}

TEST(ModelTrial, StopsHashingWhenNobodyWaitsForIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto hash = returning([&] { return hash_of_weights(golden("qwen3"), stop.get_token()); });
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().code, ErrorCode::kCancelled);
}

TEST(ModelTrial, NamesAModelWhoseNumbersAreNotFinite) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "tiny.gguf";
  auto file = tests::tiny_generator();
  // Finite weights whose product is not.
  file.tensor("output_norm.weight").bytes =
      tests::encode_floats(std::vector<float>(64, 3e38F), DType::kF32);
  tests::write_file(path, file.bytes());
  const auto check = check_model(path);
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(check.error().message.find("not finite"), std::string::npos);
}

TEST(FindModels, ListsASplitModelOnceAndWeighsAllItsParts) {
  const TemporaryFolder folder;
  tests::write_file(folder.path() / "m-00001-of-00002.gguf", "12345");
  tests::write_file(folder.path() / "m-00002-of-00002.gguf", "123");
  const auto found = find_models(folder.path());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().name, "m-00001-of-00002.gguf");
  EXPECT_EQ(found.front().bytes, 8);
  const auto sharded = find_models(golden("qwen3").parent_path());
  const auto qwen3 = std::find_if(sharded.begin(), sharded.end(),
                                  [](const FoundModel& m) { return m.name == "qwen3"; });
  ASSERT_NE(qwen3, sharded.end());
  EXPECT_GT(qwen3->bytes, 40'000);
}

}  // namespace
}  // namespace kvlink::app
