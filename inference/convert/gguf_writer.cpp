// SPDX-License-Identifier: Apache-2.0
#include "inference/convert/gguf_writer.h"

#include <algorithm>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr std::uint32_t kVersion = 3;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint64_t>(text.size()));
  out.append(text);
}

template <typename T>
std::string bytes_of(T value) {
  std::string bytes;
  put(bytes, value);
  return bytes;
}

template <typename T>
std::string bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::uint64_t aligned(std::uint64_t at) {
  return (at + GgufFileWriter::kAlignment - 1) & ~(GgufFileWriter::kAlignment - 1);
}

}  // namespace

void GgufFileWriter::set(std::string_view key, GgufType type, std::string bytes) {
  std::string value = bytes_of(static_cast<std::uint32_t>(type)) + std::move(bytes);
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.name == key; });
  if (found == keys_.end()) {
    keys_.push_back({std::string(key), std::move(value)});
  } else {
    found->value = std::move(value);
  }
}

void GgufFileWriter::set_array(std::string_view key, GgufType element, std::uint64_t count,
                               std::string bytes) {
  set(key, GgufType::kArray,
      bytes_of(static_cast<std::uint32_t>(element)) + bytes_of(count) + std::move(bytes));
}

void GgufFileWriter::set_u32(std::string_view key, std::uint32_t value) {
  set(key, GgufType::kU32, bytes_of(value));
}

void GgufFileWriter::set_f32(std::string_view key, float value) {
  set(key, GgufType::kF32, bytes_of(value));
}

void GgufFileWriter::set_flag(std::string_view key, bool value) {
  set(key, GgufType::kBool, bytes_of(static_cast<std::uint8_t>(value)));
}

void GgufFileWriter::set_text(std::string_view key, std::string_view value) {
  std::string bytes;
  put_text(bytes, value);
  set(key, GgufType::kString, std::move(bytes));
}

void GgufFileWriter::set_texts(std::string_view key, std::span<const std::string> values) {
  std::string bytes;
  for (const std::string& value : values) put_text(bytes, value);
  set_array(key, GgufType::kString, values.size(), std::move(bytes));
}

void GgufFileWriter::set_reals(std::string_view key, std::span<const float> values) {
  set_array(key, GgufType::kF32, values.size(), bytes_of(values));
}

void GgufFileWriter::set_integers(std::string_view key, std::span<const std::int32_t> values) {
  set_array(key, GgufType::kI32, values.size(), bytes_of(values));
}

void GgufFileWriter::set_copy(std::string_view key, const GgufValue& value) {
  std::string bytes(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
  if (value.type == GgufType::kArray) {
    set_array(key, value.element_type, value.count, std::move(bytes));
  } else {
    set(key, value.type, std::move(bytes));
  }
}

void GgufFileWriter::add_tensor(std::string name, DType dtype,
                                std::span<const std::int64_t> shape) {
  KVLINK_CHECK(!shape.empty() && shape.back() % block_elements(dtype) == 0);
  std::int64_t n_rows = 1;
  for (const std::int64_t extent : shape.first(shape.size() - 1)) n_rows *= extent;
  tensors_.push_back({std::move(name),
                      dtype,
                      {shape.begin(), shape.end()},
                      n_rows * row_bytes(dtype, shape.back())});
}

std::string GgufFileWriter::head() const {
  std::string out = "GGUF";
  put(out, kVersion);
  put(out, static_cast<std::uint64_t>(tensors_.size()));
  put(out, static_cast<std::uint64_t>(keys_.size()));
  for (const Key& key : keys_) {
    put_text(out, key.name);
    out += key.value;
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    put_text(out, tensor.name);
    put(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto extent = tensor.shape.rbegin(); extent != tensor.shape.rend(); ++extent) {
      put(out, static_cast<std::uint64_t>(*extent));
    }
    put(out, gguf_type_number(tensor.dtype));
    put(out, offset);
    offset = aligned(offset + static_cast<std::uint64_t>(tensor.n_bytes));
  }
  out.resize(aligned(out.size()), '\0');
  return out;
}

std::int64_t GgufFileWriter::file_bytes() const {
  std::uint64_t n_bytes = head().size();
  for (const Tensor& tensor : tensors_) {
    n_bytes += aligned(static_cast<std::uint64_t>(tensor.n_bytes));
  }
  return static_cast<std::int64_t>(n_bytes);
}

void GgufFileWriter::write_head(PendingFile& out) const {
  const std::string bytes = head();
  out.write(std::as_bytes(std::span(bytes)));
}

void GgufFileWriter::write_padding(std::size_t tensor, PendingFile& out) const {
  const auto size = static_cast<std::uint64_t>(tensors_[tensor].n_bytes);
  const std::string zeros(aligned(size) - size, '\0');
  if (!zeros.empty()) out.write(std::as_bytes(std::span(zeros)));
}

}  // namespace kvlink::inference
