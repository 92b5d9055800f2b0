// SPDX-License-Identifier: Apache-2.0
// ZIP files for tests, members stored as they are; every field can be made to lie.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace kvlink::retrieval::tests {

class ZipWriter {
 public:
  struct Lies {
    std::uint16_t flags = 0;
    std::uint16_t method = 0;
    std::uint32_t crc_change = 0;
    std::int64_t unpacked = -1;
    std::int64_t packed = -1;
    std::int64_t offset = -1;
  };

  ZipWriter& add(std::string_view name, std::string_view data) {
    return add_lying(name, data, Lies());
  }

  ZipWriter& add_lying(std::string_view name, std::string_view data, const Lies& lies) {
    const auto offset = static_cast<std::uint32_t>(bytes_.size());
    const auto size = static_cast<std::uint32_t>(data.size());
    std::string fields;
    put(fields, lies.flags, 2);
    put(fields, lies.method, 2);
    put(fields, 0, 4);
    put(fields, crc(data) + lies.crc_change, 4);
    put(fields, lies.packed >= 0 ? static_cast<std::uint32_t>(lies.packed) : size, 4);
    put(fields, lies.unpacked >= 0 ? static_cast<std::uint32_t>(lies.unpacked) : size, 4);
    put(fields, static_cast<std::uint32_t>(name.size()), 2);
    put(fields, 0, 2);
    bytes_ += std::string("PK\x03\x04\x14\0", 6) + fields + std::string(name) + std::string(data);
    directory_ += std::string("PK\x01\x02\x14\0\x14\0", 8) + fields;
    put(directory_, 0, 2);
    put(directory_, 0, 4);
    put(directory_, 0, 4);
    put(directory_, lies.offset >= 0 ? static_cast<std::uint32_t>(lies.offset) : offset, 4);
    directory_ += name;
    ++n_;
    return *this;
  }

  std::string finish() const {
    std::string out = bytes_ + directory_ + std::string("PK\x05\x06\0\0\0\0", 8);
    put(out, n_, 2);
    put(out, n_, 2);
    put(out, static_cast<std::uint32_t>(directory_.size()), 4);
    put(out, static_cast<std::uint32_t>(bytes_.size()), 4);
    put(out, 0, 2);
    return out;
  }

 private:
  static void put(std::string& out, std::uint32_t value, int n) {
    for (int i = 0; i < n; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
  }
  static std::uint32_t crc(std::string_view data) {
    std::uint32_t sum = 0xFFFFFFFF;
    for (const char c : data) {
      sum ^= static_cast<unsigned char>(c);
      for (int i = 0; i < 8; ++i) sum = sum >> 1 ^ (0xEDB88320U & (0U - (sum & 1)));
    }
    return ~sum;
  }

  std::string bytes_;
  std::string directory_;
  std::uint32_t n_ = 0;
};

}  // namespace kvlink::retrieval::tests
