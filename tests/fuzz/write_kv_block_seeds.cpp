// SPDX-License-Identifier: Apache-2.0
// Writes seeds for kv_block_fuzz into the folder named: a valid block of each dtype, and variants.
#include <cstdio>
#include <filesystem>

#include "cache/block_format.h"
#include "tests/support/kv_blocks.h"

int main(int argc, char** argv) {
  using namespace kvlink;
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_kv_block_seeds FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8Kv}) {
    const auto sample = tests::make_kv_sample(1, {.n_layers = 1, .dtype = dtype});
    auto file = cache::make_header(sample.key, sample.block, sample.content, 1,
                                   std::chrono::milliseconds(1));
    file.insert(file.end(), sample.block.bytes().begin(), sample.block.bytes().end());
    const std::string name = dtype_name(dtype);
    tests::write_bytes(folder / name, file);
    if (dtype != DType::kQ8Kv) continue;
    tests::write_bytes(folder / (name + "_cut"), std::span(file).first(5000));
    tests::write_bytes(folder / (name + "_header"), std::span(file).first(256));
    file[32] = std::byte{0xff};  // more tokens than the file holds
    tests::write_bytes(folder / (name + "_tokens"), file);
  }
  return 0;
}
