// SPDX-License-Identifier: Apache-2.0
#include "cache/block_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kernels/base/byte_reader.h"

namespace kvlink::cache {
namespace {

static_assert(std::endian::native == std::endian::little, "block files are written as in memory");

constexpr std::string_view kMagic = "KVLKBLK1";
constexpr std::uint32_t kVersion = 1;
constexpr std::int64_t kPage = KvBlock::kPlaneAlignment;
constexpr std::int64_t kFixedBytes = 256;
constexpr std::int64_t kChecksumOffset = 200;
constexpr std::int64_t kPlaneEntryBytes = 32;
constexpr std::int64_t kReadPiece = std::int64_t{1} << 20;  // planes read before they are hashed

// Limits that keep every product below within 2^51.
constexpr std::int64_t kMaxTokens = std::int64_t{1} << 20;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxKvDim = std::int64_t{1} << 18;

using Checksum = std::array<std::byte, 16>;
using Clock = std::chrono::steady_clock;

/// The fixed part, as stored.
struct FixedHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t file_bytes;
  std::uint64_t payload_bytes;
  std::uint32_t n_tokens;
  std::uint32_t n_layers;
  std::uint32_t n_kv_heads;
  std::uint32_t head_dim;
  std::uint8_t dtype;
  std::array<std::uint8_t, 7> reserved;
  std::int64_t created_unix;
  std::int64_t encode_ns;
  Digest model;
  Digest recipe;
  Digest tokens;
  Digest content;
  Checksum header_checksum;
  std::array<std::uint8_t, 40> reserved_tail;
};
static_assert(sizeof(FixedHeader) == kFixedBytes);
static_assert(offsetof(FixedHeader, header_checksum) == kChecksumOffset);

struct PlaneEntry {
  std::uint64_t offset;  // from the start of the file
  std::uint64_t bytes;   // without the padding
  Checksum checksum;     // over the plane with its padding
};
static_assert(sizeof(PlaneEntry) == kPlaneEntryBytes);

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

std::int64_t table_offset(std::int64_t n_tokens) {
  return round_up(kFixedBytes + n_tokens * std::int64_t{sizeof(std::int32_t)}, 8);
}

Checksum checksum_of(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  Checksum sum;
  std::memcpy(sum.data(), &hash.low64, sizeof(hash.low64));
  std::memcpy(sum.data() + sizeof(hash.low64), &hash.high64, sizeof(hash.high64));
  return sum;
}

/// Checksum of a header region as if its checksum field were zero.
Checksum header_checksum_of(std::span<const std::byte> region) {
  XXH3_state_t state;
  XXH3_INITSTATE(&state);
  XXH3_128bits_reset(&state);
  constexpr Checksum kZero{};
  const auto tail = region.subspan(kChecksumOffset + kZero.size());
  XXH3_128bits_update(&state, region.data(), kChecksumOffset);
  XXH3_128bits_update(&state, kZero.data(), kZero.size());
  XXH3_128bits_update(&state, tail.data(), tail.size());
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  Checksum sum;
  std::memcpy(sum.data(), &hash.low64, sizeof(hash.low64));
  std::memcpy(sum.data() + sizeof(hash.low64), &hash.high64, sizeof(hash.high64));
  return sum;
}

bool is_kv_dtype(std::uint8_t dtype) {
  return dtype == static_cast<std::uint8_t>(DType::kF32) ||
         dtype == static_cast<std::uint8_t>(DType::kF16) ||
         dtype == static_cast<std::uint8_t>(DType::kBF16) ||
         dtype == static_cast<std::uint8_t>(DType::kQ8Kv);
}

/// What the format can hold; `n_tokens` and `layout` come from anywhere.
bool within_limits(const KvLayout& layout, std::int64_t n_tokens) {
  return n_tokens >= 1 && n_tokens <= kMaxTokens && layout.n_layers >= 1 &&
         layout.n_layers <= kMaxLayers && layout.n_kv_heads >= 1 && layout.head_dim >= 1 &&
         layout.n_kv_heads <= kMaxKvDim && layout.head_dim <= kMaxKvDim &&
         layout.kv_dim() <= kMaxKvDim && is_kv_dtype(static_cast<std::uint8_t>(layout.dtype));
}

/// Whether no 16-bit float has all exponent bits of `mask` set (infinity or NaN).
bool all_finite_16(std::span<const std::byte> bytes, unsigned mask) {
  unsigned n_bad = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + i, sizeof(bits));
    n_bad += (bits & mask) == mask ? 1U : 0U;
  }
  return n_bad == 0;
}

