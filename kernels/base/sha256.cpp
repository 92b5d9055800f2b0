// SPDX-License-Identifier: Apache-2.0
// Two compressions of FIPS 180-4 section 6.2.2: portable, and with the CPU's SHA extensions.
#include "kernels/base/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/base/hex.h"
#include "kernels/base/result.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace kvlink {

namespace {

alignas(16) constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using State = std::array<std::uint32_t, 8>;
using Compress = void (*)(State& state, const std::uint8_t* data, std::size_t n_blocks);

void compress_portable(State& state, const std::uint8_t* data, std::size_t n_blocks) {
  for (; n_blocks > 0; --n_blocks, data += 64) {
    std::uint32_t w[64];
    for (int t = 0; t < 16; ++t) {
      std::uint32_t big_endian = 0;
      std::memcpy(&big_endian, data + 4 * t, 4);
      w[t] = __builtin_bswap32(big_endian);
    }
    for (int t = 16; t < 64; ++t) {
      const std::uint32_t s0 =
          std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
      const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
      w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (int t = 0; t < 64; ++t) {
      const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t t1 =
          h + s1 + ((e & f) ^ (~e & g)) + kRound[static_cast<std::size_t>(t)] + w[t];
      const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const State add = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state[i] += add[i];
  }
}

#if defined(__x86_64__)
__attribute__((target("sha,sse4.1,ssse3"))) void compress_sha_ni(State& state,
                                                                 const std::uint8_t* data,
                                                                 std::size_t n_blocks) {
  const __m128i byte_order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  // The instructions want the state as (a,b,e,f) and (c,d,g,h).
  __m128i abcd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data()));
  __m128i efgh = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data() + 4));
  abcd = _mm_shuffle_epi32(abcd, 0xB1);
  efgh = _mm_shuffle_epi32(efgh, 0x1B);
  __m128i abef = _mm_alignr_epi8(abcd, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, abcd, 0xF0);
  for (; n_blocks > 0; --n_blocks, data += 64) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; ++i) {
      w[i] =
          _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i), byte_order);
    }
    for (int group = 0; group < 16; ++group) {
      __m128i& now = w[group % 4];
      if (group >= 4) {
        const __m128i before = w[(group + 3) % 4];
        __m128i sum = _mm_sha256msg1_epu32(now, w[(group + 1) % 4]);
        sum = _mm_add_epi32(sum, _mm_alignr_epi8(before, w[(group + 2) % 4], 4));
        now = _mm_sha256msg2_epu32(sum, before);
      }
      const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(kRound.data() + 4 * group));
      const __m128i wk = _mm_add_epi32(now, k);
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0E));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  abef = _mm_shuffle_epi32(abef, 0x1B);
  cdgh = _mm_shuffle_epi32(cdgh, 0xB1);
  abcd = _mm_blend_epi16(abef, cdgh, 0xF0);
  efgh = _mm_alignr_epi8(cdgh, abef, 8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), abcd);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), efgh);
}

bool has_sha_extensions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0) {
    return false;
  }
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29)) != 0;
}
#endif

Compress choose_compress() {
#if defined(__x86_64__)
  if (has_sha_extensions()) return compress_sha_ni;
#endif
  return compress_portable;
}

void compress(State& state, const std::uint8_t* data, std::size_t n_blocks) {
  static const Compress chosen = choose_compress();
  chosen(state, data, n_blocks);
}

}  // namespace

std::string Digest::hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t b : bytes) {
    out.push_back(kDigits[b >> 4]);
    out.push_back(kDigits[b & 15]);
  }
  return out;
}

Digest Digest::from_hex(std::string_view hex) {
  Digest digest;
  if (hex.size() != 64) fail(ErrorCode::kInvalidInput, "a digest has 64 hexadecimal digits");
  for (std::size_t i = 0; i < 32; ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) fail(ErrorCode::kInvalidInput, "not a hexadecimal digest");
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

Sha256::Sha256()
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t n = bytes.size();
  n_bytes_ += n;
  if (n_tail_ > 0) {
    const std::size_t piece = std::min(n, tail_.size() - n_tail_);
    std::copy_n(data, piece, tail_.begin() + static_cast<std::ptrdiff_t>(n_tail_));
    n_tail_ += piece;
    data += piece;
    n -= piece;
    if (n_tail_ < tail_.size()) return *this;
    compress(state_, tail_.data(), 1);
    n_tail_ = 0;
  }
  compress(state_, data, n / 64);
  n_tail_ = n % 64;
  std::copy_n(data + (n - n_tail_), n_tail_, tail_.begin());
  return *this;
}

Sha256& Sha256::update(std::string_view text) {
  return update(std::as_bytes(std::span(text.data(), text.size())));
}

Sha256& Sha256::field(std::string_view text) {
  const auto n = static_cast<std::uint64_t>(text.size());
  update(std::as_bytes(std::span(&n, 1)));
  return update(text);
}

Digest Sha256::finish() {
  const std::uint64_t n_bits = n_bytes_ * 8;
  std::array<std::uint8_t, 128> last{};
  std::copy_n(tail_.begin(), n_tail_, last.begin());
  last[n_tail_] = 0x80;
  const std::size_t size = n_tail_ < 56 ? 64 : 128;
  for (std::size_t i = 0; i < 8; ++i) {
    last[size - 1 - i] = static_cast<std::uint8_t>(n_bits >> (8 * i));
  }
  compress(state_, last.data(), size / 64);
  Digest digest;
  for (std::size_t i = 0; i < 32; ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

Digest sha256(std::span<const std::byte> bytes) { return Sha256().update(bytes).finish(); }
Digest sha256(std::string_view text) { return Sha256().update(text).finish(); }

}  // namespace kvlink
