// SPDX-License-Identifier: Apache-2.0
// KV blocks with known random contents, and what a store test asks about them again and again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cache/kv_store.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/sha256.h"

namespace kvlink::tests {

/// A block and everything a store wants to know with it.
struct KvSample {
  cache::BlockKey key;
  Digest content;
  KvBlock block;

  std::span<const std::int32_t> tokens() const { return block.token_ids(); }
};

struct KvShape {
  std::int32_t n_layers = 2;
  std::int32_t n_kv_heads = 1;
  std::int32_t head_dim = 8;
  DType dtype = DType::kF16;
  std::int64_t n_tokens = 5;
};

/// Sample number `seed`: other tokens, values and content for every seed, one model and recipe.
KvSample make_kv_sample(std::uint64_t seed, const KvShape& shape = {});

/// Whether two blocks hold the same tokens and bytes.
bool same_block(const KvBlock& a, const KvBlock& b);

/// Bytes of all block files and of temporary files under a store's folder.
std::int64_t bytes_of_block_files(const std::filesystem::path& folder);
std::int64_t count_temporary_files(const std::filesystem::path& folder);
std::filesystem::path block_file(const std::filesystem::path& folder, const cache::BlockKey& key);

std::vector<std::byte> read_bytes(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace kvlink::tests
