// SPDX-License-Identifier: Apache-2.0
#include "inference/model/gguf_file.h"

#include <limits>

#include "kernels/base/byte_reader.h"

namespace kvlink::inference {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One integer of any type at the reader, sign kept; kF32 and others give nothing.
std::optional<std::int64_t> read_integer(ByteReader& reader, GgufType type) {
  switch (type) {
    case GgufType::kU8:
      return reader.read<std::uint8_t>("value");
    case GgufType::kI8:
      return reader.read<std::int8_t>("value");
    case GgufType::kU16:
      return reader.read<std::uint16_t>("value");
    case GgufType::kI16:
      return reader.read<std::int16_t>("value");
    case GgufType::kU32:
      return reader.read<std::uint32_t>("value");
    case GgufType::kI32:
      return reader.read<std::int32_t>("value");
    case GgufType::kU64:
    case GgufType::kI64:
      return reader.read<std::int64_t>("value");
    default:
      return std::nullopt;
  }
}

}  // namespace

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void GgufFile::wrong_type(std::string_view key, std::string_view wanted) const {
  fail(ErrorCode::kCorrupt, source_ + ": " + std::string(key) + " is not " + std::string(wanted));
}

std::optional<std::string> GgufFile::text(std::string_view key, std::uint64_t max_bytes) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kString) wrong_type(key, "a string");
  if (value->bytes.size() - 8 > max_bytes) {
    fail(ErrorCode::kUnsupported, source_ + ": " + std::string(key) + " has " +
                                      std::to_string(value->bytes.size() - 8) + " bytes; at most " +
                                      std::to_string(max_bytes) + " are read");
  }
  return std::string(as_text(value->bytes.subspan(8)));
}

std::optional<std::uint64_t> GgufFile::count(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  ByteReader reader(value->bytes, source_);
  const auto number = read_integer(reader, value->type);
  if (!number || *number < 0) wrong_type(key, "a whole number of 0 or more");
  return static_cast<std::uint64_t>(*number);
}

std::optional<double> GgufFile::real(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  ByteReader reader(value->bytes, source_);
  if (value->type == GgufType::kF32) return reader.read<float>("value");
  if (value->type == GgufType::kF64) return reader.read<double>("value");
  wrong_type(key, "a floating-point number");
}

std::optional<bool> GgufFile::flag(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kBool || std::to_integer<int>(value->bytes[0]) > 1) {
    wrong_type(key, "a truth value");
  }
  return std::to_integer<int>(value->bytes[0]) == 1;
}

const GgufValue* GgufFile::find_array(std::string_view key, std::uint64_t max_count) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->type != GgufType::kArray) wrong_type(key, "an array");
  if (value->count > max_count) {
    fail(ErrorCode::kUnsupported, source_ + ": " + std::string(key) + " has " +
                                      std::to_string(value->count) + " entries; at most " +
                                      std::to_string(max_count) + " are read");
  }
  return value;
}

std::vector<std::string> GgufFile::texts(std::string_view key, std::uint64_t max_count,
                                         std::uint64_t max_bytes_each) const {
  std::vector<std::string> list;
  const GgufValue* value = find_array(key, max_count);
  if (value == nullptr) return list;
  if (value->element_type != GgufType::kString) wrong_type(key, "an array of strings");
  ByteReader reader(value->bytes, source_);
  list.reserve(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto size = reader.read<std::uint64_t>("length");
    if (size > max_bytes_each) {
      fail(ErrorCode::kUnsupported, source_ + ": entry " + std::to_string(i) + " of " +
                                        std::string(key) + " has " + std::to_string(size) +
                                        " bytes; at most " + std::to_string(max_bytes_each) +
                                        " are read");
    }
    list.emplace_back(as_text(reader.take(size, "string")));
  }
  return list;
}

std::vector<float> GgufFile::reals(std::string_view key, std::uint64_t max_count) const {
  const GgufValue* value = find_array(key, max_count);
  if (value == nullptr) return {};
  if (value->element_type != GgufType::kF32) wrong_type(key, "an array of 32-bit floats");
  std::vector<float> list(value->count);
  if (!list.empty()) std::memcpy(list.data(), value->bytes.data(), value->bytes.size());
  return list;
}

std::vector<std::int32_t> GgufFile::integers(std::string_view key, std::uint64_t max_count) const {
  const GgufValue* value = find_array(key, max_count);
  if (value == nullptr) return {};
  ByteReader reader(value->bytes, source_);
  std::vector<std::int32_t> list(value->count);
  for (auto& entry : list) {
    const auto number = read_integer(reader, value->element_type);
    if (!number || *number < std::numeric_limits<std::int32_t>::min() ||
        *number > std::numeric_limits<std::int32_t>::max()) {
      wrong_type(key, "an array of 32-bit integers");
    }
    entry = static_cast<std::int32_t>(*number);
  }
  return list;
}

}  // namespace kvlink::inference
