// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gguf_writer.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace kvlink::tests {
namespace {

constexpr std::size_t kBlock = 32;

std::uint32_t gguf_type(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kQ4_0:
      return 2;
    case DType::kQ4_1:
      return 3;
    case DType::kQ8_0:
      return 8;
    case DType::kBF16:
      return 30;
    case DType::kQ5_0:
      return 6;
    case DType::kQ5_1:
      return 7;
    case DType::kQ2K:
      return 10;
    case DType::kQ3K:
      return 11;
    case DType::kQ4K:
      return 12;
    case DType::kQ5K:
      return 13;
    case DType::kQ6K:
      return 14;
    case DType::kIq4Nl:
      return 20;
    case DType::kQ8Kv:
      break;
  }
  throw std::invalid_argument("no GGUF tensor type for this dtype");
}

std::string f16_bytes(float value) { return raw_bytes(f32_to_f16(value)); }

std::string encode_q8_0(std::span<const float> block) {
  float largest = 0;
  for (const float v : block) largest = std::max(largest, std::fabs(v));
  const float scale = largest / 127.0F;
  std::string out = f16_bytes(scale);
  for (const float v : block) {
    out += static_cast<char>(scale == 0 ? 0 : std::lround(v / scale));
  }
  return out;
}

/// Low nibbles hold elements 0 to 15, high nibbles 16 to 31.
std::string pack_nibbles(std::span<const float> block, float scale, float minimum) {
  const auto level = [&](float v) {
    const long q = scale == 0 ? 0 : std::lround((v - minimum) / scale);
    return static_cast<unsigned>(std::clamp(q, 0L, 15L));
  };
  std::string out;
  for (std::size_t i = 0; i < kBlock / 2; ++i) {
    out += static_cast<char>(level(block[i]) | level(block[i + kBlock / 2]) << 4);
  }
  return out;
}

std::string encode_q4_0(std::span<const float> block) {
  float largest = 0;
  for (const float v : block) largest = std::max(largest, std::fabs(v));
  const float scale = largest / 7.0F;
  return f16_bytes(scale) + pack_nibbles(block, scale, -8.0F * scale);
}

std::string encode_q4_1(std::span<const float> block) {
  const auto [low, high] = std::minmax_element(block.begin(), block.end());
  const float scale = (*high - *low) / 15.0F;
  return f16_bytes(scale) + f16_bytes(*low) + pack_nibbles(block, scale, *low);
}

void pad(std::string& bytes, std::uint64_t alignment) {
  while (bytes.size() % alignment != 0) bytes += '\0';
}

}  // namespace

std::string gguf_text(std::string_view text) {
  return raw_bytes(std::uint64_t{text.size()}) + std::string(text);
}

std::string encode_floats(std::span<const float> values, DType dtype) {
  std::string out;
  if (dtype == DType::kF32) {
    return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
  }
  if (dtype == DType::kF16 || dtype == DType::kBF16) {
    for (const float v : values) {
      out += raw_bytes(dtype == DType::kF16 ? f32_to_f16(v) : f32_to_bf16(v));
    }
    return out;
  }
  if (dtype != DType::kQ8_0 && dtype != DType::kQ4_0 && dtype != DType::kQ4_1) {
    throw std::invalid_argument("no encoder for this dtype");
  }
  if (values.size() % kBlock != 0) throw std::invalid_argument("not whole blocks");
  for (std::size_t i = 0; i < values.size(); i += kBlock) {
    const auto block = values.subspan(i, kBlock);
    out += dtype == DType::kQ8_0   ? encode_q8_0(block)
           : dtype == DType::kQ4_0 ? encode_q4_0(block)
                                   : encode_q4_1(block);
  }
  return out;
}

void GgufWriter::erase(std::string_view key) {
  std::erase_if(values_, [key](const Value& v) { return v.key == key; });
}

void GgufWriter::add_raw(std::string_view key, std::uint32_t type, std::string value) {
  values_.push_back({std::string(key), type, std::move(value)});
}

void GgufWriter::set_raw(std::string_view key, std::uint32_t type, std::string value) {
  erase(key);
  add_raw(key, type, std::move(value));
}

void GgufWriter::set_u32(std::string_view key, std::uint32_t value) {
  set_raw(key, 4, raw_bytes(value));
}
void GgufWriter::set_f32(std::string_view key, float value) { set_raw(key, 6, raw_bytes(value)); }
void GgufWriter::set_bool(std::string_view key, bool value) {
  set_raw(key, 7, raw_bytes(static_cast<std::uint8_t>(value)));
}
void GgufWriter::set_text(std::string_view key, std::string_view value) {
  set_raw(key, 8, gguf_text(value));
}

void GgufWriter::set_texts(std::string_view key, std::span<const std::string> values) {
  std::string bytes = raw_bytes(std::uint32_t{8}) + raw_bytes(std::uint64_t{values.size()});
  for (const std::string& value : values) bytes += gguf_text(value);
  set_raw(key, 9, std::move(bytes));
}
void GgufWriter::set_i32s(std::string_view key, std::span<const std::int32_t> values) {
  std::string bytes = raw_bytes(std::uint32_t{5}) + raw_bytes(std::uint64_t{values.size()});
  for (const std::int32_t value : values) bytes += raw_bytes(value);
  set_raw(key, 9, std::move(bytes));
}
void GgufWriter::set_f32s(std::string_view key, std::span<const float> values) {
  std::string bytes = raw_bytes(std::uint32_t{6}) + raw_bytes(std::uint64_t{values.size()});
  for (const float value : values) bytes += raw_bytes(value);
  set_raw(key, 9, std::move(bytes));
}

void GgufWriter::add_tensor(std::string_view name, DType dtype, std::uint64_t rows,
                            std::span<const float> values) {
  GgufTensor tensor{std::string(name), {}, gguf_type(dtype), encode_floats(values, dtype), {}, {}};
  if (rows == 0) {
    tensor.dims = {values.size()};
  } else {
    tensor.dims = {values.size() / rows, rows};
  }
  tensors.push_back(std::move(tensor));
}

GgufTensor& GgufWriter::tensor(std::string_view name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [name](const GgufTensor& t) { return t.name == name; });
  if (found == tensors.end()) throw std::invalid_argument("no such tensor");
  return *found;
}

void GgufWriter::erase_tensor(std::string_view name) {
  std::erase_if(tensors, [name](const GgufTensor& t) { return t.name == name; });
}

std::string GgufWriter::bytes() const {
  std::string out = "GGUF" + raw_bytes(version) + raw_bytes(n_tensors.value_or(tensors.size())) +
                    raw_bytes(n_keys.value_or(values_.size()));
  for (const Value& value : values_) {
    out += gguf_text(value.key) + raw_bytes(value.type) + value.bytes;
  }
  std::string data;
  for (const GgufTensor& tensor : tensors) {
    out += gguf_text(tensor.name) +
           raw_bytes(tensor.n_dims.value_or(static_cast<std::uint32_t>(tensor.dims.size())));
    for (const std::uint64_t dim : tensor.dims) out += raw_bytes(dim);
    out += raw_bytes(tensor.type) + raw_bytes(tensor.offset.value_or(data.size()));
    data += tensor.bytes;
    pad(data, alignment);
  }
  if (!tensors.empty()) pad(out, alignment);
  return out + data;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace kvlink::tests
