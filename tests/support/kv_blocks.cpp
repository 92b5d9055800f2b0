// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kv_blocks.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>

namespace kvlink::tests {
namespace {

void fill_plane(std::span<std::byte> plane, DType dtype, std::int64_t n_scales,
                std::mt19937_64& random) {
  std::uniform_real_distribution<float> value(-4.0F, 4.0F);
  if (dtype == DType::kQ8Kv) {
    for (std::int64_t i = 0; i < n_scales; ++i) {
      const float scale = value(random);
      std::memcpy(plane.data() + i * std::int64_t{sizeof(scale)}, &scale, sizeof(scale));
    }
    for (std::byte& b : plane.subspan(static_cast<std::size_t>(n_scales) * sizeof(float)))
      b = static_cast<std::byte>(random());
    return;
  }
  const auto size = static_cast<std::size_t>(row_bytes(dtype, 1));
  for (std::size_t at = 0; at < plane.size(); at += size) {
    const float x = value(random);
    const std::uint16_t half = dtype == DType::kF16 ? f32_to_f16(x) : f32_to_bf16(x);
    if (dtype == DType::kF32) {
      std::memcpy(plane.data() + at, &x, sizeof(x));
    } else {
      std::memcpy(plane.data() + at, &half, sizeof(half));
    }
  }
}

}  // namespace

KvSample make_kv_sample(std::uint64_t seed, const KvShape& shape) {
  std::mt19937_64 random(seed);
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(shape.n_tokens));
  for (std::int32_t& token : tokens) token = static_cast<std::int32_t>(random() % 49152);
  const KvLayout layout{.n_layers = shape.n_layers,
                        .n_kv_heads = shape.n_kv_heads,
                        .head_dim = shape.head_dim,
                        .dtype = shape.dtype};
  KvSample sample{.key = cache::BlockKey::of(sha256("a model"), sha256("a recipe"), tokens),
                  .content = sha256("content " + std::to_string(seed)),
                  .block = KvBlock(layout, tokens)};
  for (std::int32_t layer = 0; layer < shape.n_layers; ++layer) {
    fill_plane(sample.block.plane(layer, Plane::kKeys), shape.dtype, layout.kv_dim(), random);
    fill_plane(sample.block.plane(layer, Plane::kValues), shape.dtype, shape.n_tokens, random);
  }
  return sample;
}

bool same_block(const KvBlock& a, const KvBlock& b) {
  return a.layout() == b.layout() &&
         std::equal(a.token_ids().begin(), a.token_ids().end(), b.token_ids().begin(),
                    b.token_ids().end()) &&
         std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
}

std::int64_t bytes_of_block_files(const std::filesystem::path& folder) {
  std::int64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "blocks")) {
    if (entry.is_regular_file() && entry.path().filename() != "CACHEDIR.TAG")
      bytes += static_cast<std::int64_t>(entry.file_size());
  }
  return bytes;
}

std::int64_t count_temporary_files(const std::filesystem::path& folder) {
  std::int64_t n = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    n += entry.path().extension() == ".tmp" ? 1 : 0;
  return n;
}

std::filesystem::path block_file(const std::filesystem::path& folder, const cache::BlockKey& key) {
  const std::string hex = key.id().hex();
  return folder / "blocks" / hex.substr(0, 2) / (hex + ".kv");
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return bytes;
}

void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace kvlink::tests
