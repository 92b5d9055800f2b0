// SPDX-License-Identifier: Apache-2.0
// Encrypted members of ZIP archives: the old way of PKZIP, and AES as WinZip has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvlink::extract {

/// The method that says: encrypted by AES, see the extra field.
inline constexpr std::uint16_t kZipAesMethod = 99;

struct ZipAes {
  std::size_t key_bytes = 0;       ///< 16, 24 or 32; 0: not encrypted so
  std::uint16_t method = 0;        ///< how the member is packed
  bool replaces_checksum = false;  ///< AE-2: the member has no CRC
};

/// From the extra field of a member. Throws Unreadable.
ZipAes zip_aes(std::string_view extra);

// A member's bytes, still packed. Throw Unreadable: kNeedsPassword for none or a wrong one,
// kDamaged.

std::string decrypt_zip_aes(std::string_view bytes, const ZipAes& aes, const std::string& password);
/// `check`: what the last byte of the member's header is, with the right password.
std::string decrypt_zip(std::string_view bytes, unsigned char check, const std::string& password);

}  // namespace kvlink::extract
