// SPDX-License-Identifier: Apache-2.0
// Writes GGUF files for tests: well-formed by default, malformed on request.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/base/dtype.h"

namespace kvlink::tests {

/// A tensor record; every field may be set to nonsense before bytes() is called.
struct GgufTensor {
  std::string name;
  std::vector<std::uint64_t> dims;  ///< innermost first, as in the file
  std::uint32_t type = 0;           ///< number of the format
  std::string bytes;
  std::optional<std::uint64_t> offset;  ///< where the record claims the data begins
  std::optional<std::uint32_t> n_dims;  ///< how many dims the record claims
};

/// Values under the same key replace each other; add_raw() always appends.
class GgufWriter {
 public:
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;  ///< used for placing; state it with set_u32 when not 32
  std::optional<std::uint64_t> n_tensors;
  std::optional<std::uint64_t> n_keys;
  std::vector<GgufTensor> tensors;

  void set_u32(std::string_view key, std::uint32_t value);
  void set_f32(std::string_view key, float value);
  void set_bool(std::string_view key, bool value);
  void set_text(std::string_view key, std::string_view value);
  void set_texts(std::string_view key, std::span<const std::string> values);
  void set_i32s(std::string_view key, std::span<const std::int32_t> values);
  void set_f32s(std::string_view key, std::span<const float> values);
  /// A value of any type number from its encoded bytes; replaces.
  void set_raw(std::string_view key, std::uint32_t type, std::string value);
  /// The same without looking for an earlier one: for duplicate keys.
  void add_raw(std::string_view key, std::uint32_t type, std::string value);
  void erase(std::string_view key);

  /// A matrix (rows x cols) or, with rows 0, a vector of cols elements.
  void add_tensor(std::string_view name, DType dtype, std::uint64_t rows,
                  std::span<const float> values);
  GgufTensor& tensor(std::string_view name);
  void erase_tensor(std::string_view name);

  std::string bytes() const;

 private:
  struct Value {
    std::string key;
    std::uint32_t type = 0;
    std::string bytes;
  };
  std::vector<Value> values_;
};

/// Little-endian bytes of a number.
template <typename T>
std::string raw_bytes(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}
/// A string as GGUF stores it.
std::string gguf_text(std::string_view text);

/// Rows of floats in a stored type; quantised types round to nearest, 32 elements a block.
std::string encode_floats(std::span<const float> values, DType dtype);

void write_file(const std::filesystem::path& path, std::string_view bytes);
std::string read_file(const std::filesystem::path& path);

}  // namespace kvlink::tests