bool all_finite_32(std::span<const std::byte> bytes) {
  constexpr std::uint32_t kExponent = 0x7f800000U;
  unsigned n_bad = 0;
  for (std::size_t i = 0; i + 3 < bytes.size(); i += 4) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, bytes.data() + i, sizeof(bits));
    n_bad += (bits & kExponent) == kExponent ? 1U : 0U;
  }
  return n_bad == 0;
}

/// The f32 scales in front of a kQ8Kv plane.
std::span<const std::byte> scales_of(const KvBlock& block, std::int32_t layer, Plane plane) {
  const std::int64_t n = plane == Plane::kKeys ? block.layout().kv_dim() : block.n_tokens();
  return block.plane(layer, plane).first(static_cast<std::size_t>(n) * sizeof(float));
}

bool is_finite(const KvBlock& block, std::int32_t layer, Plane plane) {
  switch (block.layout().dtype) {
    case DType::kF16:
      return all_finite_16(block.plane(layer, plane), 0x7c00U);
    case DType::kBF16:
      return all_finite_16(block.plane(layer, plane), 0x7f80U);
    case DType::kQ8Kv:
      return all_finite_32(scales_of(block, layer, plane));
    default:
      return all_finite_32(block.plane(layer, plane));
  }
}

std::string plane_name(std::int32_t layer, Plane plane) {
  return std::string(plane == Plane::kKeys ? "the keys" : "the values") + " of layer " +
         std::to_string(layer);
}

/// Offset and padded bytes of plane number `index` (layer-major, K then V) inside the payload.
std::int64_t extent_offset(const KvLayout& layout, std::int64_t n_tokens, std::int64_t index) {
  const std::int64_t keys = round_up(layout.plane_bytes(Plane::kKeys, n_tokens), kPage);
  const std::int64_t values = round_up(layout.plane_bytes(Plane::kValues, n_tokens), kPage);
  return index / 2 * (keys + values) + (index % 2 == 0 ? 0 : keys);
}

[[noreturn]] void reject(std::string detail) {
  throw BlockRejected(MissReason::kChecksum, std::move(detail));
}

/// Checks the fixed part against itself and the file's size; nothing is allocated before this.
void check_fixed(const FixedHeader& fixed, std::int64_t size) {
  if (std::string_view(fixed.magic.data(), fixed.magic.size()) != kMagic)
    reject("it does not begin like a KV block");
  if (fixed.version != kVersion) {
    throw BlockRejected(MissReason::kVersion, "its format version is " +
                                                  std::to_string(fixed.version) +
                                                  ", this program reads version 1");
  }
  constexpr std::uint32_t kMaxField = std::numeric_limits<std::int32_t>::max();
  if (fixed.n_layers > kMaxField || fixed.n_kv_heads > kMaxField || fixed.head_dim > kMaxField)
    reject("its geometry is out of range");
  const KvLayout layout{.n_layers = static_cast<std::int32_t>(fixed.n_layers),
                        .n_kv_heads = static_cast<std::int32_t>(fixed.n_kv_heads),
                        .head_dim = static_cast<std::int32_t>(fixed.head_dim),
                        .dtype = static_cast<DType>(fixed.dtype)};
  if (!within_limits(layout, fixed.n_tokens)) reject("its geometry is out of range");
  const std::int64_t header = header_bytes(layout, fixed.n_tokens);
  const std::int64_t payload = KvBlock::total_bytes(layout, fixed.n_tokens);
  if (fixed.header_bytes != static_cast<std::uint64_t>(header) ||
      fixed.payload_bytes != static_cast<std::uint64_t>(payload) ||
      fixed.file_bytes != static_cast<std::uint64_t>(header + payload))
    reject("its sizes contradict its geometry");
  if (size != header + payload) {
    reject("it has " + std::to_string(size) + " bytes instead of " +
           std::to_string(header + payload));
  }
}

/// The header region in memory, checked, with its parsed parts.
struct HeaderRegion {
  BlockHeader header;
  std::vector<PlaneEntry> planes;
};

void check_planes(const BlockHeader& header, std::span<const PlaneEntry> planes) {
  const auto n_tokens = static_cast<std::int64_t>(header.token_ids.size());
  const std::int64_t first = header_bytes(header.layout, n_tokens);
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const Plane plane = i % 2 == 0 ? Plane::kKeys : Plane::kValues;
    const auto offset =
        first + extent_offset(header.layout, n_tokens, static_cast<std::int64_t>(i));
    if (planes[i].offset != static_cast<std::uint64_t>(offset) ||
        planes[i].bytes != static_cast<std::uint64_t>(header.layout.plane_bytes(plane, n_tokens)))
      reject("its plane table contradicts its geometry");
  }
}

