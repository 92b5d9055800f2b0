// SPDX-License-Identifier: Apache-2.0
#include "app/extract/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "app/extract/decryption.h"
#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr std::size_t kEndBytes = 22;     // end of central directory, without its comment
constexpr std::size_t kEntryBytes = 46;   // central directory entry, without its names
constexpr std::size_t kLocalBytes = 30;   // local header, without its names
constexpr std::uint32_t kMaxRatio = 200;  // unpacked to packed, of members beyond kRatioFrom
constexpr std::uint64_t kRatioFrom = std::uint64_t{32} << 20;

[[noreturn]] void fail_damaged(const std::string& detail) {
  throw Unreadable(ReadProblem::kDamaged, "its container (ZIP) is damaged: " + detail);
}

[[noreturn]] void fail_too_large() {
  throw Unreadable(ReadProblem::kTooLarge, "it unpacks to more than may be read (a ZIP bomb?)");
}

std::uint32_t number_at(std::string_view bytes, std::size_t pos, int n) {
  if (pos + static_cast<std::size_t>(n) > bytes.size()) fail_damaged("it ends too early");
  std::uint32_t value = 0;
  for (int i = 0; i < n; ++i) {
    value |= static_cast<std::uint32_t>(
                 static_cast<unsigned char>(bytes[pos + static_cast<std::size_t>(i)]))
             << (8 * i);
  }
  return value;
}

/// Offset of the end record, looking backwards over its comment.
std::size_t find_end(std::string_view bytes) {
  if (bytes.size() < kEndBytes) fail_damaged("it is too short");
  const std::size_t last = bytes.size() - kEndBytes;
  const std::size_t first = last > 65535 ? last - 65535 : 0;
  for (std::size_t pos = last + 1; pos-- > first;) {
    if (bytes.substr(pos, 4) == std::string_view("PK\x05\x06", 4)) return pos;
  }
  fail_damaged("it has no directory");
}

class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  std::string run(std::string_view packed, std::uint64_t limit) {
    std::string out;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    for (;;) {
      const auto old = out.size();
      if (old > limit) fail_too_large();
      out.resize(old + kStep);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + old);
      stream_.avail_out = static_cast<uInt>(kStep);
      const int state = inflate(&stream_, Z_NO_FLUSH);
      out.resize(out.size() - stream_.avail_out);
      if (state == Z_STREAM_END) return out;
      if (state != Z_OK || (out.size() == old && stream_.avail_in == 0)) {
        fail_damaged("a member cannot be unpacked");
      }
    }
  }

 private:
  static constexpr std::size_t kStep = 1 << 18;
  z_stream stream_{};
};

}  // namespace

ZipArchive::ZipArchive(std::string_view bytes, ZipLimits limits, std::string password)
    : bytes_(bytes), limits_(limits), password_(std::move(password)) {
  read_directory();
  refuse_overlaps();
}

void ZipArchive::read_directory() {
  const std::size_t end = find_end(bytes_);
  const std::uint32_t n = number_at(bytes_, end + 10, 2);
  directory_ = number_at(bytes_, end + 16, 4);
  if (n == 0xFFFF || directory_ == 0xFFFFFFFF) {
    throw Unreadable(ReadProblem::kTooLarge, "its container (ZIP64) is larger than may be read");
  }
  if (n > limits_.members) fail_too_large();
  if (directory_ > end) fail_damaged("its directory lies outside");
  std::size_t pos = static_cast<std::size_t>(directory_);
  for (std::uint32_t i = 0; i < n; ++i) take_entry(pos);
}

void ZipArchive::take_entry(std::size_t& pos) {
  if (bytes_.substr(std::min(pos, bytes_.size()), 4) != std::string_view("PK\x01\x02", 4)) {
    fail_damaged("its directory has a hole");
  }
  Member member;
  member.flags = static_cast<std::uint16_t>(number_at(bytes_, pos + 8, 2));
  member.method = static_cast<std::uint16_t>(number_at(bytes_, pos + 10, 2));
  member.time = static_cast<std::uint16_t>(number_at(bytes_, pos + 12, 2));
  member.crc = number_at(bytes_, pos + 16, 4);
  member.packed = number_at(bytes_, pos + 20, 4);
  member.unpacked = number_at(bytes_, pos + 24, 4);
  const std::size_t n_name = number_at(bytes_, pos + 28, 2);
  const std::size_t n_extra = number_at(bytes_, pos + 30, 2);
  const std::size_t n_rest = n_extra + number_at(bytes_, pos + 32, 2);
  member.offset = number_at(bytes_, pos + 42, 4);
  if (pos + kEntryBytes + n_name > bytes_.size()) fail_damaged("its directory ends too early");
  if (member.method == kZipAesMethod) {
    member.aes = zip_aes(bytes_.substr(pos + kEntryBytes + n_name, n_extra));
    member.method = member.aes.method;
  }
  std::string name(bytes_.substr(pos + kEntryBytes, n_name));
  std::replace(name.begin(), name.end(), '\\', '/');
  if (name.starts_with('/')) name.erase(0, 1);
  members_.emplace(std::move(name), member);
  pos += kEntryBytes + n_name + n_rest;
}

