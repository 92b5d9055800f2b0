// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a KV block file. The input is tried as it is, and once more with its header checksum
// made right, so that what lies behind the checksum is reached too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cache/block_format.h"
#include "kernels/base/result.h"
#include "tests/support/memory_file.h"

namespace {

constexpr std::size_t kHeaderBytesAt = 12;
constexpr std::size_t kHeaderChecksumAt = 200;
constexpr std::size_t kFixedBytes = 256;

void try_block(std::span<const std::byte> bytes) {
  kvlink::tests::MemoryFile file(bytes);
  try {
    const kvlink::cache::BlockRead read = kvlink::cache::read_block(file);
    // What is accepted is consistent: every plane lies inside the file's payload.
    const kvlink::KvBlock& block = *read.block;
    if (block.bytes().size() >= bytes.size()) std::abort();
    for (std::int32_t layer = 0; layer < block.layout().n_layers; ++layer) {
      if (block.plane(layer, kvlink::Plane::kValues).empty()) std::abort();
    }
  } catch (const kvlink::cache::BlockRejected&) {
    return;
  } catch (const kvlink::Exception& e) {
    if (e.error().code != kvlink::ErrorCode::kCorrupt) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try_block(bytes);
  if (size < kFixedBytes) return 0;
  std::vector<std::byte> sealed(bytes.begin(), bytes.end());
  std::uint32_t n_header = 0;
  std::memcpy(&n_header, sealed.data() + kHeaderBytesAt, sizeof(n_header));
  if (n_header < kFixedBytes || n_header > size) return 0;
  std::memset(sealed.data() + kHeaderChecksumAt, 0, sizeof(XXH128_hash_t));
  const XXH128_hash_t hash = XXH3_128bits(sealed.data(), n_header);
  std::memcpy(sealed.data() + kHeaderChecksumAt, &hash.low64, sizeof(hash.low64));
  std::memcpy(sealed.data() + kHeaderChecksumAt + sizeof(hash.low64), &hash.high64,
              sizeof(hash.high64));
  try_block(sealed);
  return 0;
}
