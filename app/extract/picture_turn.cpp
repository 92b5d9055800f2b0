// SPDX-License-Identifier: Apache-2.0
#include "app/extract/picture_turn.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kvlink::extract {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExif = "Exif\0\0"sv;
constexpr std::uint32_t kOrientation = 0x0112;
constexpr std::uint32_t kShort = 3;
constexpr std::size_t kEntryBytes = 12;

/// Of an integer of `n` bytes at `pos`; nothing beyond the end.
std::optional<std::uint32_t> number_at(std::string_view bytes, std::size_t pos, std::size_t n,
                                       bool big_endian) {
  if (pos > bytes.size() || n > bytes.size() - pos) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[pos + (big_endian ? i : n - 1 - i)]);
    value = value << 8 | byte;
  }
  return value;
}

/// The orientation of the first directory of a TIFF structure, 1 to 8; 0 for none.
std::uint32_t orientation_in(std::string_view tiff) {
  const bool big = tiff.starts_with("MM");
  if (!big && !tiff.starts_with("II")) return 0;
  const auto at = number_at(tiff, 4, 4, big);
  if (!at) return 0;
  const auto n = number_at(tiff, *at, 2, big);
  for (std::size_t i = 0; n && i < *n; ++i) {
    const std::size_t entry = std::size_t{*at} + 2 + i * kEntryBytes;
    const auto tag = number_at(tiff, entry, 2, big);
    const auto type = number_at(tiff, entry + 2, 2, big);
    const auto value = number_at(tiff, entry + 8, 2, big);
    if (!tag || !type || !value) return 0;
    if (*tag == kOrientation) return *type == kShort ? *value : 0;
  }
  return 0;
}

/// The TIFF structure of the segment that holds Exif; empty where there is none.
std::string_view exif_in(std::string_view jpeg) {
  if (!jpeg.starts_with("\xFF\xD8")) return {};
  jpeg.remove_prefix(2);
  constexpr unsigned char kApp1 = 0xE1, kStartOfScan = 0xDA;
  while (jpeg.size() >= 4 && jpeg[0] == '\xFF') {
    const auto marker = static_cast<unsigned char>(jpeg[1]);
    if (marker == kStartOfScan) break;
    const auto size = number_at(jpeg, 2, 2, true).value_or(0);
    if (size < 2 || size > jpeg.size() - 2) break;
    const auto segment = jpeg.substr(4, size - 2);
    if (marker == kApp1 && segment.starts_with(kExif)) return segment.substr(kExif.size());
    jpeg.remove_prefix(2 + size);
  }
  return {};
}

}  // namespace

PictureTurn exif_turn(std::string_view jpeg) {
  // By the number of the orientation less one.
  constexpr std::array kTurns = {PictureTurn{false, 0}, PictureTurn{true, 0}, PictureTurn{false, 2},
                                 PictureTurn{true, 2},  PictureTurn{true, 3}, PictureTurn{false, 1},
                                 PictureTurn{true, 1},  PictureTurn{false, 3}};
  const std::uint32_t orientation = orientation_in(exif_in(jpeg));
  const bool is_known = orientation >= 1 && orientation <= kTurns.size();
  return is_known ? kTurns[orientation - 1] : PictureTurn{};
}

}  // namespace kvlink::extract
