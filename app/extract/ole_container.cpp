// SPDX-License-Identifier: Apache-2.0
#include "app/extract/ole_container.h"

#include <algorithm>

#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr std::size_t kEntryBytes = 128;
constexpr std::size_t kMiniBytes = 64;
constexpr std::uint64_t kMiniBelow = 4096;         // streams smaller than this are in small sectors
constexpr std::size_t kHeaderTable = 109;          // sectors of the table that the header names
constexpr std::uint32_t kLastSector = 0xFFFFFFFA;  // greater ones are marks: the end, free, …

[[noreturn]] void fail_damaged() {
  throw Unreadable(ReadProblem::kDamaged, "its container (OLE) is damaged");
}

std::uint32_t number_in(std::string_view bytes, std::size_t pos, std::size_t n) {
  if (pos > bytes.size() || n > bytes.size() - pos) fail_damaged();
  std::uint32_t value = 0;
  for (std::size_t i = n; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[pos + i]);
  }
  return value;
}

void append_numbers(std::string_view bytes, std::vector<std::uint32_t>& out) {
  for (std::size_t pos = 0; pos + 4 <= bytes.size(); pos += 4) {
    out.push_back(number_in(bytes, pos, 4));
  }
}

}  // namespace

OleContainer::OleContainer(std::string_view bytes) : bytes_(bytes) {
  const std::uint32_t shift = number_in(bytes_, 0x1E, 2);
  if (shift != 9 && shift != 12) fail_damaged();
  sector_bytes_ = std::size_t{1} << shift;
  read_table();
  read_directory();
}

/// The first sector lies behind the header, which takes the room of one.
std::string_view OleContainer::sector(std::uint32_t index) const {
  const std::size_t n = bytes_.size() / sector_bytes_;
  if (index >= n) fail_damaged();
  const std::size_t begin = (std::size_t{index} + 1) * sector_bytes_;
  if (begin >= bytes_.size()) fail_damaged();
  return bytes_.substr(begin, sector_bytes_);
}

void OleContainer::read_table() {
  std::vector<std::uint32_t> sectors;
  append_numbers(bytes_.substr(std::min<std::size_t>(0x4C, bytes_.size()), kHeaderTable * 4),
                 sectors);
  const std::size_t most = bytes_.size() / sector_bytes_ + 1;
  std::uint32_t more = number_in(bytes_, 0x44, 4);
  for (std::size_t n = 0; more < kLastSector; ++n) {
    if (n > most) fail_damaged();
    append_numbers(sector(more), sectors);
    more = sectors.back();  // its last number names the next of its kind
    sectors.pop_back();
  }
  for (const std::uint32_t one : sectors) {
    if (one >= kLastSector) continue;
    if (next_.size() > most + sector_bytes_) fail_damaged();
    append_numbers(sector(one), next_);
  }
}

std::string OleContainer::chain(std::uint32_t first, std::optional<std::uint64_t> n_bytes) const {
  std::string out;
  const std::size_t most = bytes_.size();
  for (std::uint32_t at = first; at < kLastSector; at = next_[at]) {
    if (n_bytes && out.size() >= *n_bytes) break;
    if (out.size() > most || at >= next_.size()) fail_damaged();
    out += sector(at);
  }
  if (n_bytes) {
    if (out.size() < *n_bytes) fail_damaged();
    out.resize(static_cast<std::size_t>(*n_bytes));
  }
  return out;
}

std::string OleContainer::mini_chain(std::uint32_t first, std::uint64_t n_bytes) const {
  std::string out;
  for (std::uint32_t at = first; at < kLastSector && out.size() < n_bytes; at = mini_next_[at]) {
    const std::size_t begin = std::size_t{at} * kMiniBytes;
    if (at >= mini_next_.size() || begin >= mini_stream_.size()) fail_damaged();
    out += std::string_view(mini_stream_).substr(begin, kMiniBytes);
  }
  if (out.size() < n_bytes) fail_damaged();
  out.resize(static_cast<std::size_t>(n_bytes));
  return out;
}

void OleContainer::read_directory() {
  constexpr unsigned kStream = 2, kRoot = 5;
  const std::string directory = chain(number_in(bytes_, 0x30, 4), std::nullopt);
  for (std::size_t pos = 0; pos + kEntryBytes <= directory.size(); pos += kEntryBytes) {
    const auto entry = std::string_view(directory).substr(pos, kEntryBytes);
    const std::size_t n_name = std::min<std::size_t>(number_in(entry, 0x40, 2), 0x40);
    const unsigned type = static_cast<unsigned char>(entry[0x42]);
    Entry made{.name = {},
               .first = number_in(entry, 0x74, 4),
               .bytes = number_in(entry, 0x78, 4),
               .is_stream = type == kStream};
    for (std::size_t i = 0; i + 2 < n_name; i += 2) made.name += entry[i];
    if (made.bytes > bytes_.size()) fail_damaged();
    if (type == kRoot && mini_stream_.empty()) mini_stream_ = chain(made.first, made.bytes);
    entries_.push_back(std::move(made));
  }
  const std::uint32_t first_of_small = number_in(bytes_, 0x3C, 4);
  if (first_of_small < kLastSector) {
    append_numbers(chain(first_of_small, std::nullopt), mini_next_);
  }
}

std::optional<std::string> OleContainer::read(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (!entry.is_stream || entry.name != name) continue;
    const bool is_small = entry.bytes < kMiniBelow;
    return is_small ? mini_chain(entry.first, entry.bytes) : chain(entry.first, entry.bytes);
  }
  return std::nullopt;
}

}  // namespace kvlink::extract
