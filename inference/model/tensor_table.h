// SPDX-License-Identifier: Apache-2.0
// Tensors by name: shapes checked, norms converted, nothing left over.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model/mapped_file.h"
#include "inference/model/tensor_entry.h"
#include "kernels/base/buffer.h"
#include "kernels/base/view.h"

namespace kvlink::inference {

/// What a loaded model owns: the mappings, and what could not be used in place.
struct TensorStorage {
  std::vector<MappedFile> files;
  std::vector<TensorEntry> tensors;
  std::vector<std::vector<float>> vectors;  ///< norms and biases as f32
  std::vector<HostBuffer> copies;           ///< tensors whose place in the file is not aligned
};

/// Takes tensors out of a storage one by one. Errors are thrown as kCorrupt (missing, wrong shape,
/// not finite) or kUnsupported (expect_all_taken), always with the tensor's name.
class TensorTable {
 public:
  /// Borrows both; `source` names the file in messages.
  TensorTable(TensorStorage& storage, std::string source);

  bool has(std::string_view name) const { return index_.contains(name); }
  /// The entry, or nothing; does not count as taken.
  const TensorEntry* find(std::string_view name) const;
  WeightView matrix(const std::string& name, std::int64_t rows, std::int64_t cols);
  /// A vector of n elements as f32; must be finite.
  const float* vector(const std::string& name, std::int64_t n);
  /// Marks a tensor that is known and not needed.
  void ignore(std::string_view name);
  /// A tensor that nobody took changes what the model computes: refuses to go on without it.
  void expect_all_taken() const;

 private:
  const TensorEntry& take(const std::string& name, std::span<const std::int64_t> shape);

  TensorStorage& storage_;
  std::string source_;
  std::map<std::string_view, std::size_t> index_;
  std::vector<bool> taken_;
};

/// "q4_1 210, f32 61": how many tensors have which type, most frequent first.
std::string summarize_types(std::span<const TensorEntry> tensors);

}  // namespace kvlink::inference
