// SPDX-License-Identifier: Apache-2.0
// Streams of a compound file (OLE), which encrypted Office documents are wrapped in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvlink::extract {

/// Reads the directory at once and streams on demand; every chain of sectors is followed for as
/// many sectors as there are at most. Borrows the bytes. Throws Unreadable.
class OleContainer {
 public:
  explicit OleContainer(std::string_view bytes);

  /// The first stream of that name (ASCII); nothing without one.
  std::optional<std::string> read(std::string_view name) const;

 private:
  struct Entry {
    std::string name;
    std::uint32_t first = 0;  ///< sector
    std::uint64_t bytes = 0;
    bool is_stream = false;
  };

  std::string_view sector(std::uint32_t index) const;
  void read_table();
  void read_directory();
  /// `n_bytes`: where it ends early; the chain's whole length without.
  std::string chain(std::uint32_t first, std::optional<std::uint64_t> n_bytes) const;
  std::string mini_chain(std::uint32_t first, std::uint64_t n_bytes) const;

  std::string_view bytes_;
  std::size_t sector_bytes_ = 0;
  std::vector<std::uint32_t> next_;       ///< of each sector
  std::vector<std::uint32_t> mini_next_;  ///< of each small sector
  std::string mini_stream_;
  std::vector<Entry> entries_;
};

}  // namespace kvlink::extract
