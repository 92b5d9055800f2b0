// SPDX-License-Identifier: Apache-2.0
#include "retrieval/vector_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::retrieval {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::array<char, 8> kMagic = {'K', 'V', 'L', 'V', 'E', 'C', '\r', '\n'};
constexpr std::uint32_t kVersion = 1;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::int32_t dim = 0;
  std::array<std::uint8_t, 32> space{};
  std::array<std::uint8_t, 16> save{};
  std::int64_t n_rows = 0;
  std::int64_t payload_bytes = 0;
  std::array<std::uint8_t, 16> checksum{};  ///< XXH3-128 of the header before this, and the payload
};
static_assert(sizeof(Header) == 96 && std::is_trivially_copyable_v<Header>);
constexpr std::size_t kHashedHeaderBytes = sizeof(Header) - 16;

class Checksum {
 public:
  Checksum() { XXH3_128bits_reset(&state_); }
  void update(std::span<const std::byte> bytes) {
    XXH3_128bits_update(&state_, bytes.data(), bytes.size());
  }
  std::array<std::uint8_t, 16> finish() {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_));
    std::array<std::uint8_t, 16> out;
    std::memcpy(out.data(), canonical.digest, out.size());
    return out;
  }

 private:
  XXH3_state_t state_;
};

std::span<const std::byte> hashed_part(const Header& header) {
  return std::as_bytes(std::span(&header, 1)).first(kHashedHeaderBytes);
}

std::string mismatch(const Header& header, const VectorFileIdentity& identity,
                     std::int64_t file_bytes) {
  if (header.magic != kMagic) return "it is not a vector file";
  if (header.version != kVersion) return "it has another format version";
  if (header.space != identity.space.bytes || header.dim != identity.dim) {
    return "it was made by another embedder";
  }
  if (header.save != identity.save) return "it belongs to another state of the library";
  if (header.payload_bytes < 0 ||
      header.payload_bytes != file_bytes - static_cast<std::int64_t>(sizeof(Header))) {
    return "its size is wrong";
  }
  return "";
}

}  // namespace

void write_vector_file(FileSystem& files, const std::filesystem::path& path,
                       const VectorFileIdentity& identity, const VectorIndex& index) {
  Header header;
  header.dim = identity.dim;
  header.space = identity.space.bytes;
  header.save = identity.save;
  header.n_rows = index.size();
  // Twice through the index instead of once through a second copy of it in memory.
  index.write([&](std::span<const std::byte> bytes) {
    header.payload_bytes += static_cast<std::int64_t>(bytes.size());
  });
  Checksum checksum;
  checksum.update(hashed_part(header));
  index.write([&](std::span<const std::byte> bytes) { checksum.update(bytes); });
  header.checksum = checksum.finish();
  const auto pending =
      files.create(path, header.payload_bytes + static_cast<std::int64_t>(sizeof(Header)));
  pending->write(std::as_bytes(std::span(&header, 1)));
  index.write([&](std::span<const std::byte> bytes) { pending->write(bytes); });
  pending->commit();
}

std::optional<VectorIndex> read_vector_file(FileSystem& files, const std::filesystem::path& path,
                                            const VectorFileIdentity& identity,
                                            VectorIndexOptions options, std::string& reason) {
  try {
    const auto stat = files.stat(path);
    if (!stat) {
      reason = "there is none";
      return std::nullopt;
    }
    if (stat->size < static_cast<std::int64_t>(sizeof(Header))) {
      reason = "it is cut off";
      return std::nullopt;
    }
    Header header;
    files.read(path, 0, std::as_writable_bytes(std::span(&header, 1)));
    reason = mismatch(header, identity, stat->size);
    if (!reason.empty()) return std::nullopt;
    std::vector<std::byte> payload(static_cast<std::size_t>(header.payload_bytes));
    files.read(path, sizeof(Header), payload);
    Checksum checksum;
    checksum.update(hashed_part(header));
    checksum.update(payload);
    if (checksum.finish() != header.checksum) {
      reason = "its checksum is wrong";
      return std::nullopt;
    }
    auto index = VectorIndex::read(payload, identity.dim, options);
    if (index.size() != header.n_rows) fail(ErrorCode::kCorrupt, "vector index: wrong row count");
    return index;
  } catch (const Exception& e) {
    reason = e.error().message;
    return std::nullopt;
  }
}

}  // namespace kvlink::retrieval
