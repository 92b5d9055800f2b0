// SPDX-License-Identifier: Apache-2.0
// The safetensors format: a JSON header that lists tensors, then their bytes without gaps.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inference/model/tensor_entry.h"

namespace kvlink::inference {

/// A tensor of a type that no kernel takes (I64, F8_E4M3, …): sizes checked, bytes not offered.
struct OtherTensor {
  std::string name;
  std::string type;
};

/// The checked contents of a file; borrows the bytes. parse() accepts exactly what the format
/// allows: a header of at most 100 MB of valid UTF-8, names only once, tensors that follow each
/// other without hole, overlap or tail, and sizes that match type and shape. Linear time (sorting
/// by offset aside).
struct SafetensorsFile {
  std::vector<TensorEntry> tensors;  ///< F32, F16 and BF16, by offset
  std::vector<OtherTensor> others;
  std::map<std::string, std::string, std::less<>> metadata;  ///< of at most 16 MiB

  /// `source` names the file in messages. Throws kCorrupt, kUnsupported.
  static SafetensorsFile parse(std::span<const std::byte> bytes, const std::string& source);

  /// Throws kUnsupported for the first of `others` that `is_needless` does not admit.
  template <typename Predicate>
  void expect_only(Predicate is_needless, const std::string& source) const {
    for (const OtherTensor& other : others) {
      if (!is_needless(std::string_view(other.name))) refuse(other, source);
    }
  }

 private:
  [[noreturn]] static void refuse(const OtherTensor& tensor, const std::string& source);
};

}  // namespace kvlink::inference
