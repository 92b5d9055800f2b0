// SPDX-License-Identifier: Apache-2.0
#include "tests/support/safetensors_writer.h"

#include "tests/support/gguf_writer.h"

namespace kvlink::tests {

void SafetensorsWriter::add(std::string_view name, DType dtype, std::vector<std::int64_t> shape,
                            std::span<const float> values) {
  const std::size_t begin = data_.size();
  data_ += encode_floats(values, dtype);
  std::string extents;
  for (const std::int64_t extent : shape) {
    extents += (extents.empty() ? "" : ",") + std::to_string(extent);
  }
  const char* type = dtype == DType::kF32 ? "F32" : dtype == DType::kF16 ? "F16" : "BF16";
  entries_ += (entries_.empty() ? "" : ",") + std::string("\"") + std::string(name) +
              "\":{\"dtype\":\"" + type + "\",\"shape\":[" + extents + "],\"data_offsets\":[" +
              std::to_string(begin) + "," + std::to_string(data_.size()) + "]}";
}

std::string SafetensorsWriter::header() const {
  std::string text = "{" + entries_ + "}";
  while (text.size() % 8 != 0) text += ' ';
  return text;
}

std::string SafetensorsWriter::bytes() const { return safetensors_bytes(header(), data_); }

std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return raw_bytes(std::uint64_t{header.size()}) + std::string(header) + std::string(data);
}

}  // namespace kvlink::tests
