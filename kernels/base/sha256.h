// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4): identity of documents, models, recipes and token sequences.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kvlink {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  std::string hex() const;
  /// From 64 hex digits; kInvalidInput otherwise (throws).
  static Digest from_hex(std::string_view hex);
  auto operator<=>(const Digest&) const = default;
};

/// Incremental; uses the SHA extensions of the CPU when it has them.
class Sha256 {
 public:
  Sha256();
  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  /// Length-prefixed, so that concatenations of fields cannot collide.
  Sha256& field(std::string_view text);
  Digest finish();

 private:
  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> tail_{};
  std::size_t n_tail_ = 0;
  std::uint64_t n_bytes_ = 0;
};

Digest sha256(std::span<const std::byte> bytes);
Digest sha256(std::string_view text);

}  // namespace kvlink
