// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>

#include "inference/model/gguf_file.h"
#include "inference/model/limits.h"
#include "inference/model/printable.h"
#include "kernels/base/byte_reader.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMinAlignment = 8;
constexpr std::uint64_t kMaxAlignment = 65'536;
constexpr std::uint32_t kMaxDims = 4;
constexpr std::uint64_t kMaxTensorNameBytes = 63;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Bytes of one element; 0 for strings and arrays.
std::uint64_t scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool:
      return 1;
    case GgufType::kU16:
    case GgufType::kI16:
      return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32:
      return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

struct TensorType {
  std::uint32_t id;
  std::string_view name;
  std::optional<DType> dtype;
};

// Numbers of the file format; 4, 5 and 31 to 33 were withdrawn from it.
constexpr std::array<TensorType, 31> kTensorTypes{{
    {0, "F32", DType::kF32},       {1, "F16", DType::kF16},       {2, "Q4_0", DType::kQ4_0},
    {3, "Q4_1", DType::kQ4_1},     {6, "Q5_0", DType::kQ5_0},     {7, "Q5_1", DType::kQ5_1},
    {8, "Q8_0", DType::kQ8_0},     {9, "Q8_1", std::nullopt},     {10, "Q2_K", DType::kQ2K},
    {11, "Q3_K", DType::kQ3K},     {12, "Q4_K", DType::kQ4K},     {13, "Q5_K", DType::kQ5K},
    {14, "Q6_K", DType::kQ6K},     {15, "Q8_K", std::nullopt},    {16, "IQ2_XXS", std::nullopt},
    {17, "IQ2_XS", std::nullopt},  {18, "IQ3_XXS", std::nullopt}, {19, "IQ1_S", std::nullopt},
    {20, "IQ4_NL", DType::kIq4Nl}, {21, "IQ3_S", std::nullopt},   {22, "IQ2_S", std::nullopt},
    {23, "IQ4_XS", std::nullopt},  {24, "I8", std::nullopt},      {25, "I16", std::nullopt},
    {26, "I32", std::nullopt},     {27, "I64", std::nullopt},     {28, "F64", std::nullopt},
    {29, "IQ1_M", std::nullopt},   {30, "BF16", DType::kBF16},    {34, "TQ1_0", std::nullopt},
    {35, "TQ2_0", std::nullopt},
}};

DType tensor_dtype(std::uint32_t id, const std::string& tensor, const std::string& source) {
  const auto* found = std::find_if(kTensorTypes.begin(), kTensorTypes.end(),
                                   [id](const TensorType& t) { return t.id == id; });
  if (found != kTensorTypes.end() && found->dtype) return *found->dtype;
  const std::string name =
      found != kTensorTypes.end() ? std::string(found->name) : "number " + std::to_string(id);
  fail(ErrorCode::kUnsupported, source + ": tensor " + tensor + " has type " + name +
                                    "; supported are F32, F16, BF16, Q8_0, Q4_0, Q4_1, "
                                    "Q5_0, Q5_1, Q2_K to Q6_K and IQ4_NL");
}

/// Names are shown in messages and on terminals: valid UTF-8 without control characters.
bool is_name(std::string_view text, std::uint64_t max_bytes) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return !text.empty() && text.size() <= max_bytes && is_valid_utf8(text) &&
         std::none_of(text.begin(), text.end(), is_control);
}

/// Parsing of one file, front to back.
class Parser {
 public:
  Parser(std::span<const std::byte> bytes, std::string source)
      : bytes_(bytes), reader_(bytes, std::move(source)) {}

  void read_header();
  std::map<std::string, GgufValue, std::less<>> read_values();
  std::vector<TensorEntry> read_tensors(std::uint64_t alignment);

 private:
  std::string_view read_text(std::string_view field);
  GgufType read_type();
  GgufValue read_value();
  TensorEntry read_tensor();
  void place_tensors(std::vector<TensorEntry>& tensors, std::uint64_t alignment);

  std::span<const std::byte> bytes_;
  ByteReader reader_;
  std::uint64_t n_tensors_ = 0;
  std::uint64_t n_keys_ = 0;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint64_t> sizes_;
};

