// SPDX-License-Identifier: Apache-2.0
// Hashes and ciphers of encrypted documents, by Mbed TLS and the reference Argon2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace kvlink::extract {

enum class HashKind : std::uint8_t { kSha1, kSha256, kSha384, kSha512 };

/// Of the parts, one after the other.
std::string hash_of(HashKind kind, std::initializer_list<std::string_view> parts);
/// hash(number + hash(number - 1 + … hash(start))): what makes guessing passwords slow. Numbers
/// from 0, four bytes, little-endian.
std::string spun_hash(HashKind kind, std::string start, std::uint32_t n);

// Keys of 16, 24 or 32 bytes, data in whole blocks of 16; Unreadable otherwise.
std::string aes_decrypted(std::string_view key, std::string_view data);  ///< block by block
std::string aes_cbc_decrypted(std::string_view key, std::string_view iv, std::string_view data);
/// By a counter from 1, little-endian, as ZIP has it. Of any length.
std::string aes_counter_decrypted(std::string_view key, std::string_view data);

/// As XML Encryption 1.1 has it: the vector of 12 bytes in front, the tag of 16 behind. Nothing
/// when the tag is another: the key is wrong, or the data were changed.
std::optional<std::string> aes_gcm_decrypted(std::string_view key, std::string_view data);
/// Blowfish in cipher feedback of whole blocks; `iv` has 8 bytes. Of any length.
std::string blowfish_decrypted(std::string_view key, std::string_view iv, std::string_view data);

std::string pbkdf2_sha1(std::string_view password, std::string_view salt, unsigned n_rounds,
                        std::size_t n_bytes);
struct Argon2Cost {
  std::uint32_t n_passes = 0;
  std::uint32_t n_kib = 0;  ///< of memory
  std::uint32_t n_lanes = 0;
};
/// Argon2id, version 1.3, on this thread. Unreadable for what the algorithm does not allow.
std::string argon2id(std::string_view password, std::string_view salt, const Argon2Cost& cost,
                     std::size_t n_bytes);
std::string hmac_sha1(std::string_view key, std::string_view data);

/// What is no letter of base64 is passed over.
std::string from_base64(std::string_view text);

/// "is encrypted in a way that is not read"
[[noreturn]] void fail_unknown_encryption();
/// "needs a password", or "needs another password" where one was given.
[[noreturn]] void fail_password(const std::string& given);

}  // namespace kvlink::extract
