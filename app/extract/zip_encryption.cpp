// SPDX-License-Identifier: Apache-2.0
#include "app/extract/zip_encryption.h"

#include <zlib.h>

#include "app/extract/decryption.h"
#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

[[noreturn]] void fail_damaged() {
  throw Unreadable(ReadProblem::kDamaged, "an encrypted part of it is damaged");
}

unsigned number_at(std::string_view bytes, std::size_t pos) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[pos])) |
         static_cast<unsigned>(static_cast<unsigned char>(bytes[pos + 1])) << 8;
}

/// The three keys of PKZIP's cipher, which every byte changes.
class PkzipKeys {
 public:
  explicit PkzipKeys(std::string_view password) : table_(get_crc_table()) {
    for (const char c : password) take(static_cast<unsigned char>(c));
  }
  unsigned char open(unsigned char c) {
    const std::uint32_t t = (keys_[2] | 2U) & 0xFFFF;
    c = static_cast<unsigned char>(c ^ ((t * (t ^ 1U)) >> 8));
    take(c);
    return c;
  }

 private:
  void take(unsigned char c) {
    keys_[0] = crc(keys_[0], c);
    keys_[1] = (keys_[1] + (keys_[0] & 0xFF)) * 134775813U + 1;
    keys_[2] = crc(keys_[2], static_cast<unsigned char>(keys_[1] >> 24));
  }
  std::uint32_t crc(std::uint32_t before, unsigned char c) const {
    return static_cast<std::uint32_t>(table_[(before ^ c) & 0xFF]) ^ (before >> 8);
  }

  const z_crc_t* table_;
  std::uint32_t keys_[3] = {0x12345678, 0x23456789, 0x34567890};
};

}  // namespace

ZipAes zip_aes(std::string_view extra) {
  constexpr unsigned kAesField = 0x9901;
  constexpr std::size_t kFieldBytes = 7;
  while (extra.size() >= 4) {
    const std::size_t size = number_at(extra, 2);
    if (size > extra.size() - 4) fail_damaged();
    if (number_at(extra, 0) == kAesField && size >= kFieldBytes) {
      const auto strength = static_cast<unsigned char>(extra[8]);
      if (strength < 1 || strength > 3) fail_unknown_encryption();
      return {.key_bytes = std::size_t{8} + 8U * strength,
              .method = static_cast<std::uint16_t>(number_at(extra, 9)),
              .replaces_checksum = number_at(extra, 4) == 2};
    }
    extra.remove_prefix(4 + size);
  }
  fail_damaged();
}

std::string decrypt_zip_aes(std::string_view bytes, const ZipAes& aes,
                            const std::string& password) {
  constexpr std::size_t kCheck = 2, kSum = 10;
  constexpr unsigned kRounds = 1000;
  if (password.empty()) fail_password(password);
  const std::size_t n_salt = aes.key_bytes / 2;
  if (bytes.size() < n_salt + kCheck + kSum) fail_damaged();
  const auto keys =
      pbkdf2_sha1(password, bytes.substr(0, n_salt), kRounds, 2 * aes.key_bytes + kCheck);
  const std::string_view derived(keys);
  if (derived.substr(2 * aes.key_bytes) != bytes.substr(n_salt, kCheck)) fail_password(password);
  const auto data = bytes.substr(n_salt + kCheck, bytes.size() - n_salt - kCheck - kSum);
  const auto sum = hmac_sha1(derived.substr(aes.key_bytes, aes.key_bytes), data);
  if (std::string_view(sum).substr(0, kSum) != bytes.substr(bytes.size() - kSum)) fail_damaged();
  return aes_counter_decrypted(derived.substr(0, aes.key_bytes), data);
}

std::string decrypt_zip(std::string_view bytes, unsigned char check, const std::string& password) {
  constexpr std::size_t kHeader = 12;
  if (password.empty()) fail_password(password);
  if (bytes.size() < kHeader) fail_damaged();
  PkzipKeys keys(password);
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) out += static_cast<char>(keys.open(static_cast<unsigned char>(c)));
  // One byte in 256 is right by chance: the checksum of the member notices.
  if (static_cast<unsigned char>(out[kHeader - 1]) != check) fail_password(password);
  out.erase(0, kHeader);
  return out;
}

}  // namespace kvlink::extract