void Parser::read_header() {
  if (as_text(reader_.take(4, "the magic number")) != kMagic) {
    fail(ErrorCode::kCorrupt, reader_.source() + " is not a GGUF file (wrong magic number)");
  }
  const auto version = reader_.read<std::uint32_t>("version");
  if (version != 0 && (version & 0xFFFFU) == 0) {
    fail(ErrorCode::kUnsupported,
         reader_.source() + " is a big-endian GGUF file; convert it to little endian");
  }
  if (version == 0) reader_.corrupt("version 0 does not exist");
  if (version != 2 && version != 3) {
    fail(ErrorCode::kUnsupported, reader_.source() + " is GGUF version " + std::to_string(version) +
                                      "; versions 2 and 3 are read");
  }
  // The smallest tensor record has a length, a name byte, dims, one dim, type and offset; the
  // smallest key a length, a byte, a type and a byte.
  n_tensors_ = reader_.read<std::uint64_t>("number of tensors");
  n_keys_ = reader_.read<std::uint64_t>("number of keys");
  reader_.checked_count(n_tensors_, 33, "number of tensors");
  reader_.checked_count(n_keys_, 14, "number of keys");
  if (n_tensors_ > limits::kMaxTensors || n_keys_ > limits::kMaxKeys) {
    fail(ErrorCode::kUnsupported, reader_.source() + " lists " + std::to_string(n_tensors_) +
                                      " tensors and " + std::to_string(n_keys_) +
                                      " keys; at most 65536 of each are read");
  }
}

std::string_view Parser::read_text(std::string_view field) {
  return as_text(reader_.take(reader_.read<std::uint64_t>(field), field));
}

GgufType Parser::read_type() {
  const auto type = reader_.read<std::uint32_t>("value type");
  if (type > static_cast<std::uint32_t>(GgufType::kF64)) {
    reader_.corrupt("value type " + std::to_string(type) + " does not exist");
  }
  return static_cast<GgufType>(type);
}

GgufValue Parser::read_value() {
  GgufValue value;
  value.type = read_type();
  value.element_type = value.type;
  if (value.type == GgufType::kArray) {
    value.element_type = read_type();
    if (value.element_type == GgufType::kArray) {
      fail(ErrorCode::kUnsupported, reader_.source() + ": arrays of arrays are not read");
    }
    value.count = reader_.read<std::uint64_t>("array length");
  }
  const std::uint64_t size = scalar_bytes(value.element_type);
  reader_.checked_count(value.count, size == 0 ? 8 : size, "array");
  if (value.count > limits::kMaxArrayEntries) {
    fail(ErrorCode::kUnsupported, reader_.source() + ": an array has " +
                                      std::to_string(value.count) + " entries; too many to read");
  }
  const std::uint64_t begin = reader_.offset();
  if (size != 0) {
    reader_.take(value.count * size, "value");
  } else {
    for (std::uint64_t i = 0; i < value.count; ++i) read_text("string");
  }
  value.bytes = bytes_.subspan(begin, reader_.offset() - begin);
  return value;
}

std::map<std::string, GgufValue, std::less<>> Parser::read_values() {
  std::map<std::string, GgufValue, std::less<>> values;
  for (std::uint64_t i = 0; i < n_keys_; ++i) {
    const std::string_view key = read_text("key");
    if (!is_name(key, limits::kMaxKeyBytes)) {
      reader_.corrupt("key " + std::to_string(i) + " is not a name of 1 to 65535 UTF-8 bytes");
    }
    if (!values.emplace(std::string(key), read_value()).second) {
      reader_.corrupt("a key occurs twice: " + printable(key));
    }
  }
  return values;
}

