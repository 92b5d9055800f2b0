// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every machine and standard library.
#pragma once

#include <cstdint>
#include <vector>

namespace kvlink::tests {

/// splitmix64 (Steele, Lea and Flood 2014).
class RandomFloats {
 public:
  explicit RandomFloats(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next_bits() {
    state_ += 0x9E37'79B9'7F4A'7C15U;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9U;
    z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EBU;
    return z ^ z >> 31;
  }

  /// Uniform in [center - spread, center + spread).
  std::vector<float> uniform(std::int64_t n, float spread, float center = 0.0F) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& v : values) {
      const auto unit = static_cast<float>(next_bits() >> 40) * 0x1p-24F;
      v = center + spread * (2.0F * unit - 1.0F);
    }
    return values;
  }

 private:
  std::uint64_t state_;
};

}  // namespace kvlink::tests
