// SPDX-License-Identifier: Apache-2.0
// Hashes and ciphers of encrypted documents, by Mbed TLS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
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

std::string pbkdf2_sha1(std::string_view password, std::string_view salt, unsigned n_rounds,
                        std::size_t n_bytes);
std::string hmac_sha1(std::string_view key, std::string_view data);

/// "is encrypted in a way that is not read"
[[noreturn]] void fail_unknown_encryption();
/// "needs a password", or "needs another password" where one was given.
[[noreturn]] void fail_password(const std::string& given);

}  // namespace kvlink::extract
