// SPDX-License-Identifier: Apache-2.0
#include "inference/weight_memory.h"

#include "kernels/base/dtype.h"
#include "kernels/packed_weights.h"

namespace kvlink::inference {

WeightMemory memory_of_weights(const ModelOutline& outline) {
  using kernels::PackedWeights;
  WeightMemory memory;
  std::int64_t n_matrix_bytes = 0;
  for (const MatrixOutline& m : outline.matrices) {
    const std::int64_t n_bytes = m.rows * row_bytes(m.dtype, m.cols);
    const bool is_packed = m.is_multiplied && PackedWeights::packs(m.dtype);
    n_matrix_bytes += n_bytes;
    if (is_packed) memory.packed += PackedWeights::packed_bytes(m.dtype, m.rows, m.cols);
    if (!is_packed || m.is_looked_up) memory.mapped += n_bytes;
  }
  // What else stands in the files: norms and biases, and the vocabulary.
  if (outline.weight_bytes > n_matrix_bytes) memory.mapped += outline.weight_bytes - n_matrix_bytes;
  return memory;
}

}  // namespace kvlink::inference
