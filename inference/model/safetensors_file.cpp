// SPDX-License-Identifier: Apache-2.0
#include "inference/model/safetensors_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>

#include "inference/model/json_scanner.h"
#include "inference/model/limits.h"
#include "inference/model/printable.h"
#include "kernels/base/byte_reader.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

constexpr std::uint64_t kMaxMetadataBytes = 16'777'216;
constexpr std::size_t kMaxRank = 8;
constexpr std::uint64_t kMaxExtent = std::uint64_t{1} << 40;

struct ElementType {
  std::string_view name;
  std::uint64_t bits;
  std::optional<DType> dtype;
};

constexpr std::array<ElementType, 22> kElementTypes{{
    {"F32", 32, DType::kF32},         {"F16", 16, DType::kF16},
    {"BF16", 16, DType::kBF16},       {"BOOL", 8, std::nullopt},
    {"U8", 8, std::nullopt},          {"I8", 8, std::nullopt},
    {"F4", 4, std::nullopt},          {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt},     {"F8_E5M2", 8, std::nullopt},
    {"F8_E4M3", 8, std::nullopt},     {"F8_E8M0", 8, std::nullopt},
    {"F8_E4M3FNUZ", 8, std::nullopt}, {"F8_E5M2FNUZ", 8, std::nullopt},
    {"I16", 16, std::nullopt},        {"U16", 16, std::nullopt},
    {"I32", 32, std::nullopt},        {"U32", 32, std::nullopt},
    {"I64", 64, std::nullopt},        {"U64", 64, std::nullopt},
    {"F64", 64, std::nullopt},        {"C64", 64, std::nullopt},
}};

struct HeaderEntry {
  std::string name;
  const ElementType* type = nullptr;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

const ElementType* read_element_type(JsonScanner& json) {
  const std::string name = json.text(limits::kMaxNameBytes);
  const auto* found = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                   [&](const ElementType& t) { return t.name == name; });
  if (found == kElementTypes.end()) json.corrupt("unknown dtype \"" + printable(name) + "\"");
  return found;
}

std::vector<std::int64_t> read_shape(JsonScanner& json) {
  std::vector<std::int64_t> shape;
  json.expect('[');
  if (json.accept(']')) return shape;
  do {
    const std::uint64_t extent = json.whole_number();
    if (extent > kMaxExtent || shape.size() == kMaxRank) json.corrupt("an impossible shape");
    shape.push_back(static_cast<std::int64_t>(extent));
  } while (json.accept(','));
  json.expect(']');
  return shape;
}

/// The object that describes one tensor: dtype, shape and data_offsets, each once, in any order.
void read_entry(JsonScanner& json, HeaderEntry& entry) {
  bool has_shape = false;
  bool has_offsets = false;
  json.expect('{');
  do {
    const std::string field = json.text(limits::kMaxNameBytes);
    json.expect(':');
    if (field == "dtype" && entry.type == nullptr) {
      entry.type = read_element_type(json);
    } else if (field == "shape" && !has_shape) {
      entry.shape = read_shape(json);
      has_shape = true;
    } else if (field == "data_offsets" && !has_offsets) {
      json.expect('[');
      entry.begin = json.whole_number();
      json.expect(',');
      entry.end = json.whole_number();
      json.expect(']');
      has_offsets = true;
    } else {
      json.corrupt("tensor " + entry.name + " has an unexpected or repeated field");
    }
  } while (json.accept(','));
  json.expect('}');
  if (entry.type == nullptr || !has_shape || !has_offsets) {
    json.corrupt("tensor " + entry.name + " lacks dtype, shape or data_offsets");
  }
}

void read_metadata(JsonScanner& json, std::map<std::string, std::string, std::less<>>& metadata) {
  const std::uint64_t begin = json.offset();
  json.expect('{');
  if (!json.accept('}')) {
    do {
      std::string key = json.text(kMaxMetadataBytes);
      json.expect(':');
      const auto [at, is_new] = metadata.emplace(std::move(key), json.text(kMaxMetadataBytes));
      if (!is_new) json.corrupt("a key of __metadata__ occurs twice");
      if (json.offset() - begin > kMaxMetadataBytes) json.corrupt("__metadata__ is too large");
    } while (json.accept(','));
    json.expect('}');
  }
}

