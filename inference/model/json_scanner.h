// SPDX-License-Identifier: Apache-2.0
// A forward-only reader of JSON whose shape is known: no tree, no recursion, no allocation but the
// strings that are asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kvlink::inference {

/// Borrows the text, which must be valid UTF-8. Every error is kCorrupt with `source` and the byte.
class JsonScanner {
 public:
  JsonScanner(std::string_view text, std::string source);

  std::uint64_t offset() const { return at_; }
  /// Skips white space, then takes `c` or fails.
  void expect(char c);
  /// Skips white space, then takes `c` if it is next.
  bool accept(char c);
  /// A string with its escapes resolved, of at most max_bytes.
  std::string text(std::uint64_t max_bytes);
  void skip_text();
  /// Decimal digits only: no sign, fraction, exponent or leading zero.
  std::uint64_t whole_number();
  /// Only white space may follow.
  void expect_end();
  [[noreturn]] void corrupt(const std::string& detail) const;

 private:
  void skip_space();
  std::uint32_t read_hex4();
  void read_escape(std::string* out);
  /// Reads a string; keeps it only when `out` is given.
  void read_text(std::string* out, std::uint64_t max_bytes);

  std::string_view text_;
  std::string source_;
  std::size_t at_ = 0;
};

}  // namespace kvlink::inference
