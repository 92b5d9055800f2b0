// SPDX-License-Identifier: Apache-2.0
// Members of a ZIP file in memory, one at a time, with limits against bombs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "app/extract/zip_encryption.h"

namespace kvlink::extract {

struct ZipLimits {
  std::size_t members = 20'000;
  std::int64_t member_bytes = std::int64_t{192} << 20;  ///< unpacked
  std::int64_t total_bytes = std::int64_t{384} << 20;   ///< unpacked, over all reads
};

/// Reads the central directory at once and members on demand; nothing is written to disk. Refused
/// as damaged: members that overlap (a bomb), a directory that points outside. Names that appear
/// twice: the first one counts. Borrows the bytes.
class ZipArchive {
 public:
  /// Throws Unreadable.
  /// `password`: of encrypted members.
  explicit ZipArchive(std::string_view bytes, ZipLimits limits = {}, std::string password = {});

  bool contains(const std::string& name) const { return members_.contains(name); }
  /// Names in order of the alphabet.
  const auto& members() const { return members_; }
  /// The member unpacked and its checksum compared; nothing when there is none of that name. Throws
  /// Unreadable: damaged, encrypted, beyond the limits.
  std::optional<std::string> read(const std::string& name);
  /// Bytes packed as members are (raw deflate), which are said to unpack to `unpacked` bytes, with
  /// the same limits. Throws as read.
  std::string inflate(std::string_view packed, std::uint64_t unpacked);

  const std::string& password() const { return password_; }

 private:
  struct Member {
    std::uint64_t offset = 0;  ///< of the local header
    std::uint64_t packed = 0;
    std::uint64_t unpacked = 0;
    std::uint32_t crc = 0;
    std::uint16_t method = 0;
    std::uint16_t flags = 0;
    std::uint16_t time = 0;  ///< last byte of an encrypted header, in some archives
    ZipAes aes = {};
  };
  void read_directory();
  void take_entry(std::size_t& pos);
  void refuse_overlaps() const;
  std::uint64_t room_for(std::uint64_t unpacked, std::uint64_t packed) const;
  std::string unpack(const std::string& name, const Member& member);
  std::string decrypt(const Member& member, std::string_view packed) const;

  std::string_view bytes_;
  ZipLimits limits_;
  std::string password_;
  std::int64_t n_unpacked_ = 0;
  std::uint64_t directory_ = 0;  ///< offset of the central directory
  std::map<std::string, Member, std::less<>> members_;
};

}  // namespace kvlink::extract