/// Bytes without a meaning are zero, so that a later version may give them one.
void check_reserved(std::span<const std::byte> region, const FixedHeader& fixed) {
  const auto is_zero = [](auto byte) { return static_cast<unsigned>(byte) == 0; };
  const auto end_of_table =
      table_offset(fixed.n_tokens) + 2 * std::int64_t{fixed.n_layers} * kPlaneEntryBytes;
  const auto padding = region.subspan(static_cast<std::size_t>(end_of_table));
  if (!std::all_of(fixed.reserved.begin(), fixed.reserved.end(), is_zero) ||
      !std::all_of(fixed.reserved_tail.begin(), fixed.reserved_tail.end(), is_zero) ||
      !std::all_of(padding.begin(), padding.end(), is_zero))
    reject("its reserved bytes are used");
}

/// `region` holds the whole header region, whose fixed part has been checked.
HeaderRegion parse_region(std::span<const std::byte> region) {
  ByteReader reader(region, "a KV block header");
  const auto fixed = reader.read<FixedHeader>("fixed part");
  if (header_checksum_of(region) != fixed.header_checksum)
    reject("its header changed since it was written");
  check_reserved(region, fixed);
  HeaderRegion out;
  out.header.key = {.model = fixed.model, .recipe = fixed.recipe, .tokens = fixed.tokens};
  out.header.content = fixed.content;
  out.header.layout = {.n_layers = static_cast<std::int32_t>(fixed.n_layers),
                       .n_kv_heads = static_cast<std::int32_t>(fixed.n_kv_heads),
                       .head_dim = static_cast<std::int32_t>(fixed.head_dim),
                       .dtype = static_cast<DType>(fixed.dtype)};
  out.header.created_unix = fixed.created_unix;
  out.header.encode_time = std::chrono::nanoseconds(fixed.encode_ns);
  const auto ids = reader.take(fixed.n_tokens * sizeof(std::int32_t), "token ids");
  out.header.token_ids.resize(fixed.n_tokens);
  std::memcpy(out.header.token_ids.data(), ids.data(), ids.size());
  if (BlockKey::of(fixed.model, fixed.recipe, out.header.token_ids).tokens != fixed.tokens)
    reject("its token ids do not match their digest");
  reader.seek(static_cast<std::uint64_t>(table_offset(fixed.n_tokens)), "plane table");
  out.planes.resize(std::size_t{fixed.n_layers} * 2);
  const auto table = reader.take(out.planes.size() * sizeof(PlaneEntry), "plane table");
  std::memcpy(out.planes.data(), table.data(), table.size());
  check_planes(out.header, out.planes);
  return out;
}

HeaderRegion read_region(ReadableFile& file) {
  const std::int64_t size = file.size();
  if (size < kPage) reject("it has only " + std::to_string(size) + " bytes");
  std::vector<std::byte> region(static_cast<std::size_t>(kPage));
  file.read(0, region);
  FixedHeader fixed;
  std::memcpy(&fixed, region.data(), sizeof(fixed));
  check_fixed(fixed, size);
  region.resize(fixed.header_bytes);
  file.read(kPage, std::span(region).subspan(static_cast<std::size_t>(kPage)));
  return parse_region(region);
}

/// Checks planes [begin, end), which have been read.
void check_plane_bytes(const KvBlock& block, std::span<const PlaneEntry> planes, std::size_t begin,
                       std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    const auto layer = static_cast<std::int32_t>(i / 2);
    const Plane plane = i % 2 == 0 ? Plane::kKeys : Plane::kValues;
    const auto padded =
        static_cast<std::size_t>(round_up(static_cast<std::int64_t>(planes[i].bytes), kPage));
    const auto extent =
        block.bytes().subspan(static_cast<std::size_t>(block.plane_offset(layer, plane)), padded);
    if (checksum_of(extent) != planes[i].checksum)
      reject(plane_name(layer, plane) + " changed since they were written");
    if (block.layout().dtype == DType::kQ8Kv && !is_finite(block, layer, plane))
      reject(plane_name(layer, plane) + " have a scale that is not a number");
  }
}

std::shared_ptr<KvBlock> empty_block(const BlockHeader& header, BlockArena* arena) {
  if (arena == nullptr) return std::make_shared<KvBlock>(header.layout, header.token_ids);
  const auto n_tokens = static_cast<std::int64_t>(header.token_ids.size());
  return std::make_shared<KvBlock>(header.layout, header.token_ids,
                                   arena->take(KvBlock::total_bytes(header.layout, n_tokens)));
}

}  // namespace

std::int64_t header_bytes(const KvLayout& layout, std::int64_t n_tokens) {
  return round_up(table_offset(n_tokens) + 2 * std::int64_t{layout.n_layers} * kPlaneEntryBytes,
                  kPage);
}

std::int64_t file_bytes(const KvLayout& layout, std::int64_t n_tokens) {
  return header_bytes(layout, n_tokens) + KvBlock::total_bytes(layout, n_tokens);
}

