// SPDX-License-Identifier: Apache-2.0
#include "inference/model/tensor_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/base/dtype.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

float element_as_float(const std::byte* at, DType dtype) {
  std::uint16_t bits = 0;
  float value = 0;
  if (dtype == DType::kF32) {
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  std::memcpy(&bits, at, sizeof(bits));
  return dtype == DType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

/// Kernels read elements and block scales in place, so rows must start at an aligned address.
std::uintptr_t required_alignment(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

}  // namespace

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

TensorTable::TensorTable(TensorStorage& storage, std::string source)
    : storage_(storage), source_(std::move(source)), taken_(storage.tensors.size(), false) {
  for (std::size_t i = 0; i < storage_.tensors.size(); ++i) {
    index_.emplace(storage_.tensors[i].name, i);
  }
}

const TensorEntry* TensorTable::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &storage_.tensors[found->second];
}

const TensorEntry& TensorTable::take(const std::string& name, std::span<const std::int64_t> shape) {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    fail(ErrorCode::kCorrupt, source_ + ": tensor " + name + " is missing");
  }
  const TensorEntry& tensor = storage_.tensors[found->second];
  if (!std::equal(tensor.shape.begin(), tensor.shape.end(), shape.begin(), shape.end())) {
    fail(ErrorCode::kCorrupt, source_ + ": tensor " + name + " has shape " +
                                  shape_text(tensor.shape) + ", expected " + shape_text(shape));
  }
  taken_[found->second] = true;
  return tensor;
}

WeightView TensorTable::matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
  const TensorEntry& tensor = take(name, std::array{rows, cols});
  const std::byte* data = tensor.bytes.data();
  if (reinterpret_cast<std::uintptr_t>(data) % required_alignment(tensor.dtype) != 0) {
    auto& copy = storage_.copies.emplace_back(static_cast<std::int64_t>(tensor.bytes.size()));
    std::memcpy(copy.bytes().data(), data, tensor.bytes.size());
    data = copy.bytes().data();
  }
  return {data, tensor.dtype, rows, cols};
}

const float* TensorTable::vector(const std::string& name, std::int64_t n) {
  const TensorEntry& tensor = take(name, std::array{n});
  if (block_elements(tensor.dtype) != 1) {
    fail(ErrorCode::kUnsupported, source_ + ": tensor " + name + " has type " +
                                      dtype_name(tensor.dtype) + "; vectors must not be quantised");
  }
  auto& values = storage_.vectors.emplace_back(static_cast<std::size_t>(n));
  const auto stride = static_cast<std::size_t>(block_bytes(tensor.dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = element_as_float(tensor.bytes.data() + i * stride, tensor.dtype);
    if (!std::isfinite(values[i])) {
      fail(ErrorCode::kCorrupt,
           source_ + ": tensor " + name + " is not finite at element " + std::to_string(i));
    }
  }
  return values.data();
}

void TensorTable::ignore(std::string_view name) {
  const auto found = index_.find(name);
  if (found != index_.end()) taken_[found->second] = true;
}

void TensorTable::expect_all_taken() const {
  const auto left = std::find(taken_.begin(), taken_.end(), false);
  if (left == taken_.end()) return;
  fail(ErrorCode::kUnsupported,
       source_ + ": tensor " +
           storage_.tensors[static_cast<std::size_t>(left - taken_.begin())].name +
           " belongs to a variant of the architecture that is not supported");
}

std::string summarize_types(std::span<const TensorEntry> tensors) {
  std::map<std::string, int> counts;
  for (const TensorEntry& tensor : tensors) ++counts[dtype_name(tensor.dtype)];
  std::vector<std::pair<std::string, int>> ordered(counts.begin(), counts.end());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [name, count] : ordered) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  }
  return text;
}

}  // namespace kvlink::inference
