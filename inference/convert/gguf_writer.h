// SPDX-License-Identifier: Apache-2.0
// Writing a GGUF file (version 3): keys, the table of tensors, then their bytes one after another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model/gguf_file.h"
#include "kernels/base/file_system.h"

namespace kvlink::inference {

/// Collects keys and the table first; then the bytes of each tensor are written in the table's
/// order. A key that is set again keeps its place and takes the new value. One thread.
class GgufFileWriter {
 public:
  static constexpr std::uint64_t kAlignment = 32;

  void set_u32(std::string_view key, std::uint32_t value);
  void set_f32(std::string_view key, float value);
  void set_flag(std::string_view key, bool value);
  void set_text(std::string_view key, std::string_view value);
  void set_texts(std::string_view key, std::span<const std::string> values);
  void set_reals(std::string_view key, std::span<const float> values);
  void set_integers(std::string_view key, std::span<const std::int32_t> values);
  /// A value as another file encodes it.
  void set_copy(std::string_view key, const GgufValue& value);

  /// Shape outermost first; rows must be whole blocks of the type.
  void add_tensor(std::string name, DType dtype, std::span<const std::int64_t> shape);

  std::int64_t tensor_bytes(std::size_t tensor) const { return tensors_[tensor].n_bytes; }
  std::size_t n_tensors() const { return tensors_.size(); }
  /// Of the whole file.
  std::int64_t file_bytes() const;

  /// Header, keys and table, up to where the first tensor begins.
  void write_head(PendingFile& out) const;
  /// What follows the bytes of a tensor, up to where the next one begins.
  void write_padding(std::size_t tensor, PendingFile& out) const;

 private:
  struct Key {
    std::string name;
    std::string value;  ///< type and bytes
  };
  struct Tensor {
    std::string name;
    DType dtype;
    std::vector<std::int64_t> shape;
    std::int64_t n_bytes;
  };
  void set(std::string_view key, GgufType type, std::string bytes);
  void set_array(std::string_view key, GgufType element, std::uint64_t count, std::string bytes);
  std::string head() const;

  std::vector<Key> keys_;
  std::vector<Tensor> tensors_;
};

}  // namespace kvlink::inference