std::vector<HeaderEntry> read_header(std::string_view text, const std::string& source,
                                     SafetensorsFile& file) {
  if (!is_valid_utf8(text)) fail(ErrorCode::kCorrupt, source + ": its header is not UTF-8");
  JsonScanner json(text, source);
  std::vector<HeaderEntry> entries;
  std::set<std::string, std::less<>> names;
  json.expect('{');
  if (!json.accept('}')) {
    do {
      HeaderEntry entry;
      entry.name = json.text(limits::kMaxNameBytes);
      // Names are shown in messages and on terminals.
      if (printable(entry.name, entry.name.size()) != entry.name) {
        json.corrupt("a tensor's name is not printable ASCII");
      }
      if (!names.insert(entry.name).second) json.corrupt(entry.name + " occurs twice");
      json.expect(':');
      if (entry.name == "__metadata__") {
        read_metadata(json, file.metadata);
        continue;
      }
      read_entry(json, entry);
      entries.push_back(std::move(entry));
      if (entries.size() > limits::kMaxTensors) {
        fail(ErrorCode::kUnsupported, source + " lists more than 65536 tensors");
      }
    } while (json.accept(','));
    json.expect('}');
  }
  json.expect_end();
  return entries;
}

std::uint64_t stated_bytes(const HeaderEntry& entry, const std::string& source) {
  std::uint64_t bits = entry.type->bits;
  for (const std::int64_t extent : entry.shape) {
    bits = checked_mul(bits, static_cast<std::uint64_t>(extent), source + ": " + entry.name);
  }
  if (bits % 8 != 0) {
    fail(ErrorCode::kCorrupt, source + ": tensor " + entry.name + " does not fill whole bytes");
  }
  return bits / 8;
}

void check_layout(const std::vector<HeaderEntry>& entries, std::uint64_t data_bytes,
                  const std::string& source) {
  std::uint64_t expected = 0;
  for (const HeaderEntry& entry : entries) {
    if (entry.begin != expected || entry.end < entry.begin ||
        entry.end - entry.begin != stated_bytes(entry, source) || entry.end > data_bytes) {
      fail(ErrorCode::kCorrupt,
           source + ": tensor " + entry.name + " claims bytes " + std::to_string(entry.begin) +
               " to " + std::to_string(entry.end) + ", which fit neither its shape " +
               shape_text(entry.shape) + " nor the place " + std::to_string(expected));
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    fail(ErrorCode::kCorrupt,
         source + ": " + std::to_string(data_bytes - expected) + " bytes follow the last tensor");
  }
}

}  // namespace

void SafetensorsFile::refuse(const OtherTensor& tensor, const std::string& source) {
  fail(ErrorCode::kUnsupported, source + ": tensor " + tensor.name + " has type " + tensor.type +
                                    "; supported are F32, F16 and BF16");
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes,
                                       const std::string& source) {
  ByteReader reader(bytes, source);
  const auto header_bytes = reader.read<std::uint64_t>("header length");
  if (header_bytes > limits::kMaxSafetensorsHeader || header_bytes > reader.remaining()) {
    reader.corrupt("a header of " + std::to_string(header_bytes) + " bytes is claimed");
  }
  const auto header = reader.take(header_bytes, "header");
  SafetensorsFile file;
  std::vector<HeaderEntry> entries =
      read_header({reinterpret_cast<const char*>(header.data()), header.size()}, source, file);
  std::sort(entries.begin(), entries.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  const auto data = bytes.subspan(reader.offset());
  check_layout(entries, data.size(), source);

  for (HeaderEntry& entry : entries) {
    if (!entry.type->dtype) {
      file.others.push_back({std::move(entry.name), std::string(entry.type->name)});
      continue;
    }
    file.tensors.push_back({std::move(entry.name), *entry.type->dtype, std::move(entry.shape),
                            data.subspan(entry.begin, entry.end - entry.begin)});
  }
  return file;
}

}  // namespace kvlink::inference
