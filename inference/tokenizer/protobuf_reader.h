// SPDX-License-Identifier: Apache-2.0
// The fields of a protobuf message, one after another, from bytes that nobody vouches for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernels/base/byte_reader.h"

namespace kvlink::inference {

/// How a field is stored.
enum class Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// One field; what `wire` does not say is empty.
struct Field {
  std::uint32_t number = 0;
  Wire wire = Wire::kVarint;
  std::uint64_t varint = 0;
  float fixed32 = 0;
  std::span<const std::byte> bytes;

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

/// Borrows the bytes. Every error is kCorrupt and names tokenizer.model.
class MessageReader {
 public:
  explicit MessageReader(std::span<const std::byte> bytes) : reader_(bytes, "tokenizer.model") {}

  bool done() const { return reader_.remaining() == 0; }

  Field next() {
    Field field;
    const std::uint64_t tag = varint();
    if (tag >> 32 != 0 || tag >> 3 == 0) reader_.corrupt("a field has no valid number");
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.wire = static_cast<Wire>(tag & 7);
    switch (field.wire) {
      case Wire::kVarint:
        field.varint = varint();
        break;
      case Wire::kFixed64:
        reader_.take(8, "a field");
        break;
      case Wire::kBytes:
        field.bytes = reader_.take(varint(), "a field");
        break;
      case Wire::kFixed32:
        field.fixed32 = reader_.read<float>("a field");
        break;
      default:
        reader_.corrupt("a field of wire type " + std::to_string(tag & 7));
    }
    return field;
  }

  void expect(const Field& field, Wire wire) const {
    if (field.wire != wire) {
      reader_.corrupt("field " + std::to_string(field.number) + " has the wrong type");
    }
  }
  [[noreturn]] void corrupt(const std::string& detail) const { reader_.corrupt(detail); }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = reader_.read<std::uint8_t>("a number");
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    reader_.corrupt("a number has more than ten bytes");
  }

  ByteReader reader_;
};

}  // namespace kvlink::inference
