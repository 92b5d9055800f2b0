// SPDX-License-Identifier: Apache-2.0
// What is said of a model's weights before loading is what they take after it.
#include "inference/weight_memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "inference/convert/model_converter.h"
#include "inference/decoder.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace kvlink::inference {
namespace {

constexpr DType kTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ8_0, DType::kQ4_0,
                            DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ2K,  DType::kQ3K,
                            DType::kQ4K,  DType::kQ5K,  DType::kQ6K,  DType::kIq4Nl};

std::filesystem::path write_model(const tests::TemporaryFolder& folder,
                                  const tests::TinyModelOptions& options) {
  const auto path = folder.path() / "model.gguf";
  tests::write_tiny_generator(path, options);
  return path;
}

TEST(WeightMemory, IsWhatADecoderPacks) {
  for (const DType type : kTypes) {
    for (const bool tied : {true, false}) {
      const tests::TemporaryFolder folder;
      // Outputs that fill no last panel, and groups of 256 for the types that want them.
      const auto source = write_model(
          folder,
          {.model_dim = 256, .n_heads = 8, .n_kv_heads = 1, .ffn_dim = 768, .tied_output = tied});
      const auto path = folder.path() / "converted.gguf";
      value_or_throw(convert_model(source, path, {.matrices = type}, FileSystem::posix()));
      const auto said = memory_of_weights(value_or_throw(read_model_outline(path)));
      const auto model = value_or_throw(load_model(path));
      kernels::CpuBackend backend({.n_threads = 1});
      const Decoder decoder(model, backend);
      EXPECT_EQ(said.packed, decoder.packed_bytes()) << dtype_name(type) << " tied " << tied;
      const auto file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
      EXPECT_EQ(said.packed == 0, said.mapped == file_bytes) << dtype_name(type);
      if (said.packed > 0) {
        EXPECT_LT(said.mapped, file_bytes / 2) << dtype_name(type);
      }
    }
  }
}

/// Bytes of a file's mapping that are in this process.
std::int64_t resident_bytes(const std::filesystem::path& file) {
  std::ifstream maps("/proc/self/smaps");
  std::int64_t kilobytes = 0;
  bool is_file = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(file.string()) != std::string::npos) is_file = true;
    if (is_file && line.starts_with("Rss:")) {
      kilobytes += std::stoll(line.substr(4));
      is_file = false;
    }
  }
  return kilobytes * 1024;
}

TEST(WeightMemory, OfWhatWasPackedNothingStaysOfTheFile) {
  const tests::TemporaryFolder folder;
  tests::TinyModelOptions options{.n_layers = 8, .model_dim = 512, .n_heads = 8, .ffn_dim = 2048};
  options.dtype = DType::kQ4_0;
  const auto path = write_model(folder, options);
  const auto file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  const auto model = value_or_throw(load_model(path));
  EXPECT_GT(resident_bytes(path), file_bytes * 9 / 10) << "the numbers were checked";
  kernels::CpuBackend backend({.n_threads = 1});
  const Decoder decoder(model, backend);
  EXPECT_LT(resident_bytes(path), file_bytes / 10);
  model.compute_fingerprint();
  EXPECT_LT(resident_bytes(path), file_bytes / 10);
}

}  // namespace
}  // namespace kvlink::inference