void check_storable(const KvBlock& block) {
  if (!within_limits(block.layout(), block.n_tokens()))
    fail(ErrorCode::kInvalidInput, "a KV block of this geometry or dtype cannot be stored");
  for (std::int32_t layer = 0; layer < block.layout().n_layers; ++layer) {
    for (const Plane plane : {Plane::kKeys, Plane::kValues}) {
      if (is_finite(block, layer, plane)) continue;
      fail(ErrorCode::kInvalidInput, "a KV block is not stored: " + plane_name(layer, plane) +
                                         " hold a value that is not a finite number");
    }
  }
}

std::vector<std::byte> make_header(const BlockKey& key, const KvBlock& block, const Digest& content,
                                   std::int64_t created_unix,
                                   std::chrono::nanoseconds encode_time) {
  const KvLayout& layout = block.layout();
  const std::int64_t n_tokens = block.n_tokens();
  std::vector<std::byte> region(static_cast<std::size_t>(header_bytes(layout, n_tokens)));
  FixedHeader fixed{};
  std::memcpy(fixed.magic.data(), kMagic.data(), kMagic.size());
  fixed.version = kVersion;
  fixed.header_bytes = static_cast<std::uint32_t>(region.size());
  fixed.payload_bytes = block.bytes().size();
  fixed.file_bytes = region.size() + block.bytes().size();
  fixed.n_tokens = static_cast<std::uint32_t>(n_tokens);
  fixed.n_layers = static_cast<std::uint32_t>(layout.n_layers);
  fixed.n_kv_heads = static_cast<std::uint32_t>(layout.n_kv_heads);
  fixed.head_dim = static_cast<std::uint32_t>(layout.head_dim);
  fixed.dtype = static_cast<std::uint8_t>(layout.dtype);
  fixed.created_unix = created_unix;
  fixed.encode_ns = encode_time.count();
  fixed.model = key.model;
  fixed.recipe = key.recipe;
  fixed.tokens = key.tokens;
  fixed.content = content;
  std::memcpy(region.data(), &fixed, sizeof(fixed));
  std::memcpy(region.data() + kFixedBytes, block.token_ids().data(),
              block.token_ids().size_bytes());
  std::byte* entry_at = region.data() + table_offset(n_tokens);
  for (std::int64_t i = 0; i < 2 * std::int64_t{layout.n_layers}; ++i) {
    const Plane plane = i % 2 == 0 ? Plane::kKeys : Plane::kValues;
    const std::int64_t begin = extent_offset(layout, n_tokens, i);
    const std::int64_t end = extent_offset(layout, n_tokens, i + 1);
    const PlaneEntry entry{
        .offset = region.size() + static_cast<std::uint64_t>(begin),
        .bytes = static_cast<std::uint64_t>(layout.plane_bytes(plane, n_tokens)),
        .checksum = checksum_of(block.bytes().subspan(static_cast<std::size_t>(begin),
                                                      static_cast<std::size_t>(end - begin)))};
    std::memcpy(entry_at, &entry, sizeof(entry));
    entry_at += sizeof(entry);
  }
  const Checksum sum = header_checksum_of(region);
  std::memcpy(region.data() + kChecksumOffset, sum.data(), sum.size());
  return region;
}

BlockHeader read_header(ReadableFile& file) { return read_region(file).header; }

BlockRead read_block(ReadableFile& file, BlockArena* arena) {
  BlockRead out;
  const auto start = Clock::now();
  HeaderRegion region = read_region(file);
  out.header = std::move(region.header);
  out.block = empty_block(out.header, arena);
  const std::int64_t n_tokens = out.block->n_tokens();
  const std::int64_t first = header_bytes(out.header.layout, n_tokens);
  auto last = Clock::now();
  out.read += last - start;
  // Planes are hashed while they are still in the processor's cache.
  for (std::size_t begin = 0; begin < region.planes.size();) {
    const std::int64_t from = extent_offset(out.header.layout, n_tokens, std::int64_t(begin));
    std::size_t end = begin + 1;
    while (end < region.planes.size() &&
           extent_offset(out.header.layout, n_tokens, std::int64_t(end + 1)) - from <= kReadPiece)
      ++end;
    const std::int64_t to = extent_offset(out.header.layout, n_tokens, std::int64_t(end));
    file.read(first + from, out.block->bytes().subspan(static_cast<std::size_t>(from),
                                                       static_cast<std::size_t>(to - from)));
    const auto read_at = Clock::now();
    out.read += read_at - last;
    check_plane_bytes(*out.block, region.planes, begin, end);
    last = Clock::now();
    out.verify += last - read_at;
    begin = end;
  }
  return out;
}

}  // namespace kvlink::cache