TensorEntry Parser::read_tensor() {
  TensorEntry tensor;
  const std::string_view name = read_text("tensor name");
  if (!is_name(name, kMaxTensorNameBytes)) {
    reader_.corrupt("a tensor's name is not 1 to 63 UTF-8 bytes");
  }
  tensor.name = name;
  const auto n_dims = reader_.read<std::uint32_t>("number of dimensions");
  if (n_dims == 0 || n_dims > kMaxDims) {
    reader_.corrupt("tensor " + tensor.name + " has " + std::to_string(n_dims) + " dimensions");
  }
  std::uint64_t n_elements = 1;
  for (std::uint32_t d = 0; d < n_dims; ++d) {
    const auto extent = reader_.read<std::uint64_t>("dimension");
    if (extent == 0 || extent > std::uint64_t{1} << 40) {
      reader_.corrupt("tensor " + tensor.name + " has a dimension of " + std::to_string(extent));
    }
    n_elements = checked_mul(n_elements, extent, reader_.source() + ": " + tensor.name);
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(extent));
  }
  tensor.dtype =
      tensor_dtype(reader_.read<std::uint32_t>("tensor type"), tensor.name, reader_.source());
  const auto block = static_cast<std::uint64_t>(block_elements(tensor.dtype));
  if (static_cast<std::uint64_t>(tensor.shape.back()) % block != 0) {
    reader_.corrupt("rows of tensor " + tensor.name + " are not whole blocks of " +
                    dtype_name(tensor.dtype));
  }
  sizes_.push_back(checked_mul(n_elements / block,
                               static_cast<std::uint64_t>(block_bytes(tensor.dtype)), tensor.name));
  offsets_.push_back(reader_.read<std::uint64_t>("tensor offset"));
  return tensor;
}

std::vector<TensorEntry> Parser::read_tensors(std::uint64_t alignment) {
  std::vector<TensorEntry> tensors;
  std::set<std::string, std::less<>> names;
  for (std::uint64_t i = 0; i < n_tensors_; ++i) {
    tensors.push_back(read_tensor());
    if (!names.insert(tensors.back().name).second) {
      reader_.corrupt("a tensor occurs twice: " + tensors.back().name);
    }
  }
  if (!tensors.empty()) place_tensors(tensors, alignment);
  return tensors;
}

void Parser::place_tensors(std::vector<TensorEntry>& tensors, std::uint64_t alignment) {
  const auto aligned = [alignment](std::uint64_t at) {
    return checked_add(at, alignment - 1, "tensor data") & ~(alignment - 1);
  };
  const std::uint64_t data = aligned(reader_.offset());
  std::uint64_t expected = 0;
  std::uint64_t end = data;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (offsets_[i] != expected) {
      reader_.corrupt("tensor " + tensors[i].name + " begins at " + std::to_string(offsets_[i]) +
                      " of the data, expected " + std::to_string(expected));
    }
    end = checked_add(checked_add(data, offsets_[i], tensors[i].name), sizes_[i], tensors[i].name);
    if (end > bytes_.size()) {
      reader_.corrupt("tensor " + tensors[i].name + " ends at byte " + std::to_string(end) +
                      " of a file of " + std::to_string(bytes_.size()));
    }
    tensors[i].bytes = bytes_.subspan(data + offsets_[i], sizes_[i]);
    expected = aligned(expected + sizes_[i]);
  }
  if (bytes_.size() - end >= alignment) {
    reader_.corrupt(std::to_string(bytes_.size() - end) + " bytes follow the last tensor");
  }
}

std::uint64_t read_alignment(const std::map<std::string, GgufValue, std::less<>>& values,
                             const std::string& source) {
  const auto found = values.find("general.alignment");
  if (found == values.end()) return kDefaultAlignment;
  std::uint64_t alignment = 0;
  if (found->second.type == GgufType::kU32) {
    alignment = ByteReader(found->second.bytes, source).read<std::uint32_t>("alignment");
  }
  if (alignment < kMinAlignment || alignment > kMaxAlignment ||
      (alignment & (alignment - 1)) != 0) {
    fail(ErrorCode::kCorrupt,
         source + ": general.alignment is not a 32-bit power of two from 8 to 65536");
  }
  return alignment;
}

}  // namespace

std::uint32_t gguf_type_number(DType dtype) {
  const auto* found = std::find_if(kTensorTypes.begin(), kTensorTypes.end(),
                                   [dtype](const TensorType& t) { return t.dtype == dtype; });
  KVLINK_CHECK(found != kTensorTypes.end());
  return found->id;
}

GgufFile GgufFile::parse(std::span<const std::byte> bytes, std::string source) {
  Parser parser(bytes, source);
  GgufFile file;
  file.source_ = std::move(source);
  parser.read_header();
  file.values_ = parser.read_values();
  file.tensors_ = parser.read_tensors(read_alignment(file.values_, file.source_));
  return file;
}

}  // namespace kvlink::inference