/// Members that share bytes are how a small file unpacks to terabytes.
void ZipArchive::refuse_overlaps() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, member] : members_) {
    ranges.emplace_back(member.offset, member.offset + kLocalBytes + name.size() + member.packed);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const bool outside = ranges[i].second > directory_;
    const bool overlaps = i + 1 < ranges.size() && ranges[i].second > ranges[i + 1].first;
    if (outside || overlaps) fail_damaged("its members overlap (a ZIP bomb?)");
  }
}

std::optional<std::string> ZipArchive::read(const std::string& name) {
  const auto found = members_.find(name);
  if (found == members_.end()) return std::nullopt;
  const Member& member = found->second;
  const bool checked_by_one_byte = (member.flags & 1U) != 0 && member.aes.key_bytes == 0;
  try {
    return unpack(name, member);
  } catch (const Unreadable& e) {
    // Of 256 wrong passwords one looks right until the checksum says otherwise.
    if (checked_by_one_byte && e.problem() == ReadProblem::kDamaged) fail_password(password_);
    throw;
  }
}

std::string ZipArchive::decrypt(const Member& member, std::string_view packed) const {
  if (member.aes.key_bytes != 0) return decrypt_zip_aes(packed, member.aes, password_);
  const bool by_time = (member.flags & 8U) != 0;
  const auto check =
      static_cast<unsigned char>(by_time ? member.time >> 8 : static_cast<int>(member.crc >> 24));
  return decrypt_zip(packed, check, password_);
}

/// The most that may come out of it.
std::uint64_t ZipArchive::room_for(std::uint64_t unpacked, std::uint64_t packed) const {
  const auto left = static_cast<std::uint64_t>(limits_.total_bytes - n_unpacked_);
  const auto most = std::min(left, static_cast<std::uint64_t>(limits_.member_bytes));
  const bool bomb = unpacked > kRatioFrom && unpacked / kMaxRatio > packed;
  if (unpacked > most || bomb) fail_too_large();
  return unpacked;
}

std::string ZipArchive::inflate(std::string_view packed, std::uint64_t unpacked) {
  std::string out = Inflater().run(packed, room_for(unpacked, packed.size()));
  if (out.size() != unpacked) fail_damaged("a member has another size than is said");
  n_unpacked_ += static_cast<std::int64_t>(out.size());
  return out;
}

std::string ZipArchive::unpack(const std::string& name, const Member& member) {
  const auto most = room_for(member.unpacked, member.packed);
  const auto offset = static_cast<std::size_t>(member.offset);
  if (bytes_.substr(std::min(offset, bytes_.size()), 4) != std::string_view("PK\x03\x04", 4)) {
    fail_damaged("there is no member where its directory says");
  }
  const std::size_t begin =
      offset + kLocalBytes + number_at(bytes_, offset + 26, 2) + number_at(bytes_, offset + 28, 2);
  if (begin > bytes_.size() || member.packed > bytes_.size() - begin) {
    fail_damaged("a member ends outside");
  }
  auto packed = bytes_.substr(begin, static_cast<std::size_t>(member.packed));
  const bool encrypted = (member.flags & 1U) != 0;
  const std::string opened = encrypted ? decrypt(member, packed) : std::string();
  if (encrypted) packed = opened;
  std::string out;
  if (member.method == 0) {
    out = packed;
  } else if (member.method == 8) {
    out = Inflater().run(packed, most);
  } else {
    throw Unreadable(ReadProblem::kUnsupported, "its parts are packed in a way that is not read");
  }
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(out.data()), out.size());
  // Some encrypted members have another checksum instead, which was compared.
  const bool has_sum = !member.aes.replaces_checksum;
  if (out.size() != member.unpacked || (has_sum && sum != member.crc)) {
    fail_damaged("the checksum of " + name.substr(0, 80) + " is wrong");
  }
  n_unpacked_ += static_cast<std::int64_t>(out.size());
  return out;
}

}  // namespace kvlink::extract
