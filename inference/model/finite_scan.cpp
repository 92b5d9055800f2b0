// SPDX-License-Identifier: Apache-2.0
#include "inference/model/finite_scan.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

// NaN and infinity are the values whose exponent bits are all ones.
constexpr std::uint16_t kF16Exponent = 0x7C00;
constexpr std::uint16_t kBf16Exponent = 0x7F80;
constexpr std::uint32_t kF32Exponent = 0x7F80'0000;

/// Whether any T at bytes[offset], bytes[offset + stride], … has all exponent bits set. Without a
/// branch in the loop, so that the compiler can vectorise it.
template <typename T>
bool any_not_finite(std::span<const std::byte> bytes, std::size_t stride, T exponent,
                    std::size_t offset = 0) {
  const std::byte* at = bytes.data() + offset;
  const std::size_t n = bytes.size() / stride;
  unsigned found = 0;
  for (std::size_t i = 0; i < n; ++i) {
    T bits;
    std::memcpy(&bits, at + i * stride, sizeof(bits));
    found |= static_cast<unsigned>((bits & exponent) == exponent);
  }
  return found != 0;
}

/// Scale and minimum stand side by side at `offset` of each block.
bool any_scale_or_minimum_not_finite(std::span<const std::byte> bytes, std::size_t stride,
                                     std::size_t offset = 0) {
  constexpr std::uint32_t kLow = kF16Exponent;
  constexpr std::uint32_t kHigh = kLow << 16;
  const std::size_t n = bytes.size() / stride;
  unsigned found = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, bytes.data() + i * stride + offset, sizeof(bits));
    found |= static_cast<unsigned>((bits & kLow) == kLow) |
             static_cast<unsigned>((bits & kHigh) == kHigh);
  }
  return found != 0;
}

bool has_only_finite(const TensorEntry& tensor) {
  const auto bytes = tensor.bytes;
  const auto block = static_cast<std::size_t>(block_bytes(tensor.dtype));
  switch (tensor.dtype) {
    case DType::kF32:
      return !any_not_finite(bytes, sizeof(float), kF32Exponent);
    case DType::kF16:
      return !any_not_finite(bytes, sizeof(kF16Exponent), kF16Exponent);
    case DType::kBF16:
      return !any_not_finite(bytes, sizeof(kBf16Exponent), kBf16Exponent);
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4K:
    case DType::kQ5K:
      return !any_scale_or_minimum_not_finite(bytes, block);
    case DType::kQ2K:
      return !any_scale_or_minimum_not_finite(bytes, block, block - 4);
    case DType::kQ8_0:
    case DType::kQ4_0:
    case DType::kQ5_0:
    case DType::kIq4Nl:
      return !any_not_finite(bytes, block, kF16Exponent);
    case DType::kQ3K:
    case DType::kQ6K:
      return !any_not_finite(bytes, block, kF16Exponent, block - 2);
    case DType::kQ8Kv:
      return true;  // never in a model file
  }
  return true;
}

/// Bytes between two looks at the watch.
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

}  // namespace

void expect_finite(std::span<const TensorEntry> tensors, const std::string& source,
                   const LoadWatch& watch) {
  std::int64_t total = 0;
  for (const TensorEntry& tensor : tensors) total += std::ssize(tensor.bytes);
  std::int64_t done = 0;
  for (const TensorEntry& tensor : tensors) {
    const auto block = static_cast<std::size_t>(block_bytes(tensor.dtype));
    const std::size_t step = kPieceBytes / block * block;
    TensorEntry piece{tensor.name, tensor.dtype, {}, {}};
    for (std::size_t at = 0; at < tensor.bytes.size(); at += step) {
      if (watch.stop.stop_requested()) {
        fail(ErrorCode::kCancelled, "loading " + source + " was stopped");
      }
      piece.bytes = tensor.bytes.subspan(at, std::min(step, tensor.bytes.size() - at));
      expect_finite(std::span(&piece, 1), source);
      done += std::ssize(piece.bytes);
      if (watch.progress) watch.progress(done, total);
    }
  }
}

void expect_finite(std::span<const TensorEntry> tensors, const std::string& source) {
  for (const TensorEntry& tensor : tensors) {
    if (!has_only_finite(tensor)) {
      fail(ErrorCode::kCorrupt, source + ": tensor " + tensor.name + " holds NaN or infinity");
    }
  }
}

}  // namespace kvlink::inference
