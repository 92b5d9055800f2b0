// SPDX-License-Identifier: Apache-2.0
// Non-owning views that ops take: a matrix of activations, and a weight matrix in its stored type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/dtype.h"

namespace kvlink {

/// Row-major [rows, cols]; the last dimension is contiguous, row_stride >= cols. Passed by value.
template <typename T>
struct View {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t row_stride = 0;

  View() = default;
  View(T* d, std::int64_t r, std::int64_t c) : data(d), rows(r), cols(c), row_stride(c) {}
  View(T* d, std::int64_t r, std::int64_t c, std::int64_t stride)
      : data(d), rows(r), cols(c), row_stride(stride) {}
  operator View<const T>() const { return {data, rows, cols, row_stride}; }
  T* row(std::int64_t r) const { return data + r * row_stride; }
};

/// A weight matrix [rows = outputs, cols = inputs] as stored; rows are contiguous blocks of dtype.
/// Borrowed from the model's mapping.
struct WeightView {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  const std::byte* row(std::int64_t r) const { return data + r * row_bytes(dtype, cols); }
  bool empty() const { return data == nullptr; }
};

/// One layer of the in-memory KV arena. Keys are rotated (RoPE applied); head-major so that one
/// head's keys are contiguous: [n_kv_heads, capacity, head_dim]. Types and scales:
/// kernels/kv_arena.h.
struct KvArenaView {
  std::byte* keys = nullptr;
  std::byte* values = nullptr;
  DType dtype = DType::kF16;
  std::int64_t n_kv_heads = 0;
  std::int64_t capacity = 0;
  std::int64_t head_dim = 0;
};

}  // namespace kvlink
