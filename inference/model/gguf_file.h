// SPDX-License-Identifier: Apache-2.0
// GGUF versions 2 and 3, little endian: keys and tensor table, read without copying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model/tensor_entry.h"

namespace kvlink::inference {

/// Numbers of the file format.
enum class GgufType : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

/// One value, still encoded. A scalar is an array of one.
struct GgufValue {
  GgufType type = GgufType::kU8;          ///< kArray for arrays
  GgufType element_type = GgufType::kU8;  ///< equals type for scalars
  std::uint64_t count = 1;
  std::span<const std::byte> bytes;  ///< borrowed from the file; strings with their lengths
};

/// The checked contents of a file. Borrows the bytes it was parsed from. Everything is validated
/// by parse(): lengths, counts, duplicate names, alignment, and that the tensors tile the data
/// section exactly. Linear time (times log of the number of names), memory in proportion to names.
/// Getters throw kCorrupt when a key has another type than asked for, kUnsupported above a limit.
class GgufFile {
 public:
  /// `source` names the file in messages. Throws kCorrupt, kUnsupported.
  static GgufFile parse(std::span<const std::byte> bytes, std::string source);

  const std::string& source() const { return source_; }
  const std::map<std::string, GgufValue, std::less<>>& values() const { return values_; }
  const std::vector<TensorEntry>& tensors() const { return tensors_; }
  std::vector<TensorEntry> take_tensors() { return std::move(tensors_); }

  const GgufValue* find(std::string_view key) const;
  std::optional<std::string> text(std::string_view key, std::uint64_t max_bytes) const;
  /// Any integer type; negative is kCorrupt.
  std::optional<std::uint64_t> count(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  /// Arrays; empty when the key is absent.
  std::vector<std::string> texts(std::string_view key, std::uint64_t max_count,
                                 std::uint64_t max_bytes_each) const;
  std::vector<float> reals(std::string_view key, std::uint64_t max_count) const;
  std::vector<std::int32_t> integers(std::string_view key, std::uint64_t max_count) const;

 private:
  const GgufValue* find_array(std::string_view key, std::uint64_t max_count) const;
  [[noreturn]] void wrong_type(std::string_view key, std::string_view wanted) const;

  std::string source_;
  std::map<std::string, GgufValue, std::less<>> values_;
  std::vector<TensorEntry> tensors_;
};

/// The number that the format has for a type. KVLINK_CHECKs that it has one.
std::uint32_t gguf_type_number(DType dtype);

}  // namespace kvlink::inference
