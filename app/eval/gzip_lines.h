// SPDX-License-Identifier: Apache-2.0
// The lines of a text file that may be gzip-compressed, bounded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kvlink::app {

/// Reads forward, one line at a time. One thread. Throws: kNotFound, kIo, kCorrupt (damaged gzip),
/// kUnsupported (a line beyond kMaxLineBytes, more text than kMaxTotalBytes), always with file and
/// line.
class GzipLines {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{8} << 20;
  static constexpr std::int64_t kMaxTotalBytes = std::int64_t{4} << 30;  ///< decompressed

  explicit GzipLines(std::filesystem::path file);
  ~GzipLines();
  GzipLines(const GzipLines&) = delete;
  GzipLines& operator=(const GzipLines&) = delete;

  /// The next line without its end ("\n" or "\r\n"); nothing at the end. Valid until the next call.
  std::optional<std::string_view> next();
  /// Number of the line that next() gave, from 1.
  std::int64_t number() const { return number_; }
  /// "FILE, line 12"
  std::string place() const;

 private:
  bool read_more();

  struct Stream;
  std::filesystem::path file_;
  std::unique_ptr<Stream> stream_;
  std::string buffer_;
  std::size_t begin_ = 0;  ///< of the text in buffer_ that was not given out
  std::int64_t n_bytes_ = 0;
  std::int64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace kvlink::app
